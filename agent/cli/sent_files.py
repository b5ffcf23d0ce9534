"""Files of this machine that go with a message which is typed at a terminal."""

import re
from pathlib import Path

from agent.chat.sent_files import largest, taken
from agent.core.files import File
from agent.core.notices import PlainError
from agent.core.settings import Settings

# The line that sends a file.
COMMAND = re.compile(r"/file\s+(?P<path>\S.*)")


def path_in(line: str) -> str:
    """The path in a line that sends a file; "" for any other message."""
    found = COMMAND.fullmatch(line.strip())
    return found["path"] if found else ""


def sent_file(path: str, settings: Settings) -> File:
    """The file at a path, as somebody types it, or drops it onto a terminal: in quotes, or with a
    backslash before each blank.

    Raises:
        OSError: if the file cannot be read.
        PlainError: if the file may not be sent here.
    """
    place = Path(path).expanduser()
    if not place.exists():
        place = Path(path.strip("'\"").replace("\\ ", " ")).expanduser()
    if place.stat().st_size > largest(settings):
        raise PlainError("file_too_large", megabytes=largest(settings) / 1_000_000)
    return taken(place.read_bytes(), place.name, settings)


def why_unread(path: str, error: OSError) -> str:
    """Why the file at a path cannot be read, in a sentence."""
    match error:
        case FileNotFoundError() | NotADirectoryError():
            return f"There is no file {path}."
        case IsADirectoryError():
            return f"{path} is a folder. Name a file in it."
        case PermissionError():
            return f"You may not read {path}."
    return f"{path} cannot be read: {error.strerror}."

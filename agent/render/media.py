"""Pictures and other files that the agent has made, put where the page can fetch them."""

import hashlib
import mimetypes
import re
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from agent.core.transcript import Picture

FOLDER = Path(tempfile.gettempdir()) / "adk-chat-page"

FILE_NAME = re.compile(r"[0-9a-f]{32}\.\w+")

# Types of pictures that can hold no script.
RASTER_TYPES = ("image/png", "image/jpeg", "image/gif", "image/webp")

# What Python 3.11 has no suffix for, though models make it; Gradio, where it is imported, adds one.
MORE_SUFFIXES = {"audio/wav": ".wav"}


def save(picture: Picture) -> str:
    """The name of the picture's file, which is written unless it is there already.

    The name is a hash of the content: only who has seen the picture knows it.
    """
    FOLDER.mkdir(exist_ok=True)
    kind = picture.mime_type.lower()
    suffix = mimetypes.guess_extension(kind) or MORE_SUFFIXES.get(kind) or ".bin"
    path = FOLDER / (hashlib.sha256(picture.data).hexdigest()[:32] + suffix)
    if path.exists():
        path.touch()
    else:
        path.write_bytes(picture.data)
    return path.name


def path_of(name: str) -> Path | None:
    """The saved file of that name; None if there is none."""
    path = FOLDER / name
    return path if FILE_NAME.fullmatch(name) and path.is_file() else None


def delete_unused(seconds: float) -> None:
    """Delete the files that no page was given in the last so many seconds."""
    oldest = time.time() - seconds
    for path in FOLDER.glob("*"):
        with suppress(FileNotFoundError):  # Another process may be faster.
            if path.stat().st_mtime < oldest:
                path.unlink()

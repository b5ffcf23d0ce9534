"""Pictures and other files of the agent's own, put where the page can fetch them."""

import hashlib
import mimetypes
import re
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from agent.core.transcript import Picture

FOLDER = Path(tempfile.gettempdir()) / "adk-chat-page"

NAME = re.compile(r"[0-9a-f]{32}\.\w+")

RASTER = ("image/png", "image/jpeg", "image/gif", "image/webp")
"""Pictures that can hold no script."""


def keep(picture: Picture) -> str:
    """The name of its file, which is made of what is in it: only who has seen it knows the name."""
    FOLDER.mkdir(exist_ok=True)
    suffix = mimetypes.guess_extension(picture.mime_type) or ".bin"
    path = FOLDER / (hashlib.sha256(picture.data).hexdigest()[:32] + suffix)
    if path.exists():
        path.touch()
    else:
        path.write_bytes(picture.data)
    return path.name


def find(name: str) -> Path | None:
    """The file of that name, if there is one."""
    path = FOLDER / name
    return path if NAME.fullmatch(name) and path.is_file() else None


def delete(unused: float) -> None:
    """Delete what no page was given in the last `unused` seconds."""
    since = time.time() - unused
    for path in FOLDER.glob("*"):
        with suppress(FileNotFoundError):  # Another process may be faster.
            if path.stat().st_mtime < since:
                path.unlink()

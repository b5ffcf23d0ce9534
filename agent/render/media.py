"""Pictures and other files of a conversation, in a folder from which the page can fetch them."""

import hashlib
import io
import mimetypes
import re
import tempfile
import time
import wave
from contextlib import suppress
from pathlib import Path

from agent.core.files import File

FOLDER = Path(tempfile.gettempdir()) / "adk-chat-page"

FILE_NAME = re.compile(r"[0-9a-f]{32}\.\w+")

# Types of pictures that can hold no script.
RASTER_TYPES = ("image/png", "image/jpeg", "image/gif", "image/webp")

# What Python 3.11 has no suffix for, though models make it; Gradio, where it is imported, adds one.
MORE_SUFFIXES = {"audio/wav": ".wav", "audio/aiff": ".aiff"}

# The MIME types of what Gemini's speech models make, which no browser plays: bare samples of 16
# bits, the lower byte first; and how many of them a second has
# (https://ai.google.dev/gemini-api/docs/speech-generation).
SAMPLES, SAMPLE_RATE = ("audio/l16", "audio/pcm"), 24_000


def save(mime_type: str, data: bytes, salt: str = "") -> str:
    """Write a file with this content, unless it is there already; its name.

    The name is a hash of the content: only somebody who has seen the content knows it. With a salt
    it is a file of its own, which is not deleted with the conversation.
    """
    FOLDER.mkdir(exist_ok=True)
    kind, data = playable(mime_type, data)
    path = FOLDER / (hashlib.sha256(salt.encode() + data).hexdigest()[:32] + suffix(kind))
    if path.exists():
        path.touch()
    else:
        path.write_bytes(data)
    return path.name


def kept_copy(path: Path) -> File:
    """A file of this machine as one of a conversation.

    Raises:
        OSError: if it cannot be read.
    """
    data = path.read_bytes()
    return File("", name=path.name, kept_as=save("", data), size=len(data))


def suffix(kind: str) -> str:
    """The suffix of file names for this MIME type, with its dot."""
    return mimetypes.guess_extension(kind) or MORE_SUFFIXES.get(kind) or ".bin"


def playable(mime_type: str, data: bytes) -> tuple[str, bytes]:
    """The MIME type in lower case, and the content; bare samples as a WAV, which browsers play."""
    kind, *rest = (piece.strip() for piece in mime_type.lower().split(";"))
    if kind not in SAMPLES:
        return mime_type.lower(), data
    parameters = dict(piece.partition("=")[::2] for piece in rest)
    rate, channels = parameters.get("rate", ""), parameters.get("channels", "")
    whole = io.BytesIO()
    with wave.open(whole, "wb") as sound:
        sound.setnchannels(2 if channels == "2" else 1)
        sound.setsampwidth(2)
        sound.setframerate(int(rate) if re.fullmatch("[1-9][0-9]{3,5}", rate) else SAMPLE_RATE)
        sound.writeframes(data)
    return "audio/wav", whole.getvalue()


def content(file: File) -> bytes | None:
    """The content of a file of an answer; None where it is not here."""
    path = None if file.data else path_of(file.kept_as)
    return path.read_bytes() if path else file.data or None


def size(file: File) -> int:
    """The bytes of a file's content; 0 where it is not here."""
    path = None if file.data else path_of(file.kept_as)
    return path.stat().st_size if path else len(file.data)


def path_of(name: str) -> Path | None:
    """The saved file of that name; None if there is none."""
    path = FOLDER / name
    return path if FILE_NAME.fullmatch(name) and path.is_file() else None


def delete(name: str) -> None:
    """Delete a saved file, if it is there."""
    if path := path_of(name):
        path.unlink(missing_ok=True)


def delete_unused(seconds: float) -> None:
    """Delete the files that no page was given in the last `seconds`."""
    oldest = time.time() - seconds
    for path in FOLDER.glob("*"):
        with suppress(FileNotFoundError):  # Another process may be faster.
            if path.stat().st_mtime < oldest:
                path.unlink()

"""What a file is, told by its content: its name, and what a browser says of it, may be anything."""

import io

import filetype
from PIL import Image, UnidentifiedImageError

from agent.core.notices import PlainError

# What visitors may send, by the names that a host gives these groups in FILE_TYPES: what Gemini
# reads (https://ai.google.dev/gemini-api/docs, image, document, audio and video understanding).
GROUPS = {
    "image": ("image/png", "image/jpeg", "image/webp", "image/heic"),
    "pdf": ("application/pdf",),
    "audio": (
        *("audio/mpeg", "audio/wav", "audio/ogg", "audio/flac", "audio/aac", "audio/aiff"),
        "audio/mp4",
    ),
    "video": ("video/mp4", "video/quicktime", "video/webm"),
    "text": ("text/plain",),
}

# What `filetype` calls otherwise than Gemini does.
GEMINIS_NAMES = {
    "audio/x-wav": "audio/wav",
    "audio/x-flac": "audio/flac",
    "audio/x-aiff": "audio/aiff",
    "audio/m4a": "audio/mp4",
}

# Pictures whose size Pillow reads; and pixels of one, above which it takes a browser too much
# memory to show. Telephones make 50 million at the most by default; of more Pillow warns, too.
MEASURED = {"image/png": "PNG", "image/jpeg": "JPEG", "image/webp": "WEBP", "image/gif": "GIF"}
MAX_PIXELS = 89_000_000

# Bytes that no text has.
CONTROLS = bytes(range(9)) + b"\x0b" + bytes(range(14, 27)) + bytes(range(28, 32)) + b"\x7f"

KNOWN = frozenset(kind for group in GROUPS.values() for kind in group)


def recognise(data: bytes) -> tuple[str, bytes]:
    """The MIME type of a file, and its content; "" where it is nothing that is known. Any text is
    "text/plain", whatever language it is in, and comes as UTF-8.

    Raises:
        PlainError: if it is a picture that is broken, or too large to be shown.
    """
    guessed = str(filetype.guess_mime(data) or "")
    kind = GEMINIS_NAMES.get(guessed, guessed)
    # A text may begin as something else does: "BM" is a bitmap, and a word.
    if kind not in KNOWN and (text := _as_text(data)) is not None:
        return "text/plain", text.encode()
    if kind in MEASURED:
        _check_picture(data, MEASURED[kind])
    return kind, data


def _as_text(data: bytes) -> str | None:
    """What it says, if it is a text; Excel still writes tables in the older encodings."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        encodings: tuple[str, ...] = ("utf-16",)
    elif data.translate(None, CONTROLS) != data:
        return None
    else:
        encodings = "utf-8-sig", "cp1252"
    for encoding in encodings:
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            pass
    return None


def _check_picture(data: bytes, form: str) -> None:
    try:
        width, height = Image.open(io.BytesIO(data), formats=[form]).size
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise PlainError("picture_too_large", pixels=MAX_PIXELS // 1_000_000) from None
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError):
        raise PlainError("picture_broken") from None
    if width * height > MAX_PIXELS:
        raise PlainError("picture_too_large", pixels=MAX_PIXELS // 1_000_000)

"""What a file is, told by its content."""

import io
import struct
import wave
import zlib

import pytest
from PIL import Image

from agent.core.file_types import GROUPS, MAX_PIXELS, recognise
from agent.core.notices import PlainError
from tests.support.file_agents import PNG


def picture(form: str) -> bytes:
    whole = io.BytesIO()
    Image.new("RGB", (8, 8), "red").save(whole, form)
    return whole.getvalue()


def sound() -> bytes:
    whole = io.BytesIO()
    with wave.open(whole, "wb") as written:
        written.setnchannels(1)
        written.setsampwidth(2)
        written.setframerate(8_000)
        written.writeframes(bytes(800))
    return whole.getvalue()


REST = bytes(100)

FILES = {
    "image/png": PNG,
    "image/jpeg": picture("JPEG"),
    "image/webp": picture("WEBP"),
    "image/heic": b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + REST,
    "application/pdf": b"%PDF-1.7\n%\xe2\xe3\n1 0 obj\n%%EOF",
    "audio/mpeg": b"ID3\x03" + REST,
    "audio/wav": sound(),
    "audio/ogg": b"OggS\0\2" + REST,
    "audio/flac": b"fLaC\0\0\0\x22" + REST,
    "audio/aac": b"\xff\xf1\x50\x80\x02\x1f\xfc" + REST,
    "audio/aiff": b"FORM\0\0\1\0AIFFCOMM" + REST,
    "audio/mp4": b"\0\0\0\x20ftypM4A \0\0\0\0M4A mp42isom" + REST,
    "video/mp4": b"\0\0\0\x20ftypisom\0\0\2\0isomiso2avc1mp41" + REST,
    "video/quicktime": b"\0\0\0\x14ftypqt  \0\0\2\0qt  " + REST,
    "video/webm": b"\x1aE\xdf\xa3\x93B\x82\x84webm" + REST,
    "text/plain": b"a,b\n1,2\n",
}


@pytest.mark.parametrize(("kind", "content"), FILES.items(), ids=FILES.keys())
def test_what_gemini_reads_is_known_by_its_content(kind: str, content: bytes) -> None:
    assert recognise(content) == (kind, content)


def test_each_type_that_may_be_sent_is_tested_here() -> None:
    assert {kind for group in GROUPS.values() for kind in group} == FILES.keys()


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("Grüße, 世界".encode(), "Grüße, 世界"),
        ("\ufeffGrüße".encode(), "Grüße"),
        ("Grüße".encode("utf-16"), "Grüße"),
        ("Käse;1,50 €\r\n".encode("cp1252"), "Käse;1,50 €\r\n"),
        (b"BM is no bitmap", "BM is no bitmap"),
        (b"<svg><script>alert(1)</script></svg>", "<svg><script>alert(1)</script></svg>"),
        (b"\x1b[1mbold\x1b[0m\x0c", "\x1b[1mbold\x1b[0m\x0c"),
    ],
)
def test_any_text_is_plain_text_in_utf_8(content: bytes, text: str) -> None:
    assert recognise(content) == ("text/plain", text.encode())


@pytest.mark.parametrize(
    "content",
    [
        picture("GIF"),
        picture("BMP"),
        b"PK\3\4" + REST,
        b"MZ\x90\0" + REST,
        b"\x7fELF" + REST,
        REST,
        b"\xff\xfe\0",
        b"\x81\x8d\x8f",
    ],
)
def test_nothing_else_is_among_what_may_be_sent_by_default(content: bytes) -> None:
    assert recognise(content)[0] not in FILES


def huge(side: int) -> bytes:
    """The beginning of a picture of so many pixels a side, in a few bytes."""
    head = b"IHDR" + struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n\0\0\0\x0d" + head + struct.pack(">I", zlib.crc32(head)) + PNG[33:]


@pytest.mark.parametrize("side", [9_440, 10_001, 14_000, 60_000])
def test_a_picture_that_no_browser_could_show_is_refused(side: int) -> None:
    assert side**2 > MAX_PIXELS
    with pytest.raises(PlainError, match="too large to be shown: at most 89 million pixels"):
        recognise(huge(side))


def test_a_large_photograph_is_none_of_those() -> None:
    assert recognise(huge(8_000))[0] == "image/png"


@pytest.mark.parametrize("content", [PNG[:12], b"\xff\xd8\xff" + REST, b"RIFF\4\0\0\0WEBPVP8 "])
def test_a_picture_that_is_none_is_refused(content: bytes) -> None:
    with pytest.raises(PlainError, match="cannot be opened"):
        recognise(content)

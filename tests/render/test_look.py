"""What an owner writes into `LOOK`, and what the host is told of what cannot be used."""

import io
import re
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from agent.render.export import to_html
from agent.render.icon import icon
from agent.render.look import MAX_SIZE, PLAIN, Look, read_look

SVG = b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 40 20"></svg>'


def raster(form: str = "PNG", size: tuple[int, int] = (40, 20)) -> bytes:
    written = io.BytesIO()
    Image.new("RGB", size, "red").save(written, form)
    return written.getvalue()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    files = {
        "logo.svg": SVG,
        "photo": raster("JPEG"),
        "favicon.ico": raster("ICO", (16, 16)),
        "card.png": raster(),
        "half.png": raster()[:60],
        "page.svg": b"<html><script>alert(1)</script></html>",
        "large.png": raster() + bytes(MAX_SIZE),
    }
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    return tmp_path


def test_an_owner_names_an_accent_and_pictures(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    given = {
        "accent": ("#0a7053", "#0a7"),
        "logo": "logo.svg",
        "icon": "favicon.ico",
        "card": folder / "card.png",
        "avatar": "photo",
        "visitor_avatar": "logo.svg",
    }
    look = read_look(given, folder, "LOOK")
    assert look.accent == ("#0a7053", "#00aa77")
    pictures = look.logo, look.icon, look.card, look.avatar, look.visitor_avatar
    assert [(picture.kind, picture.ratio) for picture in pictures if picture] == [
        ("image/svg+xml", 2),
        ("image/x-icon", 1),
        ("image/png", 2),
        ("image/jpeg", 2),
        ("image/svg+xml", 2),
    ]
    assert caplog.messages == []


def test_a_logo_alone_is_the_icon_too_and_without_any_there_is_one_in_the_accent(
    folder: Path,
) -> None:
    look = read_look({"logo": "card.png"}, folder, "LOOK")
    assert look == Look(logo=look.logo, icon=look.logo)
    for drawn_look, corner in ((look, (0, 0, 0, 0)), (PLAIN, (194, 65, 12, 255))):
        drawn = Image.open(io.BytesIO(icon(drawn_look, 192) or b""))
        assert (drawn.size, drawn.format, drawn.getpixel((0, 0))) == ((192, 192), "PNG", corner)
    assert icon(read_look({"logo": "logo.svg"}, folder, "LOOK"), 192) is None


WRONG: dict[str, tuple[Any, str]] = {
    "no dict": ("#076", 'is no dict. Write one, such as {"accent": "#076", "logo": "logo.svg"}.'),
    "another name": ({"Akcent": "#076"}, "called 'Akcent'. Did you mean 'accent'? The page does"),
    "any name": (
        {"x": 1},
        "called 'x'. It can have: accent, logo, icon, card, avatar, visitor_avatar.",
    ),
    "no colour": (
        {"accent": "greenish"},
        "'greenish' as its accent, which is no colour. Write one",
    ),
    "three colours": ({"accent": ["#000"] * 3}, "which is no colour"),
    "no text": ({"accent": 7}, "7 as its accent, which is no colour"),
    "no file": ({"logo": "lgo.svg"}, "names 'lgo.svg' as its logo, and there is no such file in /"),
    "a folder": ({"logo": "."}, "names '.' as its logo, and it is no file in /"),
    "an address": ({"logo": "https://x.example/a.png"}, "The page loads nothing from elsewhere."),
    "no picture": ({"logo": "page.svg"}, "Save it as one of: png, jpeg, gif, webp, svg."),
    "half a picture": ({"icon": "half.png"}, "Save it as one of: png, jpeg, gif, webp, svg, ico."),
    "a card as SVG": ({"card": "logo.svg"}, "Save it as one of: png, jpeg, gif, webp."),
    "a large file": ({"avatar": "large.png"}, "too large (2.0 MB). Make it smaller than 2 MB."),
    "nothing": ({"avatar": None}, "has None as its avatar, which is no file's name. Write that"),
}


@pytest.mark.parametrize(("given", "wish"), WRONG.values(), ids=WRONG)
def test_what_cannot_be_used_is_told_with_what_to_do_and_the_default_stands(
    folder: Path, caplog: pytest.LogCaptureFixture, given: Any, wish: str
) -> None:
    assert read_look(given, folder, "LOOK in agent.py, line 3") == PLAIN
    (told,) = caplog.messages
    assert told.startswith("LOOK in agent.py, line 3 ")
    assert wish in told


@pytest.mark.parametrize(
    ("accent", "shown", "told"),
    [
        ("#1d4ed8", ("#1d4ed8", "#6a8ae5"), ""),
        ("#0a7", ("#008059", "#00aa77"), "which is too pale to be read on the light page. The"),
        (("#0a7", "#0a7"), ("#008059", "#00aa77"), 'no more: "accent": ("#008059", "#00aa77").'),
        (
            ("#076", "#076"),
            ("#007766", "#459c8f"),
            "which is too dark to be read on the dark page.",
        ),
    ],
)
def test_an_accent_that_cannot_be_read_gets_the_nearest_shade_that_can(
    caplog: pytest.LogCaptureFixture, accent: Any, shown: tuple[str, str], told: str
) -> None:
    assert read_look({"accent": accent}, Path(), "LOOK").accent == shown
    assert [told in message for message in caplog.messages] == [True] * bool(told)
    caplog.clear()
    assert read_look({"accent": shown}, Path(), "LOOK").accent == shown
    assert caplog.messages == []


def test_a_colour_that_is_named_as_an_example_can_be_read(
    caplog: pytest.LogCaptureFixture,
) -> None:
    read_look({"accent": "greenish"}, Path(), "LOOK")
    read_look("greenish", Path(), "LOOK")
    texts = [*caplog.messages, (Path(__file__).parents[2] / "README.md").read_text()]
    named = re.findall(r'(?:"accent": |such as | or )"([#\w]+)"', " ".join(texts))
    assert named == ["#076", "navy", "#076", "#076"]
    caplog.clear()
    for colour in named:
        read_look({"accent": colour}, Path(), "LOOK")
    assert caplog.messages == []


def test_a_copy_of_a_chat_has_the_accent_too() -> None:
    assert "--accent: light-dark(#008059, #00aa77)" in to_html(
        [], "", accent=("#008059", "#00aa77")
    )
    assert to_html([], "").count("--accent: light-dark(#c2410c, #fb923c)") == 2

"""How an owner's look reaches a browser: in the page's <head>, as a style, as pictures that are
nothing but pictures, and as what makes the page one that can be installed."""

import asyncio
import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import httpx
import pytest
from PIL import Image

from agent.api import api_app
from agent.chat.agents import Agents
from agent.core.colours import PAGE
from agent.core.settings import Settings
from agent.models.offline import OfflineModel
from agent.render.look import PLAIN, SVG, Look, Picture
from tests.support.app_setup import launched, loaded

pytestmark = pytest.mark.slow

SCRIPT = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'

LOOK = Look(
    accent=("#008059", "#00aa77"),
    logo=Picture(SVG, SCRIPT, 3),
    card=Picture("image/png", b"a card", 2),
    avatar=Picture("image/jpeg", b"a face", 1),
)


@contextmanager
def looks(look: Look, **options: Any) -> Iterator[httpx.Client]:
    """A client of the page of an agent with this look."""
    agent = replace(loaded(OfflineModel(delay=0)), look=look)
    with launched(agent, options) as url, httpx.Client(base_url=url) as client:
        yield client


def asked(look: Look, part: str) -> httpx.Response:
    """The answer to who asks for this part of a look."""

    async def answer() -> httpx.Response:
        agents = Agents(replace(loaded(OfflineModel(delay=0)), look=look), Settings())
        transport = httpx.ASGITransport(api_app(agents))
        async with httpx.AsyncClient(transport=transport, base_url="http://page") as client:
            return await client.get(part)

    return asyncio.run(answer())


@pytest.fixture(scope="module")
def page() -> Iterator[httpx.Client]:
    with looks(LOOK, root_path="/prefix") as client:
        yield client


def head(page: httpx.Client) -> set[str]:
    """What the page says of itself, without its own address."""
    tags = re.findall(r"<(?:meta|link)\s[^>]*>", page.get("/").text)
    return {" ".join(tag.replace(str(page.base_url), "URL/").split()) for tag in tags}


def test_the_page_says_what_it_is_in_the_words_and_pictures_of_its_agent(
    page: httpx.Client,
) -> None:
    told = head(page)
    assert {
        '<meta property="og:url" content="URL/prefix/" />',
        '<meta property="og:title" content="Helper" />',
        '<meta property="og:description" content="Helps." />',
        '<meta property="og:image" content="URL/prefix/look/helper/card" />',
        '<meta name="description" content="Helps." />',
        '<meta name="twitter:card" content="summary_large_image" />',
        f'<meta name="theme-color" content="{PAGE[0]}" media="(prefers-color-scheme: light)" />',
        f'<meta name="theme-color" content="{PAGE[1]}" media="(prefers-color-scheme: dark)" />',
        '<link rel="icon" href="./look/helper/icon" />',
        '<link rel="manifest" href="./look/helper/manifest.json" />',
        '<link rel="stylesheet" href="./look/helper/style.css" />',
    } <= told
    assert [tag for tag in told if "radio" in tag] == []
    assert len([tag for tag in told if "viewport" in tag or "manifest" in tag]) == 2


def test_without_a_look_there_is_no_style_to_wait_for_and_who_signs_in_sees_an_icon() -> None:
    with looks(PLAIN, auth=("ann", "sesame")) as page:
        told = head(page)
        assert [tag for tag in told if "style.css" in tag] == []
        assert '<meta name="twitter:card" content="summary" />' in told
        assert '<link rel="icon" href="./look/helper/icon" />' in told
        for path in ("favicon.ico", *(f"look/helper/{part}" for part in ("icon", "manifest.json"))):
            assert page.get(f"/{path}").status_code == 200, path


def test_a_style_has_the_accent_and_shows_only_the_pictures_that_there_are(
    page: httpx.Client,
) -> None:
    style = page.get("/look/helper/style.css")
    assert style.headers["Content-Type"] == "text/css; charset=utf-8"
    assert re.findall(r"--accent: (.*);", style.text) == ["#008059", "#00aa77"]
    assert re.findall(r" content: (.*);", style.text) == ['""', '""', "none"]
    assert re.findall(r"background: (\S*)", style.text) == ['url("logo")', 'url("avatar")', "none"]
    assert re.findall(r"width: (.*)rem", style.text)[0] == "4.50"
    assert "$" not in style.text


@pytest.mark.parametrize(
    ("part", "kind", "data"),
    [("logo", SVG, SCRIPT), ("card", "image/png", b"a card"), ("avatar", "image/jpeg", b"a face")],
)
def test_a_picture_is_what_it_is_and_runs_no_script_however_it_is_opened(
    page: httpx.Client, part: str, kind: str, data: bytes
) -> None:
    answer = page.get(f"/look/helper/{part}", headers={"Sec-Fetch-Dest": "image"})
    assert (answer.headers["Content-Type"], answer.content) == (kind, data)
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; style-src 'unsafe-inline'; sandbox; frame-anc")


@pytest.mark.parametrize(
    "path",
    [
        *(
            "helper/visitor_avatar",
            "helper/accent",
            "helper/icon-513.png",
            "helper/x",
            "nobody/logo",
        ),
        *(
            "helper/agent.py",
            "helper/..%2fagent.py",
            "helper/%2fetc%2fpasswd",
            "..%2f..%2fetc/passwd",
        ),
        *("helper/is_plain", "helper/__init__", "helper", ""),
    ],
)
def test_nothing_else_is_there(page: httpx.Client, path: str) -> None:
    assert page.get(f"/look/{path}").status_code == 404


@pytest.mark.parametrize("size", [180, 192, 512])
def test_an_icon_has_the_size_that_is_asked_for(size: int) -> None:
    drawn = Image.open(io.BytesIO(asked(PLAIN, f"/look/helper/icon-{size}.png").content))
    assert (drawn.format, drawn.size) == ("PNG", (size, size))


MANIFEST = {
    "name": "Helper",
    "description": "Helps.",
    "start_url": "../../",
    "scope": "../../",
    "display": "standalone",
    "background_color": "#ffffff",
    "theme_color": "#ffffff",
}

ICONS = [
    {"src": "icon-192.png", "sizes": "192x192", "type": "image/png"},
    {"src": "icon-512.png", "sizes": "512x512", "type": "image/png"},
    {"src": "icon-maskable.png", "sizes": "512x512", "type": "image/png", "purpose": "maskable"},
]


@pytest.mark.parametrize(
    ("look", "icons"),
    [
        (PLAIN, ICONS),
        (Look(icon=Picture("image/png", b"", 1)), ICONS),
        (Look(icon=LOOK.logo), [{"src": "icon", "sizes": "any", "type": SVG}]),
    ],
)
def test_a_manifest_names_the_page_its_start_and_its_icons(
    look: Look, icons: list[dict[str, str]]
) -> None:
    answer = asked(look, "/look/helper/manifest.json")
    assert answer.headers["Content-Type"] == "application/manifest+json"
    assert answer.json() == {**MANIFEST, "icons": icons}
    address = httpx.URL("http://page/prefix/look/helper/manifest.json")
    assert address.join(answer.json()["start_url"]).path == "/prefix/"


def test_an_owners_icon_is_on_white_where_phones_want_it_and_whole_where_they_cut_a_circle() -> (
    None
):
    written = io.BytesIO()
    Image.new("RGBA", (64, 64), "red").save(written, "PNG")
    look = Look(icon=Picture("image/png", written.getvalue(), 1))
    masked = Image.open(io.BytesIO(asked(look, "/look/helper/icon-maskable.png").content))
    red = [place for place in range(512) if masked.getpixel((place, place)) == (255, 0, 0, 255)]
    assert masked.getpixel((0, 0)) == (255, 255, 255, 255)
    assert 2 * (256 - red[0]) ** 2 <= (0.4 * 512) ** 2 + 512  # In the circle that is never cut.
    clear = io.BytesIO()
    Image.new("RGBA", (64, 64)).save(clear, "PNG")
    look = Look(icon=Picture("image/png", clear.getvalue(), 1))
    apples = Image.open(io.BytesIO(asked(look, "/look/helper/icon-180.png").content))
    assert apples.getpixel((90, 90)) == (255, 255, 255, 255)


def test_phones_that_show_no_svg_get_the_bubble_in_its_place() -> None:
    answer = asked(Look(icon=LOOK.logo), "/look/helper/icon-180.png")
    assert answer.headers["Content-Type"] == "image/png"
    assert Image.open(io.BytesIO(answer.content)).size == (180, 180)

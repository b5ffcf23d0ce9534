"""A model's links stay links, and its pictures pictures: what they lead to learns nothing."""

import io
import struct
import tempfile
import wave as sound
import zlib
from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Browser, expect
from playwright.sync_api import Page as Tab

from tests.support.app_setup import launched, loaded
from tests.support.browser import Page, draws_diagrams
from tests.support.fake_gemini import FakeGemini, Image
from tests.support.hostile_texts import LINK, LINK_IN_DIAGRAM, NO_LINKS, PIXEL
from tests.support.second_origin import SecondOrigin
from tests.support.thorough import sample

pytestmark = pytest.mark.slow


def png() -> bytes:
    """A red picture of eight by eight."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + check

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", 8, 8, 8, 2, 0, 0, 0))
    rows = chunk(b"IDAT", zlib.compress((b"\0" + b"\xff\0\0" * 8) * 8))
    return b"\x89PNG\r\n\x1a\n" + head + rows + chunk(b"IEND", b"")


def wave() -> bytes:
    """A moment of silence."""
    with io.BytesIO() as file:
        with sound.open(file, "wb") as samples:
            samples.setparams((1, 1, 8_000, 0, "NONE", ""))
            samples.writeframes(b"\x80" * 80)
        return file.getvalue()


SCRIPT = b"<script>window.xss=1;parent.xss=1;opener.xss=1</script>"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" onload="window.xss=1">' + SCRIPT + b"</svg>"

FILES = {
    "image/svg+xml": SVG,
    "text/html": SCRIPT,
    "TEXT/HTML": SCRIPT,
    "text/html; charset=utf-8": SCRIPT,
    "application/xhtml+xml": SCRIPT,
    "text/xml": SVG,
    "text/javascript": b"window.xss=1",
    "application/pdf": b"%PDF-1.4",
    "image/png\r\nX-Evil: 1": png(),
    "../../../etc/passwd": SCRIPT,
    "": SCRIPT,
}

WIDTHS = "[...document.querySelectorAll('[role=log] img')].map(img => img.naturalWidth)"


@pytest.fixture(scope="module")
def page(fake: FakeGemini, chromium: Browser) -> Iterator[Page]:
    with launched(loaded()) as url:
        tab = chromium.new_page()
        yield Page(tab).open(url)
        tab.close()


def say(page: Page, gemini: FakeGemini, *steps: str | Image) -> None:
    if page.texts():
        page.begin_anew()
    gemini.reset()
    gemini.enqueue(*steps)
    page.send("Go on")
    page.wait_idle()


def opened(page: Page) -> Tab:
    # Exactly, as a diagram is shown as it is written until it is drawn.
    read = page.seen.get_by_text("Read this", exact=True)
    read = read.or_(page.seen.get_by_alt_text("Read this"))
    with page.tab.context.expect_page() as opened:
        read.last.click()
    opened.value.wait_for_load_state()
    return opened.value


@pytest.mark.parametrize(
    "link",
    [
        pytest.param(LINK, id="Markdown"),
        pytest.param(LINK_IN_DIAGRAM, id="in a diagram", marks=draws_diagrams),
    ],
)
def test_a_link_opens_in_another_tab_and_tells_nobody_from_where(
    page: Page, fake: FakeGemini, second_origin: SecondOrigin, link: str
) -> None:
    home = page.tab.url
    say(page, fake, link.replace("EVIL", second_origin.url))
    tab = opened(page)
    assert tab.evaluate("[document.referrer, window.opener]") == ["", None]
    tab.close()
    asked = [path for path in second_origin.asked if path != "/favicon.ico"]
    assert (asked[0], second_origin.referrers["/read"]) == ("/read", None)
    assert (page.tab.url, "/ping" in second_origin.asked) == (home, False)


@pytest.mark.parametrize("link", sample(NO_LINKS))
def test_what_is_no_address_of_the_web_leads_nowhere(
    page: Page, fake: FakeGemini, link: str
) -> None:
    home = page.tab.url
    say(page, fake, link)
    page.seen.get_by_text("Read this").last.click()
    page.tab.evaluate("() => new Promise(requestAnimationFrame)")
    for tab in page.tab.context.pages[1:]:
        tab.close()
    assert (page.tab.url, page.tab.evaluate("window.xss ?? null")) == (home, None)


def test_a_link_does_not_make_the_agent_work(page: Page, fake: FakeGemini) -> None:
    say(page, fake, "[Read this](/chat/stream?query=paid-by-the-host)")
    tab = opened(page)
    assert "This is no picture" in tab.content()
    tab.close()
    assert len(fake.requests) == 1


def test_pictures_of_the_agents_own_show(page: Page, fake: FakeGemini) -> None:
    say(page, fake, f"![dot]({PIXEL})", Image("image/png", png()))
    page.tab.wait_for_function(f"{WIDTHS}.every(width => width > 0)")
    assert page.tab.evaluate(WIDTHS) == [1, 8]
    assert page.tab.evaluate(WIDTHS.replace("naturalWidth", "width")) == [1, 8]


def test_a_picture_opens_in_full_by_a_click(page: Page, fake: FakeGemini) -> None:
    say(page, fake, Image("image/png", png()))
    with page.tab.context.expect_page() as opened:
        page.seen.get_by_alt_text("Picture").click()
    opened.value.wait_for_load_state()
    assert opened.value.evaluate("document.images[0].naturalWidth") == 8
    opened.value.close()


@pytest.mark.parametrize("kind", ["audio/wav", "video/mp4"])
def test_sound_and_film_have_a_player(page: Page, fake: FakeGemini, kind: str) -> None:
    say(page, fake, Image(kind, wave()))
    player = page.tab.locator(f"[role=log] {kind.partition('/')[0]}")
    expect(player).to_be_visible()
    assert player.evaluate("player => [player.controls, player.autoplay]") == [True, False]
    assert httpx.get(player.evaluate("player => player.src")).content == wave()


@pytest.mark.parametrize(("kind", "data"), FILES.items())
def test_any_other_file_is_for_saving_and_never_a_page_of_this_site(
    page: Page, fake: FakeGemini, kind: str, data: bytes
) -> None:
    say(page, fake, Image(kind, data), "Here it is.")
    links = page.tab.locator("[role=log] a[href*='files/']")
    answer = httpx.get(links.last.evaluate("link => link.href"))
    assert answer.headers["Content-Disposition"].partition(";")[0] == "attachment"
    assert answer.content == data
    assert page.tab.evaluate("window.xss ?? null") is None


def test_nothing_that_the_page_is_told_names_a_folder_of_this_machine(
    page: Page, fake: FakeGemini
) -> None:
    said: list[str] = []
    page.tab.on("response", lambda answer: said.append(answer.url))
    say(page, fake, Image("image/png", png()), Image("audio/wav", wave()), "Look.")
    page.tab.wait_for_function(f"{WIDTHS}[0] > 0")
    whole = page.tab.content() + " ".join(said)
    assert "files/" in whole
    assert [name for name in (tempfile.gettempdir(), "adk-chat-page") if name in whole] == []

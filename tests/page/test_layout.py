"""How the page is laid out, from a phone to a wide screen: measured, not looked at."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.support.app_setup import launched, loaded
from tests.support.browser import Page, Visitor
from tests.support.fake_gemini import Call, FakeGemini

pytestmark = pytest.mark.slow

SIZES = {
    "laptop": {"width": 1280, "height": 800},
    "wide screen": {"width": 1920, "height": 1080},
    "tablet": {"width": 768, "height": 1024},
    "phone": {"width": 390, "height": 844},
    "small phone": {"width": 360, "height": 640},
    "phone on its side": {"width": 844, "height": 390},
}

NOTES: Any = {"name": "notes.txt", "mimeType": "text/plain", "buffer": b"Buy milk"}

WIDE_TABLE = (
    "| Algorithm | Best case | Average case | Worst case | Memory needed | Is stable |\n"
    "|---|---|---|---|---|---|\n"
    "| Mergesort | linearithmic | linearithmic | linearithmic | linear | yes |\n"
)

TEXT = "A sentence that is long enough for more than one line on every screen. " * 5

# Where the elements are; and the contrast of words to what is behind them, by WCAG's own formula.
MEASURED = """() => {
    const box = selector => document.querySelector(selector).getBoundingClientRect()
    const answer = box('[data-testid=bot] .message-content p')
    const table = document.querySelector('[data-testid=bot] table')
    const channels = colour => colour.match(/[\\d.]+/g).slice(0, 3).map(value => {
        const part = value / 255
        return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4
    })
    const luminance = colour => {
        const [red, green, blue] = channels(colour)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue
    }
    const contrast = (one, other) => {
        const [dark, light] = [luminance(one), luminance(other)].sort((a, b) => a - b)
        return (light + 0.05) / (dark + 0.05)
    }
    const page = getComputedStyle(document.body).backgroundColor
    const style = (selector, pseudo) => getComputedStyle(document.querySelector(selector), pseudo)
    const send = style('.submit-button')
    const title = document.createRange()
    title.selectNodeContents(document.querySelector('h1'))
    const words = title.getBoundingClientRect()
    const fresh = box('#new-chat'), opener = box('.toggle-button')
    const below = [...document.querySelectorAll('#below > *')].map(it => it.getBoundingClientRect())
    return {
        scrollsSideways: document.documentElement.scrollWidth > innerWidth,
        boxEnds: Math.round(box('#message').bottom), boxBegins: Math.round(box('#message').top),
        lineLength: Math.round(answer.width),
        isCentred: Math.abs(answer.left + answer.right - innerWidth) < 20,
        log: Math.round(box('[role=log]').height),
        head: Math.round(box('[role=log]').top),
        isTitleFree: opener.right <= fresh.left + 1 && fresh.right <= words.left
            && words.right <= box('#conversation .top-panel').left,
        linesBelow: new Set(below.map(({ top, bottom }) => Math.round((top + bottom) / 2))).size,
        areApart: below.slice(1).every(({ left }, at) => left >= below[at].right),
        colour: send.backgroundColor,
        rowHeights: [...table.rows].map(row => Math.round(row.getBoundingClientRect().height)),
        tableScrolls: table.scrollWidth > table.clientWidth,
        smallest: Math.min(
            contrast(style('#message textarea', '::placeholder').color, page),
            contrast(style('[data-testid=bot] .message-content p').color, page),
            contrast(style('[data-testid=bot] .duration').color, page),
            contrast(send.color, send.backgroundColor),
        ),
    }
}"""


@pytest.fixture(scope="module")
def url(fake: FakeGemini) -> Iterator[str]:
    def sky(city: str) -> dict[str, str]:
        """Tell the colour of the sky."""
        return {"colour": f"blue over {city}"}

    # All that can stand below the text box.
    with launched(loaded(tools=[sky]), side_by_side=True) as address:
        yield address


@pytest.fixture
def page(url: str, gemini: FakeGemini, visitor: Visitor) -> Page:
    return visitor().open(url)


def ask_for_a_table(page: Page, gemini: FakeGemini) -> None:
    gemini.enqueue(Call("sky", {"city": "Paris"}))
    gemini.enqueue(TEXT, f"\n\n{WIDE_TABLE}")
    page.send("Which colour?")
    page.wait_idle()


def measured(page: Page, size: str) -> dict[str, Any]:
    page.tab.set_viewport_size(SIZES[size])  # type: ignore[arg-type]
    page.tab.wait_for_timeout(200)  # It is laid out anew.
    return dict(page.tab.evaluate(MEASURED))


def test_one_column_that_can_be_read_a_box_in_view_and_whole_words_on_every_screen(
    page: Page, gemini: FakeGemini
) -> None:
    ask_for_a_table(page, gemini)
    for size, screen in SIZES.items():
        seen = measured(page, size)
        assert not seen["scrollsSideways"], size
        assert seen["boxEnds"] <= screen["height"], size
        assert seen["isCentred"], size
        assert seen["head"] <= 60, size
        assert max(seen["rowHeights"]) < 60, size
        assert seen["smallest"] >= 4.5, size
        assert seen["isTitleFree"], size
        if screen["width"] >= 720:
            assert seen["linesBelow"] == 1, size
            assert seen["areApart"], size
    assert 560 <= measured(page, "laptop")["lineLength"] <= 680
    assert 560 <= measured(page, "wide screen")["lineLength"] <= 680
    assert measured(page, "phone")["lineLength"] >= 340
    assert measured(page, "small phone")["lineLength"] >= 310
    assert measured(page, "small phone")["tableScrolls"]
    assert measured(page, "phone on its side")["log"] >= 200


def test_in_the_dark_all_of_it_can_be_read_too(
    url: str, gemini: FakeGemini, visitor: Visitor
) -> None:
    page = visitor(color_scheme="dark").open(url)
    ask_for_a_table(page, gemini)
    assert measured(page, "laptop")["smallest"] >= 4.5


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_send_has_its_colour_once_there_is_something_to_send(
    url: str, gemini: FakeGemini, visitor: Visitor, scheme: str
) -> None:
    page = visitor(color_scheme=scheme).open(url)
    ask_for_a_table(page, gemini)
    calm = measured(page, "laptop")["colour"]
    page.box.fill("Hi")
    typed = measured(page, "laptop")
    assert typed["colour"] != calm
    assert typed["smallest"] >= 4.5
    page.box.fill("")
    assert measured(page, "laptop")["colour"] == calm
    page.tab.locator("#message input[type=file]").set_input_files(NOTES)
    expect(page.tab.locator("#files li")).to_have_count(1)
    assert measured(page, "laptop")["colour"] == typed["colour"]


def test_no_single_tap_takes_a_chat_away(page: Page, gemini: FakeGemini) -> None:
    gemini.enqueue("Hello.")
    page.send("Hi")
    page.wait_idle()
    assert not page.tab.get_by_role("button", name="Clear").is_visible()
    page.tab.evaluate("document.querySelector('[aria-label=Clear]').click()")  # If it is ever seen.
    page.shows()
    page.open_side_bar()
    page.lists("Hi")

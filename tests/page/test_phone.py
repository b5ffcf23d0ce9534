"""The page on a phone, upright and on its side, with its keyboard up, a notch, and a thumb."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.app_setup import launched, loaded
from tests.support.browser import Page, Visitor, talk
from tests.support.fake_gemini import FakeGemini

pytestmark = pytest.mark.slow

# Without motion what moves is at its place at once.
PHONE = {
    "viewport": {"width": 360, "height": 740},
    "has_touch": True,
    "is_mobile": True,
    "reduced_motion": "reduce",
}

# Upright, on its side, and both with the keyboard up, which takes its room from the page
# (interactive-widget=resizes-content).
SCREENS = [(360, 740), (360, 380), (740, 360), (740, 200)]

LONG = "\n".join(f"line {number} of a long message" for number in range(30))

# As far from the edges as a phone with a notch has it, on its side and upright.
NOTCH = {"top": 0, "left": 47, "right": 47, "bottom": 21}
ISLAND = {"top": 59, "left": 0, "right": 0, "bottom": 34}

# Where the controls are, and how large what a thumb meets; fractions are cut off.
MEASURED = """() => {
    const box = (selector) => {
        const { left, top, right, bottom } = document.querySelector(selector)
            .getBoundingClientRect()
        return [left + 1, top + 1, right, bottom].map(Math.floor)
    }
    const { scrollWidth, scrollHeight } = document.documentElement
    const all = (selector) => [...document.querySelectorAll(selector)]
        .filter((part) => part.checkVisibility({ visibilityProperty: true, opacityProperty: true }))
    const size = (part) => {
        const { width, height } = part.getBoundingClientRect()
        return Math.min(width, height)
    }
    return {
        fits: scrollWidth <= innerWidth && scrollHeight <= innerHeight,
        places: ['.toggle-button', '#new-chat', '.submit-button', '#message', 'h1'].map(box),
        smallest: Math.min(...all('button, summary, [role=button]').map(size)),
        main: Math.min(
            ...all('.toggle-button, .submit-button, #attach, #side-bar button').map(size),
        ),
        letters: all('input, textarea, select').map((part) => getComputedStyle(part).fontSize),
    }
}"""


@pytest.fixture(scope="module")
def url(fake: FakeGemini) -> Iterator[str]:
    with launched(loaded()) as address:
        yield address


@pytest.fixture
def page(url: str, gemini: FakeGemini, visitor: Visitor) -> Page:
    page = visitor(**PHONE).open(url)
    talk(page, gemini, "Hi", "Some words, and `code`.\n\n```python\nprint(1)\n```")
    return page


def turned(page: Page, width: int, height: int) -> dict[str, Any]:
    """What is measured on a screen of this size."""
    page.tab.set_viewport_size({"width": width, "height": height})
    page.tab.wait_for_timeout(200)  # It is laid out anew.
    return dict(page.tab.evaluate(MEASURED))


def test_however_much_is_typed_all_is_in_view_and_a_thumb_meets_it(page: Page) -> None:
    page.box.fill(LONG)
    for width, height in SCREENS:
        seen = turned(page, width, height)
        assert seen["fits"], (width, height)
        for left, top, right, bottom in seen["places"]:
            assert 0 <= left < right <= width, (width, height)
            assert 0 <= top < bottom <= height, (width, height)
        assert seen["smallest"] >= 24
        assert seen["main"] >= 43.5
    page.box.fill("")
    page.tab.set_viewport_size({"width": 360, "height": 740})
    page.open_side_bar()
    seen = page.tab.evaluate(MEASURED)
    assert seen["main"] >= 43.5
    assert set(seen["letters"]) == {"16px"}  # Smaller ones Safari zooms in on.


def test_what_is_typed_has_the_whole_width_and_all_buttons_one_line(page: Page) -> None:
    def middle(selector: str) -> float:
        place = page.tab.locator(selector).bounding_box()
        assert place
        return place["y"] + place["height"] / 2

    for text in ("", "One line\nand another"):
        page.box.fill(text)
        assert abs(middle("#attach") - middle(".submit-button")) < 1
    place = page.box.bounding_box()
    assert place
    assert place["width"] > 290
    assert place["y"] + place["height"] / 2 < middle(".submit-button") - 40
    page.box.fill("")


def test_nothing_stands_under_a_notch_and_pulling_down_loads_nothing(page: Page) -> None:
    told = page.tab.locator("meta[name=viewport]")
    assert told.count() == 1
    assert (told.get_attribute("content") or "").split(", ")[2:] == [
        *("viewport-fit=cover", "interactive-widget=resizes-content"),
    ]
    screen = page.tab.context.new_cdp_session(page.tab)
    for insets, (width, height) in ((NOTCH, (740, 360)), (ISLAND, (360, 740))):
        screen.send("Emulation.setSafeAreaInsetsOverride", {"insets": insets})
        seen = turned(page, width, height)
        assert seen["fits"]
        for left, top, right, bottom in seen["places"]:
            assert left >= insets["left"] - 1
            assert top >= insets["top"]
            assert right <= width - insets["right"]
            assert bottom <= height - insets["bottom"]
    assert page.tab.evaluate(
        """['html', '[role=log]'].map((part) =>
            getComputedStyle(document.querySelector(part)).overscrollBehaviorY)"""
    ) == ["none", "contain"]

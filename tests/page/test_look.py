"""What an owner has chosen is seen; light and dark can be switched."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from playwright.sync_api import expect

from agent.render.look import SVG, Look, Picture
from tests.support.app_setup import launched, loaded
from tests.support.browser import ACTION_TIMEOUT, Page, Visitor, talk
from tests.support.fake_gemini import FakeGemini

pytestmark = pytest.mark.slow

DRAWING = (
    b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 40 20" onload="parent.xss = 1">'
    b"<script>parent.xss = 1</script><rect width='40' height='20' fill='red'/></svg>"
)

PICTURE = Picture(SVG, DRAWING, 2)

LIGHT, DARK = "rgb(255, 255, 255)", "rgb(24, 24, 27)"

# Keeps each background that the page ever has, frame by frame.
WATCH = """
window.grounds = []
const look = () => {
    const ground = document.body && getComputedStyle(document.body).backgroundColor
    if (ground && ground !== grounds.at(-1)) grounds.push(ground)
    requestAnimationFrame(look)
}
look()
"""

STYLES = """() => {
    const style = (selector, pseudo) => getComputedStyle(document.querySelector(selector), pseudo)
    const picture = (selector, pseudo) => {
        const { backgroundImage, content, width, height } = style(selector, pseudo)
        return [content === 'none' ? '' : backgroundImage, width, height]
    }
    return {
        accent: style('.submit-button').backgroundColor,
        logo: picture('h1', '::before'),
        avatar: picture('.bot-row', '::before'),
        visitor: picture('.user-row', '::after')[0],
    }
}"""


@pytest.fixture(scope="module")
def url(fake: FakeGemini) -> Iterator[str]:
    look = Look(accent=("#008059", "#00aa77"), logo=PICTURE, avatar=PICTURE)
    with launched(replace(loaded(), look=look)) as address:
        yield address


def ground(page: Page, colour: str) -> None:
    expect(page.tab.locator("body")).to_have_css("background-color", colour, timeout=ACTION_TIMEOUT)


def test_the_page_has_its_owners_accent_and_pictures_in_which_nothing_runs(
    url: str, visitor: Visitor, gemini: FakeGemini
) -> None:
    page = visitor().open(url)
    talk(page, gemini, "Hi", "Hello.")
    page.box.fill("And you?")  # With nothing typed, Send has no colour of its own.
    assert page.tab.evaluate(STYLES) == {
        "accent": "rgb(0, 128, 89)",
        "logo": [f'url("{url}look/helper/logo")', "48px", "24px"],
        "avatar": [f'url("{url}look/helper/avatar")', "32px", "32px"],
        "visitor": "",
    }
    page.tab.goto(f"{url}look/helper/logo")  # As a page of its own.
    assert page.tab.evaluate("window.xss ?? null") is None
    page.complaints.clear()  # That it was kept from running a script.


def test_light_and_dark_are_the_systems_until_the_visitor_chooses_and_nothing_flashes(
    url: str, visitor: Visitor
) -> None:
    page = visitor(color_scheme="light")
    page.tab.add_init_script(WATCH)
    page.open(url)
    ground(page, LIGHT)
    page.open_side_bar()
    page.press("Light or dark")
    ground(page, DARK)
    page.tab.reload()
    expect(page.box).to_be_editable(timeout=ACTION_TIMEOUT)
    assert page.tab.evaluate("grounds") == [DARK]
    assert page.tab.locator("meta[name=theme-color][media=all]").get_attribute("content") == (
        "#18181b"
    )
    page.open_side_bar()
    page.press("Light or dark")  # As the system has it: from now on that decides again.
    ground(page, LIGHT)
    page.tab.emulate_media(color_scheme="dark")
    ground(page, DARK)
    page.complaints.clear()  # Gradio's, of the streams that leaving the page has broken off.

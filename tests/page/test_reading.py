"""An answer is read while it grows: nothing jumps, what is new is counted, and times are told."""

import re
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import expect

from tests.support.app_setup import launched, loaded
from tests.support.browser import ACTION_TIMEOUT, Page, Visitor, talk
from tests.support.fake_gemini import Call, FakeGemini, Think, Until

pytestmark = pytest.mark.slow

LONG = "\n\n".join(f"Paragraph {number}." for number in range(60))

# Notes where the element stands, in each frame, as long as the page is open. Gradio before 6.31
# puts another one in its place when the text grows.
WATCH = """element => {
    window.tops = new Set()
    const isSame = other => other.textContent === element.textContent
    const look = () => {
        if (!element.isConnected) {
            element = [...document.querySelectorAll(element.tagName)].find(isSame)
        }
        tops.add(Math.round(element.getBoundingClientRect().top))
        requestAnimationFrame(look)
    }
    look()
}"""


@pytest.fixture(scope="module")
def url(fake: FakeGemini) -> Iterator[str]:
    def look(city: str) -> str:
        """Look at a city."""
        return "sun\n" * 40

    with launched(loaded(tools=[look]), request_retries=0) as address:
        yield address


@pytest.fixture
def page(url: str, gemini: FakeGemini, visitor: Visitor) -> Page:
    return visitor().open(url)


def test_who_has_scrolled_up_reads_on_and_is_told_what_is_new(
    page: Page, gemini: FakeGemini
) -> None:
    rest, tool = threading.Event(), threading.Event()
    to_end = page.tab.locator("#to-end")
    gemini.enqueue(LONG, Until(rest), "\n\nAnd more.", Until(tool), Call("look", {"city": "Oslo"}))
    gemini.enqueue("It is sunny.")
    page.send("Hi")
    page.seen.get_by_text("Paragraph 59.").wait_for()
    expect(to_end).to_be_hidden()
    page.scroll_up()
    expect(to_end).to_have_accessible_name("Go to the end")
    page.seen.get_by_text("Paragraph 50.").evaluate(WATCH)
    rest.set()
    expect(to_end).to_have_accessible_name("Go to the end: New words", timeout=ACTION_TIMEOUT)
    tool.set()
    page.wait_idle()
    expect(to_end).to_have_accessible_name("Go to the end: 2 new", timeout=ACTION_TIMEOUT)
    assert page.tab.evaluate("tops.size") == 1
    to_end.press("Enter")
    expect(to_end).to_be_hidden()
    assert page.sees_the_end()
    expect(page.box).to_be_focused()


def test_a_line_that_is_opened_at_the_end_stays_where_it_is(page: Page, gemini: FakeGemini) -> None:
    gemini.enqueue(LONG, Call("look", {"city": "Oslo"}))
    talk(page, gemini, "Hi", "Sun.")
    line = page.tab.get_by_role("button", name="Tool look")
    # Gradio folds it when the tool is done.
    expect(page.seen.get_by_text("Arguments:")).to_have_count(0, timeout=ACTION_TIMEOUT)
    assert page.sees_the_end()
    line.evaluate(WATCH)
    line.click()
    expect(page.tab.locator("#to-end")).to_be_visible(timeout=ACTION_TIMEOUT)
    assert page.tab.evaluate("tops.size") == 1
    line.press("Space")
    expect(page.tab.locator("#to-end")).to_be_hidden(timeout=ACTION_TIMEOUT)


def test_times_are_told_in_the_form_and_the_time_zone_of_the_visitor(
    url: str, gemini: FakeGemini, visitor: Visitor
) -> None:
    page = visitor(locale="de-DE", timezone_id="Asia/Kolkata").open(url)
    gemini.enqueue(Think("Hm."))
    talk(page, gemini, "Hi", "Hello.")
    buttons = page.tab.locator("[role=log] .message-buttons")
    expect(buttons).to_have_count(2)
    now = datetime.now(UTC) + timedelta(hours=5.5)
    minutes = [f"{now - timedelta(minutes=ago):%H:%M}" for ago in (0, 1)]
    for place in (0, 1):
        assert buttons.nth(place).get_attribute("data-time") in minutes
    page.tab.clock.set_fixed_time(datetime.now(UTC) + timedelta(days=3))
    page.reload()
    expect(buttons).to_have_count(2, timeout=ACTION_TIMEOUT)
    days = [f"{now:%d.%m.%Y}, {minute}" for minute in minutes]
    for place in (0, 1):
        expect(buttons.nth(place)).to_have_attribute("data-time", re.compile("."))
        assert buttons.nth(place).get_attribute("data-time") in days
    asked = buttons.first
    assert asked.evaluate("buttons => getComputedStyle(buttons).opacity") == "0"
    asked.get_by_role("button").first.focus()
    page.tab.wait_for_function(
        "getComputedStyle(document.querySelector('.message-buttons')).opacity === '1'"
    )

"""What a visitor says of an answer, on the page: thumbs, and a form for what is written to them."""

import asyncio
import threading
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from playwright.sync_api import Locator, expect

from agent.chat.loader import LoadedAgent
from agent.core.feedback import MAX_WORDS, Finding, Opinion
from agent.core.notices import SENTENCES
from agent.stores.feedback import Feedback
from tests.support.accessibility import violations
from tests.support.app_setup import launched, loaded
from tests.support.browser import ACTION_TIMEOUT, Page, Visitor, talk
from tests.support.fake_gemini import FakeGemini, Until

pytestmark = pytest.mark.slow

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}

# Marks the words of the last answer, as by a mouse.
MARK = """() => getSelection().selectAllChildren(
    [...document.querySelectorAll('.bot-row .prose')].at(-1))"""


@pytest.fixture
def agent() -> LoadedAgent:
    return loaded()


@pytest.fixture
def url(gemini: FakeGemini, agent: LoadedAgent) -> Iterator[str]:
    with launched(agent, request_retries=0, leave_grace=600) as url:
        yield url


def found(agent: LoadedAgent) -> list[Finding]:
    """What is stored, the newest first."""
    # Playwright has a loop of its own in this thread.
    with ThreadPoolExecutor(1) as beside:
        return beside.submit(lambda: asyncio.run(Feedback(agent.runner).all())).result()


def opinions(agent: LoadedAgent) -> dict[str, Opinion]:
    """The same, by the answers that they are about."""
    return {finding.answer: finding.opinion for finding in found(agent)}


def form(page: Page) -> Locator:
    """Where one writes what one thinks of an answer."""
    return page.tab.locator("#feedback")


def thumb(page: Page, name: str, number: int = -1) -> Locator:
    """A thumb below one of the answers, those that have some."""
    return page.tab.get_by_role("button", name=name, exact=True).nth(number)


def shows(page: Page, *expected: str) -> None:
    """Wait until the thumbs of all answers show this: "+", "-" or "" for none pressed."""
    seen = """wanted => {
        const isPressed = (place, name) => place.querySelector(`.thumb-${name}[aria-pressed=true]`)
        const places = [...document.querySelectorAll('.thumb-up')].map((up) => up.parentElement)
        const shown = places.map((p) => isPressed(p, 'up') ? '+' : isPressed(p, 'down') ? '-' : '')
        return JSON.stringify(shown) === JSON.stringify(wanted)
    }"""
    page.tab.wait_for_function(seen, arg=list(expected), timeout=ACTION_TIMEOUT)


def says(page: Page, code: str) -> None:
    """Wait until the page says this below the text box."""
    expect(page.tab.locator("#said")).to_have_text(SENTENCES[code], timeout=ACTION_TIMEOUT)


def test_an_answer_is_rated_changed_and_taken_back(
    url: str, gemini: FakeGemini, visitor: Visitor, agent: LoadedAgent
) -> None:
    page = visitor().open(url)
    talk(page, gemini, "How is Rome?", "Rainy.")
    shows(page, "")
    thumb(page, "Bad answer").click()
    form(page).get_by_label("Reason").select_option("Wrong facts")
    form(page).get_by_label("In your own words").fill("<b>No</b>")
    form(page).get_by_label("What should it have said?").fill("Sunny.")
    form(page).get_by_role("button", name="Save").click()
    says(page, "rated")
    expect(form(page)).to_have_count(0)
    opinion = Opinion("down", "Wrong facts", "<b>No</b>", "Sunny.")
    assert opinions(agent) == {"Rainy.": opinion}
    # Other answers are drawn, the page is loaded again, a second window is opened.
    talk(page, gemini, "And Oslo?", "Cold.")
    shows(page, "-", "")
    page.tab.get_by_role("button", name="Edit", exact=True).first.click()
    page.tab.locator("textarea.edit-textarea").wait_for()
    shows(page, "-", "")
    page.press("Cancel")
    page.tab.evaluate(MARK)
    thumb(page, "Good answer").click()
    shows(page, "-", "+")
    expect(form(page).get_by_label("About this passage")).to_have_value("Cold.")
    assert opinions(agent) == {"Rainy.": opinion, "Cold.": Opinion("up", passage="Cold.")}
    page.reload()
    shows(page, "-", "+")
    other = page.another()
    shows(other, "-", "+")
    thumb(other, "Bad answer", 0).click()
    expect(form(other).get_by_label("In your own words")).to_have_value("<b>No</b>")
    form(other).get_by_role("button", name="Take it back").click()
    says(other, "rating_taken_back")
    shows(other, "", "+")
    # What is taken back is not on the page, and stays with the host until the chat is deleted.
    other.undo()
    other.shows(("user", "How is Rome?"), ("model", "Rainy."))
    talk(other, gemini, "And Bonn?", "Wet.")
    shows(other, "", "")
    assert list(opinions(agent)) == ["Cold."]
    # What is told of it is told in this chat.
    thumb(other, "Good answer").click()
    form(other).get_by_role("button", name="Save").click()
    says(other, "rated")
    other.clear()
    other.shows()
    expect(other.tab.locator("#said")).to_have_text("")
    shows(other)
    other.wait_idle()
    assert found(agent) == []


def test_it_is_done_by_keys_and_heard(url: str, gemini: FakeGemini, visitor: Visitor) -> None:
    page = visitor().open(url)
    goes_on = threading.Event()
    gemini.enqueue("Rainy", Until(goes_on), " today.")
    page.send("How is Rome?")
    page.speaks()
    expect(page.tab.locator(".thumb")).to_have_count(0)  # Not while it runs.
    goes_on.set()
    page.wait_idle()
    shows(page, "")
    thumb(page, "Bad answer").focus()
    page.tab.keyboard.press("Enter")
    expect(form(page).get_by_label("Reason")).to_be_focused(timeout=ACTION_TIMEOUT)
    assert violations(page) == []
    form(page).get_by_label("In your own words").fill("x" * (MAX_WORDS + 1))
    form(page).get_by_role("button", name="Save").press("Enter")
    too_long = "A field can have 2,000 characters."
    expect(form(page).get_by_role("alert")).to_contain_text(too_long, timeout=ACTION_TIMEOUT)
    page.tab.keyboard.press("Escape")
    expect(form(page)).to_have_count(0)
    expect(thumb(page, "Bad answer")).to_be_focused()
    page.tab.keyboard.press("Enter")
    written = form(page).get_by_label("In your own words")
    expect(written).to_have_value("x" * (MAX_WORDS + 1), timeout=ACTION_TIMEOUT)


def test_on_a_phone_all_of_it_can_be_reached_by_a_thumb(
    url: str, gemini: FakeGemini, visitor: Visitor
) -> None:
    page = visitor(**PHONE).open(url)
    talk(page, gemini, "How is Rome?", "Rainy.")
    shows(page, "")
    thumb(page, "Bad answer").tap()
    save = form(page).get_by_role("button", name="Save")
    expect(save).to_be_in_viewport(ratio=1, timeout=ACTION_TIMEOUT)
    for button in (save, thumb(page, "Good answer"), form(page).get_by_label("Reason")):
        box = button.bounding_box()
        assert box
        assert min(box["width"], box["height"]) >= 40
    save.tap()
    says(page, "rated")
    page.begin_anew()
    expect(page.tab.locator("#said")).to_have_text("")


def test_a_chat_is_kept_as_an_example_and_saved_as_a_report(
    url: str, gemini: FakeGemini, visitor: Visitor, agent: LoadedAgent
) -> None:
    page = visitor().open(url)
    talk(page, gemini, "How is Rome?", "Rainy.")
    talk(page, gemini, "And Oslo?", "Cold.")
    page.open_side_bar()
    page.pick("Keep as a good example")
    dialog = page.tab.get_by_role("dialog")
    expect(dialog).to_contain_text("This chat is kept", timeout=ACTION_TIMEOUT)
    assert violations(page) == []
    dialog.get_by_role("button", name="Close").click()
    (kept,) = found(agent)
    assert [turn["answer"] for turn in (*kept.before, {"answer": kept.answer})] == [
        *("Rainy.", "Cold."),
    ]
    shows(page, "", "")  # It is no rating of an answer.
    with page.tab.expect_download() as saved:
        page.pick("Save as a report for developers (ZIP)")
    assert saved.value.suggested_filename == "How is Rome (report).zip"
    with zipfile.ZipFile(saved.value.path()) as report:
        assert report.testzip() is None
        assert "Cold." in report.read("chat.md").decode()
    page.pick("Keep as a good example")
    dialog.get_by_role("button", name="Take it back").click()
    expect(page.tab.get_by_text("This chat is no example any more.")).to_be_visible(
        timeout=ACTION_TIMEOUT
    )
    assert found(agent) == []


def test_the_host_can_switch_it_off(gemini: FakeGemini, visitor: Visitor) -> None:
    with launched(loaded(), feedback=False) as url:
        page = visitor().open(url)
        talk(page, gemini, "How is Rome?", "Rainy.")
        page.reload()
        page.speaks()
        assert page.tab.locator(".thumb").count() == 0
        page.open_side_bar()
        page.tab.get_by_role("button", name="What to do with").click()
        expect(page.tab.get_by_role("menuitem", name="Delete")).to_be_visible()
        expect(page.tab.get_by_role("menuitem", name="example")).to_have_count(0)
        page.tab.close()

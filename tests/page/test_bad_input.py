"""Bad input in a real browser: afterwards one can type, and the next message is answered."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import expect

from agent.api.body_limit import MAX_BODY
from agent.api.security_headers import TOO_LONG
from agent.core.notices import SENTENCES
from agent.page.controls import PLACEHOLDER
from tests.support.app_setup import launched, loaded
from tests.support.browser import ACTION_TIMEOUT, Bubble, Page, Visitor, talk
from tests.support.fake_gemini import FakeGemini, Hang, Pause
from tests.support.thorough import sample

pytestmark = pytest.mark.slow

REFUSAL = "Failed to load resource: the server responded with a status of 413"

# Puts in what no key types, and what a driver cannot send.
PUT = """([selector, text]) => {
    const box = document.querySelector(selector)
    box.value = text
    box.dispatchEvent(new Event('input', {bubbles: true}))
}"""

# So many milliseconds apart, as a worn key does.
PRESS_TWICE = """async apart => {
    const box = document.querySelector('[data-testid=textbox]')
    const press = () => box.dispatchEvent(
        new KeyboardEvent('keypress', {key: 'Enter', bubbles: true}))
    press()
    await new Promise(again => setTimeout(again, apart))
    press()
}"""

BOX, EDITED = "[data-testid=textbox]", "textarea.edit-textarea"


@pytest.fixture(scope="module")
def url(fake: FakeGemini) -> Iterator[str]:
    with launched(loaded()) as address:
        yield address


def put(page: Page, selector: str, script: str) -> None:
    """Put in what this JavaScript says; it need not be text that Python can send."""
    page.tab.evaluate(f"() => ({PUT})([{selector!r}, {script}])")


def goes_on(page: Page, gemini: FakeGemini, *before: Bubble) -> None:
    """The next message is answered, and the model is told what is to be seen, no more, no less."""
    gemini.enqueue("All is well.")
    page.send("And now?")
    page.wait_idle()
    said: list[Any] = [*before, ("user", "And now?"), ("model", "All is well.")]
    assert page.words() == said
    assert gemini.requests[-1].conversation == [line for line in said[:-1] if line[1]]


@pytest.mark.parametrize("typed", sample(["''", "'  '", r"'\t\n'", r"'\0'", r"'\u2028'"]))
def test_a_message_without_words_is_asked_for_again(
    visitor: Visitor, url: str, gemini: FakeGemini, typed: str
) -> None:
    page = visitor().open(url)
    put(page, BOX, typed)
    page.box.press("Enter")
    expect(page.box).to_have_attribute("placeholder", SENTENCES["no_message"])
    expect(page.box).to_have_value("")
    goes_on(page, gemini)
    expect(page.box).to_have_attribute("placeholder", PLACEHOLDER)


@pytest.mark.parametrize("apart", sample([0, 20, 50]))
def test_a_key_that_is_pressed_twice_asks_once(
    visitor: Visitor, url: str, gemini: FakeGemini, apart: int
) -> None:
    page = visitor().open(url)
    talk(page, gemini, "Hi", "Hello.")
    gemini.enqueue("I see.")
    page.box.fill("So")
    page._begin(lambda: page.tab.evaluate(PRESS_TWICE, apart))
    page.shows(("user", "Hi"), ("model", "Hello."), ("user", "So"), ("model", "I see."))
    page.wait_idle()
    goes_on(page, gemini, *page.words())
    assert len(gemini.requests) == 3


@pytest.mark.thorough
def test_a_double_click_on_send_does_not_stop_the_answer(
    visitor: Visitor, url: str, gemini: FakeGemini
) -> None:
    page = visitor().open(url)
    gemini.enqueue("I see.", Pause(0.3), " That is all.")
    page.box.fill("So")
    page._begin(lambda: page._button("Send").dblclick(delay=50))
    page.wait_idle()
    page.shows(("user", "So"), ("model", "I see. That is all."))
    gemini.enqueue("I", Hang())
    page.send("And?")
    page.shows(("user", "So"), ("model", "I see. That is all."), ("user", "And?"), ("model", "I"))
    page.stop()
    page.wait_idle()


ODD = {
    "NUL": (r"'a\0b'", "ab"),
    "half a character": (r"'a\ud800b'", "a\ufffdb"),
    "the other half": (r"'\udfff'", "\ufffd"),
    "both, the wrong way round": (r"'\udfff\ud800'", "\ufffd\ufffd"),
    "right to left": (r"'abc \u202edef\u202c'", "abc \u202edef\u202c"),
    "a long paste": ("'x'.repeat(3000)", "x" * 3000),
}


@pytest.mark.parametrize(("typed", "seen"), ODD.values(), ids=ODD.keys())
def test_an_odd_message_is_answered(
    visitor: Visitor, url: str, gemini: FakeGemini, typed: str, seen: str
) -> None:
    page = visitor().open(url)
    gemini.enqueue("I see.")
    put(page, BOX, typed)
    page._begin(lambda: page.box.press("Enter"))
    page.shows(("user", seen), ("model", "I see."))
    goes_on(page, gemini, ("user", seen), ("model", "I see."))


def test_half_a_character_may_be_edited_in(visitor: Visitor, url: str, gemini: FakeGemini) -> None:
    page = visitor().open(url)
    gemini.enqueue("Hello.")
    gemini.enqueue("I see.")
    page.send("Hi")
    page.wait_idle()
    page._button("Edit").first.click()
    put(page, EDITED, r"'a\ud800b\0c'")
    page._begin(page._button("Submit").click)
    page.shows(("user", "a\ufffdbc"), ("model", "I see."))
    goes_on(page, gemini, ("user", "a\ufffdbc"), ("model", "I see."))


def is_told_of_it(page: Page) -> None:
    """The page says that it could not send; what Chromium complains of is no more than that."""
    toast = page.tab.get_by_test_id("toast-body").first
    expect(toast).to_contain_text(TOO_LONG, timeout=ACTION_TIMEOUT)
    assert [text[: len(REFUSAL)] for text in page.complaints] == [REFUSAL]
    page.complaints.clear()


def test_a_message_over_the_cap_is_not_sent_and_the_visitor_is_told(
    visitor: Visitor, url: str, gemini: FakeGemini
) -> None:
    page = visitor().open(url)
    put(page, BOX, f"'x'.repeat({MAX_BODY})")
    page.box.press("Enter")
    is_told_of_it(page)
    assert (page.texts(), gemini.requests) == ([], [])
    goes_on(page, gemini)


def test_a_conversation_over_the_cap_goes_on_and_can_be_cleared(
    visitor: Visitor, url: str, gemini: FakeGemini
) -> None:
    page = visitor().open(url)
    gemini.enqueue(*["word " * 210_000] * 4)
    page.send("Tell me everything")
    page.wait_idle()
    talk(page, gemini, "And then?", "No more.")
    assert page.texts()[-2:] == [("user", "And then?"), ("model", "No more.")]
    page.undo()
    expect(page.box).to_have_value("And then?")
    gemini.enqueue("Less.")
    page.edit(0, "Tell me less")
    page.wait_idle()
    page.shows(("user", "Tell me less"), ("model", "Less."))
    page.clear()
    page.shows()
    goes_on(page, gemini)

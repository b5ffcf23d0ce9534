"""The limits on the page in real Chromium: what one reads, and what the model is told next."""

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from tests.support.app_setup import launched, loaded
from tests.support.browser import Page, Visitor
from tests.support.clock import DAY, MINUTE, Clock
from tests.support.fake_gemini import FakeGemini, Until
from tests.support.limits import PAUSED, full, lot, used_up

pytestmark = pytest.mark.slow

Come = Callable[..., Page]

BEGUN = (("user", "Hi"), ("model", "Hello."))

TOO_SOON = ("Too many messages", lot("1 a minute", "60 seconds"))

TOO_LONG = (
    "Too long",
    "This message has 9 characters, and at most 8 can be sent here. Please send a shorter one, or "
    "the text in parts.",
)

OVER = ("This chat is full", "This chat has had its 2 messages. Please begin a new one.")


@pytest.fixture
def serve() -> Iterator[Callable[..., str]]:
    """Serves a page under these limits; its address."""
    with ExitStack() as served:
        yield lambda **limits: served.enter_context(launched(loaded(), **limits))


@pytest.fixture
def come(
    serve: Callable[..., str],  # First, so that it ends last: a tab complains if its server dies.
    visitor: Visitor,
    gemini: FakeGemini,
    clock: Clock,
) -> Come:
    """A page under these limits, on which time stands still and Gemini is kind."""
    gemini.always("Hello.")
    return lambda **limits: visitor().open(serve(**limits))


@pytest.fixture
def begin(come: Come) -> Come:
    """The same after a first turn."""

    def begun(**limits: int) -> Page:
        page = come(**limits)
        say(page, "Hi")
        page.shows(*BEGUN)
        return page

    return begun


def say(page: Page, text: str) -> None:
    page.send(text)
    page.wait_idle()


def told(gemini: FakeGemini) -> list[tuple[str, str]]:
    """What the model was told of the conversation in the end."""
    return gemini.requests[-1].conversation


# What one reads


@pytest.mark.parametrize(
    ("limit", "message", "note"),
    [
        ({"visitor_per_minute": 1}, "Again", TOO_SOON),
        ({"address_per_minute": 1}, "Again", TOO_SOON),
    ],
)
def test_a_refused_message_stands_with_its_reason_and_the_page_goes_on(
    begin: Come,
    gemini: FakeGemini,
    clock: Clock,
    limit: dict[str, int],
    message: str,
    note: tuple[str, str],
) -> None:
    page = begin(**limit)
    say(page, message)
    page.shows(*BEGUN, ("user", message), note)
    assert len(gemini.requests) == 1
    clock.move(MINUTE)
    say(page, "And now?")
    page.shows(*BEGUN, ("user", message), note, ("user", "And now?"), ("model", "Hello."))
    assert told(gemini) == [*BEGUN, ("user", "And now?")]


def test_so_does_an_edited_message_that_is_too_long(begin: Come, gemini: FakeGemini) -> None:
    page = begin(max_message_length=8)
    page.edit(0, "x" * 9)
    page.wait_idle()
    page.shows(("user", "x" * 9), TOO_LONG)
    assert len(gemini.requests) == 1
    say(page, "And now?")
    page.shows(("user", "x" * 9), TOO_LONG, ("user", "And now?"), ("model", "Hello."))
    assert told(gemini) == [("user", "And now?")]


def test_a_chat_that_has_had_its_turns_is_cleared_and_goes_on(
    begin: Come, gemini: FakeGemini
) -> None:
    page = begin(max_chat_turns=2)
    say(page, "Two")
    say(page, "Three")
    page.shows(*BEGUN, ("user", "Two"), ("model", "Hello."), ("user", "Three"), OVER)
    page.clear()
    page.shows()
    page.wait_idle()
    say(page, "New")
    page.shows(("user", "New"), ("model", "Hello."))
    assert told(gemini) == [("user", "New")]


def test_a_reload_and_a_new_chat_give_no_more_messages(begin: Come, gemini: FakeGemini) -> None:
    page = begin(visitor_per_minute=1)
    page.reload()
    page.shows(*BEGUN)
    say(page, "Again")
    page.shows(*BEGUN, ("user", "Again"), TOO_SOON)
    page.clear()
    page.shows()
    page.wait_idle()
    say(page, "Again")
    page.shows(("user", "Again"), TOO_SOON)
    assert len(gemini.requests) == 1


@pytest.mark.thorough
def test_another_tab_has_to_wait_while_the_address_has_enough(
    come: Come, visitor: Visitor, gemini: FakeGemini
) -> None:
    gate = threading.Event()
    gemini.enqueue("Wait", Until(gate), "ed.")
    first = come(address_running=1)
    second = visitor().open(first.tab.url)
    first.send("One")
    first.shows(("user", "One"), ("model", "Wait"))
    say(second, "Two")
    second.shows(("user", "Two"), ("Too many answers at once", full("1 answer")))
    gate.set()
    first.shows(("user", "One"), ("model", "Waited."))
    first.wait_idle()
    second.retry()
    second.shows(("user", "Two"), ("model", "Hello."))


# After a refusal


@pytest.mark.thorough
def test_retry_asks_the_refused_message_again(
    begin: Come, gemini: FakeGemini, clock: Clock
) -> None:
    page = begin(visitor_per_minute=1)
    say(page, "Again")
    page.retry()
    page.wait_idle()
    page.shows(*BEGUN, ("user", "Again"), TOO_SOON)
    clock.move(MINUTE)
    page.retry()
    page.shows(*BEGUN, ("user", "Again"), ("model", "Hello."))
    assert told(gemini) == [*BEGUN, ("user", "Again")]
    assert len(gemini.requests) == 2


def test_undo_takes_the_refused_message_back(begin: Come, gemini: FakeGemini, clock: Clock) -> None:
    page = begin(visitor_per_minute=1)
    say(page, "Again")
    page.undo()
    page.shows(*BEGUN)
    clock.move(MINUTE)
    say(page, "Better")
    page.shows(*BEGUN, ("user", "Better"), ("model", "Hello."))
    assert told(gemini) == [*BEGUN, ("user", "Better")]


@pytest.mark.parametrize(("number", "before"), [(0, ()), (1, BEGUN)])
def test_edit_sends_a_message_anew_after_a_refusal(
    begin: Come, gemini: FakeGemini, clock: Clock, number: int, before: tuple[tuple[str, str], ...]
) -> None:
    page = begin(visitor_per_minute=1)
    say(page, "Again")
    clock.move(MINUTE)
    page.edit(number, "Edited")
    page.shows(*before, ("user", "Edited"), ("model", "Hello."))
    assert told(gemini) == [*before, ("user", "Edited")]


@pytest.mark.thorough
def test_an_answer_given_up_for_a_refused_retry_is_not_remembered_either(
    begin: Come, gemini: FakeGemini, clock: Clock
) -> None:
    page = begin(visitor_per_minute=1)
    page.retry()
    page.shows(("user", "Hi"), TOO_SOON)
    page.wait_idle()
    clock.move(MINUTE)
    say(page, "And now?")
    page.shows(("user", "Hi"), TOO_SOON, ("user", "And now?"), ("model", "Hello."))
    assert told(gemini) == [("user", "And now?")]


# The budget


def test_a_spent_budget_is_told_above_the_offline_answer(
    begin: Come, gemini: FakeGemini, clock: Clock
) -> None:
    page = begin(daily_turns=1)
    say(page, "/help")
    *before, note, (who, words) = page.texts()
    assert before == [*BEGUN, ("user", "/help")]
    assert note == ("Note", used_up("24 hours"))
    assert who == "model"
    assert words.startswith("These commands work:")
    clock.move(DAY)
    say(page, "Back?")
    assert page.texts()[-2:] == [("user", "Back?"), ("model", "Hello.")]
    assert len(gemini.requests) == 2


def test_a_paused_page_says_so_and_calls_nobody(come: Come, gemini: FakeGemini) -> None:
    page = come(demo_paused=True)
    assert PAUSED in page.tab.locator("main").inner_text()
    say(page, "/help")
    question, note, (who, words) = page.texts()
    assert (question, note, who) == (("user", "/help"), ("Note", PAUSED), "model")
    assert words.startswith("I am the built-in offline model: a small program, not an AI.")
    assert gemini.requests == []

"""An answer on the page, while it comes and when it is whole; failures; other visitors."""

import threading
from collections.abc import Iterator
from itertools import pairwise

import pytest
from playwright.sync_api import expect

from tests.support.app_setup import launched, loaded
from tests.support.browser import Page, Visitor
from tests.support.chat_page import remembers_what_is_seen
from tests.support.fake_gemini import Call, Cut, FakeGemini, Hang, Status, Step, Think, Until

pytestmark = pytest.mark.slow


LONG = "\n\n".join(f"Paragraph {number}." for number in range(60))


def test_the_newest_words_are_in_view(page: Page, gemini: FakeGemini) -> None:
    gemini.enqueue(LONG)
    page.send("Hi")
    page.wait_idle()
    assert page.sees_the_end()
    page.clear()
    page.shows()
    gemini.enqueue(LONG)
    page.send("Hi")
    page.wait_idle()
    assert page.sees_the_end()


def test_who_scrolls_up_is_left_there_until_the_next_message(
    page: Page, gemini: FakeGemini
) -> None:
    rest = threading.Event()
    gemini.enqueue(LONG, Until(rest), *["\n\nAnd more."] * 60)
    page.send("Hi")
    page.seen.get_by_text("Paragraph 59.").wait_for()
    page.scroll_up()
    rest.set()
    page.wait_idle()
    assert not page.sees_the_end()
    gemini.enqueue("Welcome back.")
    page.send("I am back")
    page.wait_idle()
    assert page.sees_the_end()


def test_an_answer_is_read_while_the_model_still_talks(page: Page, gemini: FakeGemini) -> None:
    rest = threading.Event()
    gemini.enqueue("Hel", "lo", Until(rest), ", you.")
    page.send("Hi")
    page.shows(("user", "Hi"), ("model", "Hello"))
    rest.set()
    page.shows(("user", "Hi"), ("model", "Hello, you."))
    page.wait_idle()
    assert page.texts() == [("user", "Hi"), ("model", "Hello, you.")]


def test_an_answer_only_ever_grows(page: Page, gemini: FakeGemini) -> None:
    turns = [threading.Event() for _ in range(10)]
    gemini.enqueue(*(step for i, turn in enumerate(turns) for step in (f"word{i} ", Until(turn))))
    page.send("Hi")
    for i, turn in enumerate(turns):
        page.shows(("user", "Hi"), ("model", " ".join(f"word{j}" for j in range(i + 1))))
        turn.set()
    page.wait_idle()
    answers = [words for frame in page.film() for who, words in frame if who == "model"]
    assert len(set(answers)) >= len(turns)
    assert all(new.startswith(old) for old, new in pairwise(answers))


def test_thoughts_and_tools_stand_apart_from_the_answer(
    page: Page, gemini: FakeGemini, tool_may_answer: threading.Event
) -> None:
    more = threading.Event()
    tool_may_answer.clear()
    gemini.enqueue(Think("I should look."), Until(more), Call("sky", {"city": "Oslo"}))
    gemini.enqueue("It is blue.")
    page.send("Sky?")
    page.shows(("user", "Sky?"), ("Thinking", "I should look."))
    more.set()
    arguments = 'Arguments:\n\n{\n  "city": "Oslo"\n}'
    page.shows(("user", "Sky?"), ("Thought", ""), ("Tool sky", arguments))
    tool_may_answer.set()
    page.shows(("user", "Sky?"), ("Thought", ""), ("Tool sky", ""), ("model", "It is blue."))
    page.seen.get_by_text("Tool sky").click()
    result = '\n\n\nResult:\n\n{\n  "colour": "blue over Oslo"\n}'
    page.shows(
        ("user", "Sky?"),
        ("Thought", ""),
        ("Tool sky", arguments + result),
        ("model", "It is blue."),
    )
    expect(page.seen.get_by_text('city="Oslo"')).to_be_visible()


def test_who_types_the_moment_the_box_is_back_is_heard(page: Page, gemini: FakeGemini) -> None:
    rest = threading.Event()
    gemini.enqueue("Hello", Until(rest), ".")
    gemini.enqueue("Noted.")
    page.send("Hi")
    page.shows(("user", "Hi"), ("model", "Hello"))
    page.send_as_soon_as_possible("And now?")
    rest.set()
    page.shows(("user", "Hi"), ("model", "Hello."), ("user", "And now?"), ("model", "Noted."))
    assert gemini.requests[1].conversation == [
        ("user", "Hi"),
        ("model", "Hello."),
        ("user", "And now?"),
    ]


# Has a page be as slow as can be: it rests until it is told to go on, and counts the looks.
RESTING = """() => {
    let until = Infinity
    window.looks = 0
    const get = () => (looks++, until)
    const set = when => { if (when === 0) until = when }
    Object.defineProperty(chat.state, 'redrawAt', {get, set})
}"""


def half_an_answer_on_a_slow_page(page: Page, gemini: FakeGemini, *rest: str | Step) -> None:
    more = threading.Event()
    gemini.enqueue("Once", Until(more), *rest)
    page.send("Hi")
    page.shows(("user", "Hi"), ("model", "Once"))
    page.tab.evaluate(RESTING)
    more.set()


def test_words_that_come_while_a_slow_page_rests_are_shown_later(
    page: Page, gemini: FakeGemini
) -> None:
    half_an_answer_on_a_slow_page(page, gemini, ", twice", Hang())
    page.tab.wait_for_function("looks > 2")  # The words come once; the rest are the page's own.
    assert page.texts() == [("user", "Hi"), ("model", "Once")]
    page.tab.evaluate("chat.state.redrawAt = 0")
    page.shows(("user", "Hi"), ("model", "Once, twice"))
    page.stop()
    remembers_what_is_seen(page, gemini)


def test_the_end_of_an_answer_is_shown_at_once_on_a_slow_page(
    page: Page, gemini: FakeGemini
) -> None:
    half_an_answer_on_a_slow_page(page, gemini, ", twice.")
    page.wait_idle()
    assert page.texts() == [("user", "Hi"), ("model", "Once, twice.")]
    remembers_what_is_seen(page, gemini)


# Failures


def test_a_failing_turn_is_followed_by_a_good_one(page: Page, gemini: FakeGemini) -> None:
    gemini.enqueue(Status(503, "UNAVAILABLE", "overloaded"))
    page.send("Hi")
    page.shows(
        ("user", "Hi"),
        (
            "The AI service failed",
            "The AI service has a problem at its end. Nothing is wrong with your message: try "
            "again in a moment.",
        ),
    )
    remembers_what_is_seen(page, gemini)


def test_a_failing_turn_offers_to_be_tried_again(page: Page, gemini: FakeGemini) -> None:
    gemini.enqueue(Status(503, "UNAVAILABLE", "overloaded"))
    page.send("Hi")
    page.wait_idle()
    page.offers_to_go_on(False)
    # What the app says is a strip, no panel to be folded.
    expect(page.tab.locator(".thought-group [role=button]")).to_have_count(0)
    gemini.enqueue("Hello.")
    page.try_again()
    page.shows(("user", "Hi"), ("model", "Hello."))
    assert gemini.requests[1].conversation == [("user", "Hi")]
    remembers_what_is_seen(page, gemini)


def test_a_broken_connection_leaves_what_was_said(page: Page, gemini: FakeGemini) -> None:
    half_shown = threading.Event()
    gemini.enqueue("Half an answer", Until(half_shown), Cut())
    page.send("Hi")
    page.shows(("user", "Hi"), ("model", "Half an answer"))
    half_shown.set()
    page.shows(
        ("user", "Hi"),
        ("model", "Half an answer"),
        (
            "The answer was cut off",
            "The connection to the AI service broke off. Try again for a full answer.",
        ),
    )
    page.offers_to_go_on()
    gemini.enqueue("A whole answer.")
    page.try_again()
    page.shows(("user", "Hi"), ("model", "A whole answer."))
    remembers_what_is_seen(page, gemini)


# Visitors


def test_two_visitors_are_apart(url: str, gemini: FakeGemini, visitor: Visitor) -> None:
    ann, bob, both = visitor().open(url), visitor().open(url), threading.Event()
    gemini.reply_to("I am Ann", "Dear Ann", Until(both), "!")
    gemini.reply_to("I am Bob", "Dear Bob", Until(both), "!")
    ann.send("I am Ann")
    bob.send("I am Bob")
    ann.shows(("user", "I am Ann"), ("model", "Dear Ann"))
    bob.shows(("user", "I am Bob"), ("model", "Dear Bob"))
    both.set()
    ann.shows(("user", "I am Ann"), ("model", "Dear Ann!"))
    bob.shows(("user", "I am Bob"), ("model", "Dear Bob!"))
    remembers_what_is_seen(ann, gemini)
    remembers_what_is_seen(bob, gemini)


@pytest.fixture(scope="module")
def impatient(fake: FakeGemini) -> Iterator[str]:
    with launched(loaded(), leave_grace=0.2) as address:
        yield address


def test_a_closed_tab_ends_the_answer(impatient: str, gemini: FakeGemini, visitor: Visitor) -> None:
    page = visitor().open(impatient)
    gemini.enqueue("Half", Hang())
    page.send("Hi")
    page.shows(("user", "Hi"), ("model", "Half"))
    page.tab.close()
    assert gemini.requests[0].left.wait(20)


@pytest.mark.thorough
def test_a_tab_closed_before_the_first_word_ends_the_answer(
    impatient: str, gemini: FakeGemini, visitor: Visitor
) -> None:
    page = visitor().open(impatient)
    gemini.enqueue(Hang())
    page.send("Hi")
    gemini.arrived()
    page.tab.close()
    assert gemini.requests[0].left.wait(20)


def test_an_open_tab_keeps_a_silent_model_waiting(
    impatient: str, gemini: FakeGemini, visitor: Visitor
) -> None:
    page, rest = visitor().open(impatient), threading.Event()
    gemini.enqueue(Until(rest), "At last.")
    page.send("Hi")
    page.waits(seconds=2)
    rest.set()
    page.shows(("user", "Hi"), ("model", "At last."))
    assert not gemini.requests[0].left.is_set()

"""The page in real Chromium, around the real Runner and the real google-genai client."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from itertools import pairwise
from typing import Any

import pytest
from playwright.sync_api import Route, expect

from agent.agent import calculate
from agent.models.offline import OfflineModel
from tests.support.app_setup import launched, loaded
from tests.support.browser import AT_END, PATIENCE, Page, Visitor
from tests.support.fake_gemini import Call, Cut, FakeGemini, Hang, Status, Step, Think, Until

pytestmark = pytest.mark.slow

STOPPED = ("Note", "Stopped.")

tool_may_answer = threading.Event()


def sky(city: str) -> dict[str, str]:
    """Tell the colour of the sky."""
    assert tool_may_answer.wait(20)
    return {"colour": f"blue over {city}"}


@pytest.fixture(scope="module")
def url(fake: FakeGemini) -> Iterator[str]:
    # So long a grace that nothing here ends only because nobody looks any more.
    with launched(loaded(tools=[sky]), request_retries=0, leave_grace=600) as address:
        yield address


@pytest.fixture
def page(url: str, gemini: FakeGemini, visitor: Visitor) -> Page:
    return visitor().open(url)


BEGUN = ("user", "Hi"), ("model", "Hello.")


def begun(page: Page, gemini: FakeGemini) -> None:
    """A first turn, whole."""
    gemini.enqueue("Hello.")
    page.send("Hi")
    page.shows(("user", "Hi"), ("model", "Hello."))
    page.wait_idle()


def remembers_what_is_seen(page: Page, gemini: FakeGemini) -> None:
    """The page can be used, and the model is told just what stands on it."""
    page.wait_idle()
    seen, texts, number = page.words(), page.texts(), len(gemini.requests)
    gemini.enqueue("Noted.")
    page.send("And now?")
    page.shows(*texts, ("user", "And now?"), ("model", "Noted."))
    assert gemini.requests[number].conversation == [*seen, ("user", "And now?")]
    page.wait_idle()


# An answer


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
    page.tab.get_by_text("Paragraph 59.").wait_for()
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
    assert all(new.startswith(old) for old, new in pairwise(answers))


def test_thoughts_and_tools_stand_apart_from_the_answer(page: Page, gemini: FakeGemini) -> None:
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
    page.tab.get_by_text("Tool sky").click()
    result = '\n\n\nResult:\n\n{\n  "colour": "blue over Oslo"\n}'
    page.shows(
        ("user", "Sky?"),
        ("Thought", ""),
        ("Tool sky", arguments + result),
        ("model", "It is blue."),
    )
    expect(page.tab.get_by_text("city=Oslo")).to_be_visible()


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


RESTING = """() => {
    let until = Infinity
    window.looks = 0
    const get = () => (looks++, until)
    const set = when => { if (when === 0) until = when }
    Object.defineProperty(chat.state, 'redrawAt', {get, set})
}"""
"""Has a page be as slow as can be: it rests until it is told to go on, and counts the looks."""


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


# Stop


def test_stop_keeps_what_was_said(page: Page, gemini: FakeGemini) -> None:
    gemini.enqueue("Half an", " answer", Hang())
    page.send("Hi")
    page.shows(("user", "Hi"), ("model", "Half an answer"))
    page.stop()
    page.shows(("user", "Hi"), ("model", "Half an answer"), STOPPED)
    assert gemini.requests[0].left.wait(20)
    remembers_what_is_seen(page, gemini)


def test_stop_while_the_model_is_silent(page: Page, gemini: FakeGemini) -> None:
    gemini.enqueue(Hang())
    page.send("Hi")
    gemini.arrived()
    page.stop()
    page.shows(("user", "Hi"), STOPPED)
    assert gemini.requests[0].left.wait(20)
    remembers_what_is_seen(page, gemini)


def test_stop_then_retry(page: Page, gemini: FakeGemini) -> None:
    gemini.enqueue("Half", Hang())
    page.send("Hi")
    page.shows(("user", "Hi"), ("model", "Half"))
    page.stop()
    page.wait_idle()
    gemini.enqueue("A whole.")
    page.retry()
    page.shows(("user", "Hi"), ("model", "A whole."))
    assert gemini.requests[1].conversation == [("user", "Hi")]
    remembers_what_is_seen(page, gemini)


def test_stop_of_a_retry(page: Page, gemini: FakeGemini) -> None:
    begun(page, gemini)
    gemini.enqueue("Half", Hang())
    page.retry()
    page.shows(("user", "Hi"), ("model", "Half"))
    page.stop()
    page.shows(("user", "Hi"), ("model", "Half"), STOPPED)
    assert gemini.requests[1].left.wait(20)
    remembers_what_is_seen(page, gemini)


def test_stop_of_an_edit(page: Page, gemini: FakeGemini) -> None:
    begun(page, gemini)
    gemini.enqueue("Half", Hang())
    page.edit(0, "Ho")
    page.shows(("user", "Ho"), ("model", "Half"))
    page.stop()
    page.shows(("user", "Ho"), ("model", "Half"), STOPPED)
    assert gemini.requests[1].left.wait(20)
    remembers_what_is_seen(page, gemini)


def test_stop_of_an_example(page: Page, gemini: FakeGemini) -> None:
    gemini.enqueue("Half", Hang())
    page.click_example("Hello")
    page.shows(("user", "Hello"), ("model", "Half"))
    page.stop()
    page.shows(("user", "Hello"), ("model", "Half"), STOPPED)
    assert gemini.requests[0].left.wait(20)
    remembers_what_is_seen(page, gemini)


def test_a_visitors_tags_are_seen_and_said_as_they_were_typed(
    page: Page, gemini: FakeGemini
) -> None:
    typed = "Why does <div> not close, or </p>, <!-- this -->, 1<2 and `Vec<String>`?"
    seen = ("user", typed.replace("`", "").replace("<", "<\u2060").replace("1<\u2060", "1<"))
    gemini.always("I see.")
    page.send(typed)
    page.wait_idle()
    page.shows(seen, ("model", "I see."))
    page.retry()
    page.wait_idle()
    page.reload()
    page.shows(seen, ("model", "I see."))
    page._button("Edit").click()
    page._begin(page._button("Submit").click)
    page.wait_idle()
    page.undo()
    expect(page.box).to_have_value(typed)
    assert [request.conversation for request in gemini.requests] == [[("user", typed)]] * 3


def test_half_a_character_does_not_end_the_page(page: Page, gemini: FakeGemini) -> None:
    gemini.enqueue("Hello.")
    page.tab.evaluate(HALF)
    page.box.press("Enter")
    page.shows(("user", "a\ufffdb"), ("model", "Hello."))
    remembers_what_is_seen(page, gemini)


HALF = r"""() => {
    const box = document.querySelector('[data-testid=textbox]')
    box.value = 'a\ud800b'
    box.dispatchEvent(new Event('input', {bubbles: true}))
}"""


# Retry, Undo, Edit, Clear, examples


def test_retry(page: Page, gemini: FakeGemini) -> None:
    begun(page, gemini)
    gemini.enqueue("Hello again.")
    page.retry()
    page.shows(("user", "Hi"), ("model", "Hello again."))
    assert gemini.requests[1].conversation == [("user", "Hi")]
    remembers_what_is_seen(page, gemini)


def test_undo(page: Page, gemini: FakeGemini) -> None:
    begun(page, gemini)
    remembers_what_is_seen(page, gemini)
    page.undo()
    page.shows(("user", "Hi"), ("model", "Hello."))
    expect(page.box).to_have_value("And now?")
    remembers_what_is_seen(page, gemini)


def test_undo_of_everything(page: Page, gemini: FakeGemini) -> None:
    begun(page, gemini)
    page.undo()
    page.shows()
    expect(page.box).to_have_value("Hi")
    remembers_what_is_seen(page, gemini)


def test_edit_of_an_earlier_message(page: Page, gemini: FakeGemini) -> None:
    begun(page, gemini)
    remembers_what_is_seen(page, gemini)
    gemini.enqueue("Hello, Ann.")
    page.edit(0, "I am Ann")
    page.shows(("user", "I am Ann"), ("model", "Hello, Ann."))
    assert gemini.requests[2].conversation == [("user", "I am Ann")]
    remembers_what_is_seen(page, gemini)


def test_edit_of_the_last_message(page: Page, gemini: FakeGemini) -> None:
    begun(page, gemini)
    remembers_what_is_seen(page, gemini)
    gemini.enqueue("Then good night.")
    page.edit(1, "And then?")
    page.shows(
        ("user", "Hi"), ("model", "Hello."), ("user", "And then?"), ("model", "Then good night.")
    )
    remembers_what_is_seen(page, gemini)


def test_edit_while_an_answer_runs(page: Page, gemini: FakeGemini) -> None:
    begun(page, gemini)
    gemini.enqueue("Once upon ", Until(threading.Event()))
    page.send("A story")
    page.shows(*BEGUN, ("user", "A story"), ("model", "Once upon"))
    gemini.enqueue("Roses are red.")
    page.edit(1, "A poem")
    page.shows(*BEGUN, ("user", "A poem"), ("model", "Roses are red."))
    expect(page.box).to_have_value("")
    remembers_what_is_seen(page, gemini)


def test_a_message_is_on_the_page_before_the_server_has_it(page: Page, gemini: FakeGemini) -> None:
    held: list[Route] = []
    page.tab.route("**/queue/join*", lambda route: held.append(route))
    page.send("Hi")
    page.shows(("user", "Hi"))
    expect(page.stop_button).to_be_visible()
    expect(page.box).to_have_value("")
    assert (len(held), gemini.requests) == (1, [])
    gemini.enqueue("Hello.")
    held[0].continue_()
    page.tab.unroute("**/queue/join*")
    page.shows(*BEGUN)
    remembers_what_is_seen(page, gemini)


def test_a_message_that_is_lost_on_its_way_is_typed_again(page: Page, gemini: FakeGemini) -> None:
    begun(page, gemini)
    page.tab.route("**/queue/join*", lambda route: route.abort())
    page.box.fill("And now?")
    with page.tab.expect_event("requestfailed"):
        page.box.press("Enter")
    page.tab.unroute("**/queue/join*")
    expect(page.box).to_have_value("And now?", timeout=PATIENCE)  # Gradio has loaded the page anew.
    page.complaints.clear()
    page.shows(*BEGUN)
    gemini.enqueue("All is well.")
    page.box.press("Enter")
    page.shows(*BEGUN, ("user", "And now?"), ("model", "All is well."))
    page.reload()
    page.shows(*BEGUN, ("user", "And now?"), ("model", "All is well."))
    expect(page.box).to_have_value("")


def test_stop_pressed_before_the_server_has_the_message_stops_it(
    page: Page, gemini: FakeGemini
) -> None:
    held: list[Route] = []
    page.tab.route("**/queue/join*", lambda route: held.append(route))
    page.send("Hi")
    with page.tab.expect_response("**/run/predict"):
        page.stop()
    held[0].continue_()
    page.tab.unroute("**/queue/join*")
    page.shows(("user", "Hi"), STOPPED)
    assert gemini.requests == []
    remembers_what_is_seen(page, gemini)


def test_clear(page: Page, gemini: FakeGemini) -> None:
    begun(page, gemini)
    page.clear()
    page.shows()
    remembers_what_is_seen(page, gemini)


def test_clear_while_an_answer_runs(page: Page, gemini: FakeGemini) -> None:
    gemini.enqueue("A secret", Hang())
    page.send("Hi")
    page.shows(("user", "Hi"), ("model", "A secret"))
    page.clear()
    page.shows()
    cleared = len(page.film())
    assert gemini.requests[0].left.wait(20)
    remembers_what_is_seen(page, gemini)
    assert ("user", "Hi") not in [bubble for frame in page.film()[cleared:] for bubble in frame]


def test_clear_while_the_model_is_silent(page: Page, gemini: FakeGemini) -> None:
    gemini.enqueue(Hang())
    page.send("Hi")
    gemini.arrived()
    page.clear()
    page.shows()
    assert gemini.requests[0].left.wait(20)
    remembers_what_is_seen(page, gemini)


def test_an_example(page: Page, gemini: FakeGemini) -> None:
    gemini.enqueue("Hello, you.")
    page.click_example("Hello")
    page.shows(("user", "Hello"), ("model", "Hello, you."))
    assert gemini.requests[0].conversation == [("user", "Hello")]
    remembers_what_is_seen(page, gemini)


def test_an_example_after_clear(page: Page, gemini: FakeGemini) -> None:
    begun(page, gemini)
    page.clear()
    page.shows()
    gemini.enqueue("Hello, you.")
    page.click_example("Hello")
    page.shows(("user", "Hello"), ("model", "Hello, you."))
    assert gemini.requests[1].conversation == [("user", "Hello")]


# Failures


def test_a_failing_turn_is_followed_by_a_good_one(page: Page, gemini: FakeGemini) -> None:
    gemini.enqueue(Status(503, "UNAVAILABLE", "overloaded"))
    page.send("Hi")
    page.shows(
        ("user", "Hi"),
        (
            "Note",
            "The AI service has a problem at its end. Nothing is wrong with your message: try "
            "again in a moment.",
        ),
    )
    remembers_what_is_seen(page, gemini)


def test_a_failing_turn_can_be_retried(page: Page, gemini: FakeGemini) -> None:
    gemini.enqueue(Status(503, "UNAVAILABLE", "overloaded"))
    page.send("Hi")
    page.wait_idle()
    gemini.enqueue("Hello.")
    page.retry()
    page.shows(("user", "Hi"), ("model", "Hello."))
    assert gemini.requests[1].conversation == [("user", "Hi")]
    remembers_what_is_seen(page, gemini)


def test_a_broken_connection_leaves_what_was_said(page: Page, gemini: FakeGemini) -> None:
    heard = threading.Event()
    gemini.enqueue("Half an answer", Until(heard), Cut())
    page.send("Hi")
    page.shows(("user", "Hi"), ("model", "Half an answer"))
    heard.set()
    page.shows(
        ("user", "Hi"),
        ("model", "Half an answer"),
        ("Note", "The connection to the AI service broke off. Try again for a full answer."),
    )
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


# How it looks


def test_the_header_tells_who_answers(page: Page) -> None:
    assert page.tab.title() == "Helper"
    expect(page.tab.get_by_role("heading", name="Helper")).to_be_visible()
    expect(page.tab.get_by_text("Helps.")).to_be_visible()
    expect(page.tab.get_by_text("Additional inputs", exact=False)).to_have_count(0)
    assert " ".join(page.tab.locator("main").inner_text().split()) == (
        "Helper Helps. Chats are kept in this server's memory, until it restarts or for 7 days "
        "after their last message. Hello Message Send"
    )


@pytest.fixture(scope="module")
def offline() -> Iterator[str]:
    with launched(replace(loaded(OfflineModel(delay=0)), is_offline=True)) as address:
        yield address


@pytest.mark.parametrize("by", ["the keyboard", "the button"])
def test_the_end_of_the_next_answer_is_in_view(visitor: Visitor, by: str) -> None:
    with launched(loaded(OfflineModel(), tools=[calculate])) as url:
        page = visitor().open(url)
        page.tab.set_viewport_size({"width": 1000, "height": 640})
        for message in ("Hello", "What is 12*7?"):
            page.box.fill(message)
            press = page.box.press if by == "the keyboard" else page.press
            page._begin(partial(press, "Enter" if by == "the keyboard" else "Send"))
            page.wait_idle()
        page.tab.get_by_text("result: 84").wait_for()
        page.tab.wait_for_function(AT_END)
        page.tab.context.close()


def test_the_offline_model_says_what_it_is(offline: str, visitor: Visitor) -> None:
    page = visitor().open(offline)
    assert (
        "Answered by the built-in offline model, which is not an AI. To hear from Gemini "
        "instead, set GOOGLE_API_KEY (a free key comes from Google AI Studio) and start the "
        "app again."
    ) in page.tab.locator("main").inner_text()
    page.send("Hi")
    page.wait_idle()
    assert page.words()[1][1].startswith("I am the built-in offline model: a small program")


HARD_TEXTS = {
    "indented code": "So:\n\n```python\ndef f():\n\tif x:\n\t\treturn 1\n\n    # 4\n```\n    end",
    "a table": "| a | b |\n|:--|--:|\n| 1 | 2 |\n\n\nAfter three lines.",
    "emoji": "🙂 👩‍🚀 🏳️‍🌈 e\u0301",
    "right to left": "שלום עולם, مرحبا بالعالم",
    "edges": "  \n  two before, two after  \n  ",
    "markup": "a < b && c > d, <b>bold</b>, &amp;, \\* and $5 or $6",
}


@pytest.mark.parametrize("text", HARD_TEXTS.values(), ids=HARD_TEXTS.keys())
def test_the_page_holds_the_very_text(page: Page, gemini: FakeGemini, text: str) -> None:
    gemini.enqueue(*text)
    page.send("Hi")
    page.wait_idle()
    assert page.copy_answer() == text


def test_code_keeps_its_indentation(page: Page, gemini: FakeGemini) -> None:
    gemini.enqueue("```python\ndef f():\n    if x:\n        return 1\n```")
    page.send("Hi")
    page.shows(("user", "Hi"), ("model", "def f():\n    if x:\n        return 1"))


PHONE: dict[str, Any] = {
    "viewport": {"width": 390, "height": 844},
    "has_touch": True,
    "is_mobile": True,
}


@pytest.mark.parametrize("theme", ["", "?__theme=dark"], ids=["light", "dark"])
@pytest.mark.parametrize("device", [{}, PHONE], ids=["desktop", "phone"])
def test_everything_is_within_reach(
    url: str, gemini: FakeGemini, visitor: Visitor, device: dict[str, Any], theme: str
) -> None:
    page = visitor(**device).open(url + theme)
    table, code = f"| a | b |\n|-|-|\n| {'x' * 300} | y |", f"```\n{'z' * 300}\n```"
    gemini.enqueue(f"{table}\n\n{code}\n\n{'w' * 300}", Hang())
    page.send("Hi " + "v" * 300)
    expect(page.stop_button).to_be_in_viewport(ratio=1, timeout=PATIENCE)
    expect(page.box).to_be_in_viewport(ratio=1)
    expect(page.tab.locator("table")).to_be_visible(timeout=PATIENCE)
    assert page.tab.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.stop()
    page.wait_idle()
    expect(page.tab.locator(".submit-button")).to_be_in_viewport(ratio=1)


def test_a_small_window_gives_the_chat_the_room_of_the_description(page: Page) -> None:
    page.tab.set_viewport_size({"width": 390, "height": 500})
    about, box = page.tab.get_by_text("Helps."), page.tab.locator("#message")
    expect(about).to_be_visible()
    page.send("Hi")
    page.wait_idle()
    expect(about).to_be_hidden()
    expect(box).to_be_in_viewport(ratio=1)


def test_a_new_page_begins_with_its_first_example(visitor: Visitor, gemini: FakeGemini) -> None:
    many = tuple(f"Example {number}, which takes a line of its own" for number in range(12))
    with launched(replace(loaded(), examples=many)) as url:
        page = visitor(viewport={"width": 375, "height": 620}).open(url)
        expect(page.tab.get_by_text(many[-1])).to_be_visible()
        page.tab.evaluate("new Promise(drawn => requestAnimationFrame(() => setTimeout(drawn)))")
        expect(page.tab.get_by_text(many[0])).to_be_in_viewport(ratio=1)


def test_the_keyboard_is_given_back_when_the_answer_is_over(page: Page) -> None:
    page.send("Hi")
    page.wait_idle()
    expect(page.box).to_be_focused()


def test_a_screen_reader_is_told_what_there_is_to_press_and_to_fill_in(page: Page) -> None:
    page.open_side_bar()
    for name in ("Send", "New chat", "Rename"):
        expect(page.tab.get_by_role("button", name=name, exact=True)).to_be_visible()
    for name in ("Message", "Search the names of your chats", "A new name for this chat"):
        expect(page.tab.get_by_role("textbox", name=name)).to_be_visible()

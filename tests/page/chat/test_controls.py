"""What one can press: Stop, Retry, Undo, Edit, Clear and the examples."""

import threading

import pytest
from playwright.sync_api import Route, expect

from tests.support.browser import ACTION_TIMEOUT, Page
from tests.support.chat_page import BEGUN, STOPPED, begun, remembers_what_is_seen
from tests.support.fake_gemini import FakeGemini, Hang, Until

pytestmark = pytest.mark.slow


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


@pytest.mark.thorough
def test_stop_of_a_retry(page: Page, gemini: FakeGemini) -> None:
    begun(page, gemini)
    gemini.enqueue("Half", Hang())
    page.retry()
    page.shows(("user", "Hi"), ("model", "Half"))
    page.stop()
    page.shows(("user", "Hi"), ("model", "Half"), STOPPED)
    assert gemini.requests[1].left.wait(20)
    remembers_what_is_seen(page, gemini)


@pytest.mark.thorough
def test_stop_of_an_edit(page: Page, gemini: FakeGemini) -> None:
    begun(page, gemini)
    gemini.enqueue("Half", Hang())
    page.edit(0, "Ho")
    page.shows(("user", "Ho"), ("model", "Half"))
    page.stop()
    page.shows(("user", "Ho"), ("model", "Half"), STOPPED)
    assert gemini.requests[1].left.wait(20)
    remembers_what_is_seen(page, gemini)


@pytest.mark.thorough
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


@pytest.mark.thorough
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
    expect(page.box).to_have_value(
        "And now?", timeout=ACTION_TIMEOUT
    )  # Gradio has loaded the page anew.
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


@pytest.mark.thorough
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


@pytest.mark.thorough
def test_an_example_after_clear(page: Page, gemini: FakeGemini) -> None:
    begun(page, gemini)
    page.clear()
    page.shows()
    gemini.enqueue("Hello, you.")
    page.click_example("Hello")
    page.shows(("user", "Hello"), ("model", "Hello, you."))
    assert gemini.requests[1].conversation == [("user", "Hello")]

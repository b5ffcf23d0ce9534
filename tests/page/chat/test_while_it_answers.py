"""What one can press while an answer runs: that one is left, and nothing is refused or lost."""

import asyncio
import threading
from collections.abc import AsyncIterator
from typing import Any

import pytest
from playwright.sync_api import expect

from agent.page.page_state import PageState
from tests.support.browser import Page
from tests.support.chat_page import BEGUN, begun, remembers_what_is_seen
from tests.support.fake_gemini import FakeGemini, Until

pytestmark = pytest.mark.slow

RUNNING = (*BEGUN, ("user", "A story"), ("model", "Once upon"))


@pytest.fixture
def gate(page: Page, gemini: FakeGemini) -> threading.Event:
    """A second turn, of which half has come; the other half does when this is set."""
    gate = threading.Event()
    begun(page, gemini)
    gemini.enqueue("Once upon ", Until(gate), "a time.")
    page.send("A story")
    page.shows(*RUNNING)
    return gate


@pytest.mark.usefixtures("gate")
def test_retry_asks_anew(page: Page, gemini: FakeGemini) -> None:
    gemini.enqueue("Long ago.")
    page.retry()
    page.shows(*BEGUN, ("user", "A story"), ("model", "Long ago."))
    assert gemini.requests[1].left.wait(20)
    assert gemini.requests[2].conversation == gemini.requests[1].conversation
    remembers_what_is_seen(page, gemini)
    seen = page.texts()
    page.reload()
    page.shows(*seen)


@pytest.mark.usefixtures("gate")
def test_retry_of_a_retry(page: Page, gemini: FakeGemini) -> None:
    gemini.enqueue("Long ", Until(threading.Event()))
    page.retry()
    page.shows(*BEGUN, ("user", "A story"), ("model", "Long"))
    gemini.enqueue("Never.")
    page.retry()
    page.shows(*BEGUN, ("user", "A story"), ("model", "Never."))
    remembers_what_is_seen(page, gemini)


@pytest.mark.usefixtures("gate")
def test_retry_after_a_reload(page: Page, gemini: FakeGemini) -> None:
    page.reload()
    page.shows(*RUNNING)
    gemini.enqueue("Long ago.")
    page.retry()
    page.shows(*BEGUN, ("user", "A story"), ("model", "Long ago."))
    remembers_what_is_seen(page, gemini)


@pytest.mark.thorough
@pytest.mark.usefixtures("gate")
def test_retry_in_another_window(page: Page, gemini: FakeGemini) -> None:
    other = page.another()
    other.shows(*RUNNING)
    gemini.enqueue("Long ago.")
    other.retry()
    other.shows(*BEGUN, ("user", "A story"), ("model", "Long ago."))
    remembers_what_is_seen(other, gemini)


@pytest.mark.usefixtures("gate")
def test_undo_takes_the_question_back(page: Page, gemini: FakeGemini) -> None:
    page.undo()
    page.shows(*BEGUN)
    expect(page.box).to_have_value("A story")
    assert gemini.requests[1].left.wait(20)
    remembers_what_is_seen(page, gemini)


@pytest.mark.usefixtures("gate")
def test_edit_of_an_earlier_message(page: Page, gemini: FakeGemini) -> None:
    gemini.enqueue("Good day.")
    page.edit(0, "Good morning")
    page.shows(("user", "Good morning"), ("model", "Good day."))
    remembers_what_is_seen(page, gemini)


def test_a_new_chat_leaves_the_answer_running(
    page: Page, gemini: FakeGemini, gate: threading.Event
) -> None:
    page.open_side_bar()
    page.press("New chat")
    page.shows()
    remembers_what_is_seen(page, gemini)
    gate.set()
    page.choose("Hi")
    page.shows(*BEGUN, ("user", "A story"), ("model", "Once upon a time."))
    remembers_what_is_seen(page, gemini)


@pytest.mark.usefixtures("gate")
def test_an_example_in_a_new_chat(page: Page, gemini: FakeGemini) -> None:
    page.open_side_bar()
    page.press("New chat")
    page.shows()
    gemini.enqueue("Hello, you.")
    page.click_example("Hello")
    page.shows(("user", "Hello"), ("model", "Hello, you."))
    remembers_what_is_seen(page, gemini)


@pytest.mark.usefixtures("gate")
def test_what_is_asked_before_a_new_chat_has_come_stays_on_the_page(
    page: Page, gemini: FakeGemini, monkeypatch: pytest.MonkeyPatch
) -> None:
    may_come, replay = threading.Event(), PageState.replay

    async def replay_late(self: PageState) -> AsyncIterator[Any]:
        async for history in replay(self):
            assert await asyncio.to_thread(may_come.wait, 20)
            yield history

    page.open_side_bar()
    monkeypatch.setattr(PageState, "replay", replay_late)
    page.press("New chat")
    page.shows()
    gemini.enqueue("Hello, you.")
    page.click_example("Hello")
    page.shows(("user", "Hello"), ("model", "Hello, you."))
    page.tab.evaluate("film.length = 0")
    may_come.set()
    page.tab.wait_for_function("film.length > 1")  # It is gone, and comes again.
    page.shows(("user", "Hello"), ("model", "Hello, you."))
    remembers_what_is_seen(page, gemini)


@pytest.mark.usefixtures("gate")
def test_after_clear_one_can_type_as_soon_as_the_chat_is_gone(
    page: Page, gemini: FakeGemini, monkeypatch: pytest.MonkeyPatch
) -> None:
    begins, may_forget, forget = threading.Event(), threading.Event(), PageState.forget

    async def forget_later(self: PageState) -> None:
        begins.set()
        assert await asyncio.to_thread(may_forget.wait, 20)
        await forget(self)

    monkeypatch.setattr(PageState, "forget", forget_later)
    page.clear()
    assert begins.wait(20)
    page.tab.wait_for_timeout(300)  # What would unlock the box comes from the run that is stopped.
    expect(page.box).to_be_disabled()
    may_forget.set()
    page.shows()
    remembers_what_is_seen(page, gemini)


@pytest.mark.usefixtures("gate")
def test_a_deleted_chat_is_gone(page: Page, gemini: FakeGemini) -> None:
    page.open_side_bar()
    page.delete()
    page.shows()
    page.lists()
    assert gemini.requests[1].left.wait(20)
    remembers_what_is_seen(page, gemini)


@pytest.mark.usefixtures("gate")
def test_who_is_forgotten_begins_anew(page: Page, gemini: FakeGemini) -> None:
    page.open_side_bar()
    page.forget()
    page.shows()
    page.lists()
    assert gemini.requests[1].left.wait(20)
    remembers_what_is_seen(page, gemini)


def test_another_name_and_a_link(page: Page, gemini: FakeGemini, gate: threading.Event) -> None:
    page.open_side_bar()
    page.share()
    page.rename("Tales")
    gate.set()
    page.lists("Tales")
    page.shows(*BEGUN, ("user", "A story"), ("model", "Once upon a time."))
    remembers_what_is_seen(page, gemini)


@pytest.mark.parametrize("control", ["Retry", "Undo"])
def test_before_the_first_word(page: Page, gemini: FakeGemini, control: str) -> None:
    begun(page, gemini)
    gemini.enqueue(Until(threading.Event()))
    page.send("A story")
    gemini.arrived(2)
    page.waits(1)
    gemini.enqueue("Long ago.")
    # Both are out of reach then (messages.css), but a press may have been on its way.
    page.tab.get_by_label(control, exact=True).last.dispatch_event("click")
    asked = (("user", "A story"), ("model", "Long ago.")) if control == "Retry" else ()
    page.shows(*BEGUN, *asked)
    page.wait_idle()
    if control == "Undo":
        gemini.reset()
    remembers_what_is_seen(page, gemini)


@pytest.mark.thorough
@pytest.mark.usefixtures("gate")
def test_retry_pressed_again_and_again(page: Page, gemini: FakeGemini) -> None:
    gemini.always("Long ago.")
    for _ in range(4):
        page._button("Retry").click()
    page.retry()  # It waits until its answer has begun, which may be after an idle moment.
    page.wait_idle()
    page.shows(*BEGUN, ("user", "A story"), ("model", "Long ago."))
    remembers_what_is_seen(page, gemini)

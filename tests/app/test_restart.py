"""The app is ended, also in the midst of an answer, and started again: nothing is lost."""

import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.core.notices import SENTENCES
from tests.support.app_process import App
from tests.support.browser import Page, Visitor, talk
from tests.support.fake_gemini import FakeGemini, Until
from tests.support.thorough import sample

pytestmark = pytest.mark.slow

FIRST = [("user", "first"), ("model", "one")]


@pytest.fixture
def app(gemini: FakeGemini, tmp_path: Path) -> Iterator[App]:
    app = App(SESSION_DB=f"sqlite:///{tmp_path}/chats.db")
    yield app
    app.end(signal.SIGKILL)


def begin(page: Page, gemini: FakeGemini) -> None:
    """A first turn, whole, and a second, of which half has come."""
    talk(page, gemini, "first", "one")
    gemini.enqueue("Once upon ", Until(threading.Event()))
    page.send("A story")
    page.shows(*FIRST, ("user", "A story"), ("model", "Once upon"))


@pytest.mark.parametrize("signum", sample([signal.SIGTERM, signal.SIGINT]))
def test_what_was_said_is_stored_and_the_page_goes_on_after_a_restart(
    app: App, gemini: FakeGemini, visitor: Visitor, signum: int
) -> None:
    page = visitor().open(app.url)
    begin(page, gemini)
    assert app.end(signum) == 0
    app.start()
    page.reload()
    seen = [
        *FIRST,
        ("user", "A story"),
        ("model", "Once upon"),
        ("The answer was cut off", SENTENCES["shut_down"]),
    ]
    page.shows(*seen)
    page.wait_idle()
    gemini.enqueue("a time.")
    page.send("Go on")
    page.shows(*seen, ("user", "Go on"), ("model", "a time."))
    assert [text for _, text in gemini.requests[-1].conversation] == [
        *("first", "one", "A story", "Once upon ", "Go on")
    ]
    page.complaints.clear()  # Gradio's, of the time without a server.


def test_what_is_said_on_a_page_that_was_left_open_goes_on_with_its_chat(
    app: App, gemini: FakeGemini, visitor: Visitor
) -> None:
    page = visitor().open(app.url)
    talk(page, gemini, "first", "one")
    page.shows(*FIRST)
    app.end()
    app.start()
    talk(page, gemini, "second", "two")
    page.shows(*FIRST, ("user", "second"), ("model", "two"))
    assert [text for _, text in gemini.requests[-1].conversation] == ["first", "one", "second"]
    page.complaints.clear()  # Gradio's, of the time without a server.


@pytest.mark.thorough
def test_a_page_that_was_left_open_goes_on_with_the_chat_that_it_shows(
    app: App, gemini: FakeGemini, visitor: Visitor
) -> None:
    page = visitor().open(app.url)
    page.open_side_bar()
    for question in ("older", "newer"):
        talk(page, gemini, question, "one")
        page.press("New chat")
        page.shows()
        page.wait_idle()
    page.choose("older")
    page.shows(("user", "older"), ("model", "one"))
    page.wait_idle()
    app.end()
    app.start()
    talk(page, gemini, "more", "two")
    page.shows(("user", "older"), ("model", "one"), ("user", "more"), ("model", "two"))
    page.delete()
    page.shows()
    page.lists("newer")
    page.complaints.clear()


def test_an_app_that_is_killed_leaves_a_note_where_the_answer_would_be(
    app: App, gemini: FakeGemini, visitor: Visitor
) -> None:
    page = visitor().open(app.url)
    begin(page, gemini)
    app.end(signal.SIGKILL)
    app.start()
    page.reload()
    page.shows(*FIRST, ("user", "A story"), ("The answer was cut off", SENTENCES["cut_short"]))
    page.wait_idle()
    gemini.enqueue("Whole.")
    page.retry()
    page.shows(*FIRST, ("user", "A story"), ("model", "Whole."))
    assert gemini.requests[-1].conversation == gemini.requests[-2].conversation
    page.complaints.clear()

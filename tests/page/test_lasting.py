"""A conversation outlasts its page: reload, a second window, a closed tab."""

import threading
from collections.abc import Iterator

import pytest

from agent.core.notices import SENTENCES
from tests.support.app_setup import launched, loaded
from tests.support.browser import Visitor
from tests.support.chat_page import STOPPED
from tests.support.fake_gemini import Call, ErrorInStream, FakeGemini, Think, Until

pytestmark = pytest.mark.slow


def look(city: str) -> str:
    """Look out of the window."""
    return f"Sun in {city}"


@pytest.fixture(scope="module")
def url(fake: FakeGemini) -> Iterator[str]:
    with launched(loaded(tools=[look]), request_retries=0, leave_grace=60) as url:
        yield url


def test_a_reload_shows_the_whole_conversation_and_goes_on(
    url: str, gemini: FakeGemini, visitor: Visitor
) -> None:
    page = visitor().open(url)
    gemini.enqueue(Think("Hm."), Call("look", {"city": "Oslo"}))
    gemini.enqueue("Sun, *there*.")
    gemini.enqueue("Half", ErrorInStream(503, "UNAVAILABLE"))
    page.send("How is Oslo?")
    page.wait_idle()
    page.send("And Rome?")
    page.wait_idle()
    seen = page.texts()
    page.reload()
    page.shows(*seen)
    page.wait_idle()
    gemini.enqueue("Fine.")
    page.send("Go on")
    page.shows(*seen, ("user", "Go on"), ("model", "Fine."))
    assert gemini.requests[-1].conversation[-1] == ("user", "Go on")
    assert len(gemini.requests[-1].conversation) == len(gemini.requests[-2].conversation) + 2


def test_a_reload_in_the_midst_of_an_answer_shows_it_grow(
    url: str, gemini: FakeGemini, visitor: Visitor
) -> None:
    page, rest = visitor().open(url), threading.Event()
    gemini.enqueue("Once upon ", Until(rest), "a time.")
    page.send("A story")
    page.shows(("user", "A story"), ("model", "Once upon"))
    page.reload()
    page.shows(("user", "A story"), ("model", "Once upon"))
    rest.set()
    page.shows(("user", "A story"), ("model", "Once upon a time."))
    page.wait_idle()
    assert len(gemini.requests) == 1


def test_an_answer_that_was_taken_up_again_can_be_stopped(
    url: str, gemini: FakeGemini, visitor: Visitor
) -> None:
    page = visitor().open(url)
    gemini.enqueue("Once upon ", Until(threading.Event()))
    page.send("A story")
    page.shows(("user", "A story"), ("model", "Once upon"))
    page.reload()
    page.shows(("user", "A story"), ("model", "Once upon"))
    page.stop()
    stopped = [("user", "A story"), ("model", "Once upon"), STOPPED]
    page.shows(*stopped)
    page.wait_idle()
    page.reload()
    page.shows(*stopped)
    gemini.enqueue("a time.")
    page.wait_idle()
    page.send("Go on")
    page.shows(*stopped, ("user", "Go on"), ("model", "a time."))
    assert gemini.requests[-1].conversation == [
        ("user", "A story"),
        ("model", "Once upon "),
        ("user", "Go on"),
    ]


def test_retry_undo_and_edit_work_on_what_was_shown_after_a_reload(
    url: str, gemini: FakeGemini, visitor: Visitor
) -> None:
    page = visitor().open(url)
    for answer in ("one", "two", "two, again", "one, edited"):
        gemini.enqueue(answer)
    page.send("first")
    page.wait_idle()
    page.send("second")
    page.wait_idle()
    page.reload()
    page.shows(("user", "first"), ("model", "one"), ("user", "second"), ("model", "two"))
    page.wait_idle()
    page.retry()
    page.shows(("user", "first"), ("model", "one"), ("user", "second"), ("model", "two, again"))
    page.wait_idle()
    assert gemini.requests[2].conversation == gemini.requests[1].conversation
    page.reload()
    page.shows(("user", "first"), ("model", "one"), ("user", "second"), ("model", "two, again"))
    page.wait_idle()
    page.edit(0, "first, edited")
    page.shows(("user", "first, edited"), ("model", "one, edited"))
    assert gemini.requests[3].conversation == [("user", "first, edited")]
    page.wait_idle()
    page.reload()
    page.shows(("user", "first, edited"), ("model", "one, edited"))


@pytest.mark.thorough
def test_a_cleared_conversation_stays_cleared(
    url: str, gemini: FakeGemini, visitor: Visitor
) -> None:
    page = visitor().open(url)
    gemini.enqueue("one")
    page.send("first")
    page.wait_idle()
    page.clear()
    page.shows()
    page.reload()
    page.wait_idle()
    page.shows()


def test_what_was_taken_back_is_gone_for_good(
    url: str, gemini: FakeGemini, visitor: Visitor
) -> None:
    page = visitor().open(url)
    for answer in ("one", "two"):
        gemini.enqueue(answer)
        page.send(f"say {answer}")
        page.wait_idle()
    page.undo()
    page.shows(("user", "say one"), ("model", "one"))
    page.reload()
    page.shows(("user", "say one"), ("model", "one"))
    page.wait_idle()
    page.undo()
    page.shows()
    page.reload()
    page.wait_idle()
    page.shows()


def test_a_window_that_is_behind_shows_what_is_new_before_anything_else(
    url: str, gemini: FakeGemini, visitor: Visitor
) -> None:
    first = visitor().open(url)
    for answer in ("one", "two", "three"):
        gemini.enqueue(answer)
    first.send("first")
    first.wait_idle()
    second = first.another()
    second.shows(("user", "first"), ("model", "one"))
    second.wait_idle()
    second.send("second")
    second.wait_idle()
    first.send("third")
    first.shows(("user", "first"), ("model", "one"), ("user", "second"), ("model", "two"))
    first.wait_idle()
    assert first.box.input_value() == "third"
    assert SENTENCES["out_of_date"][:20] in str(first.film())
    assert len(gemini.requests) == 2
    first.box.press("Enter")
    first.shows(
        *[("user", "first"), ("model", "one"), ("user", "second"), ("model", "two")],
        *[("user", "third"), ("model", "three")],
    )
    assert [text for _, text in gemini.requests[-1].conversation] == [
        *("first", "one", "second", "two", "third")
    ]


def test_a_window_that_is_behind_takes_nothing_away_by_retry_or_edit(
    url: str, gemini: FakeGemini, visitor: Visitor
) -> None:
    first = visitor().open(url)
    for answer in ("one", "two", "three"):
        gemini.enqueue(answer)
    first.send("first")
    first.wait_idle()
    second = first.another()
    second.shows(("user", "first"), ("model", "one"))
    second.wait_idle()
    second.send("second")
    second.wait_idle()
    both = [("user", "first"), ("model", "one"), ("user", "second"), ("model", "two")]
    first.retry()
    first.shows(*both)
    first.wait_idle()
    second.reload()
    second.shows(*both)


@pytest.mark.thorough
def test_an_answer_can_be_stopped_from_another_window(
    url: str, gemini: FakeGemini, visitor: Visitor
) -> None:
    first = visitor().open(url)
    gemini.enqueue("Once upon ", Until(threading.Event()))
    first.send("A story")
    first.shows(("user", "A story"), ("model", "Once upon"))
    second = first.another()
    second.shows(("user", "A story"), ("model", "Once upon"))
    second.stop()
    stopped = [("user", "A story"), ("model", "Once upon"), STOPPED]
    first.shows(*stopped)
    second.shows(*stopped)
    first.wait_idle()


def test_another_visitor_sees_nothing_of_it(url: str, gemini: FakeGemini, visitor: Visitor) -> None:
    ann, bob = visitor().open(url), visitor().open(url)
    gemini.enqueue("Hello, Ann.")
    ann.send("I am Ann")
    ann.wait_idle()
    bob.reload()
    bob.wait_idle()
    bob.shows()
    names = [page.tab.evaluate("JSON.stringify(localStorage)") for page in (ann, bob)]
    assert names[0] != names[1]

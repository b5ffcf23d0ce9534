"""A page that is opened: what one can do before the server has said which chat is on it."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from functools import wraps
from typing import Any

import pytest
from playwright.sync_api import expect

from agent.core.notices import SENTENCES
from agent.page import states
from agent.page.handlers import Handlers
from tests.support.app_setup import launched, loaded
from tests.support.browser import ACTION_TIMEOUT, HAS_ARRIVED, Page, Visitor
from tests.support.chat_page import BEGUN, begun, remembers_what_is_seen
from tests.support.fake_gemini import FakeGemini

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def url(fake: FakeGemini) -> Iterator[str]:
    with launched(loaded(), request_retries=0) as address:
        yield address


@pytest.fixture
def may_arrive(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """No page arrives until this is set."""
    may_arrive, open_last = threading.Event(), states.open_last

    async def open_late(*args: Any, **options: Any) -> Any:
        assert await asyncio.to_thread(may_arrive.wait, 20)
        return await open_last(*args, **options)

    monkeypatch.setattr(states, "open_last", open_late)
    return may_arrive


def opened_early(visitor: Visitor, url: str) -> Page:
    """A page of which the server has said nothing yet, and one can type."""
    page = visitor().come(url)
    expect(page.box).to_be_editable(timeout=ACTION_TIMEOUT)
    return page


def test_a_new_visitor_may_type_and_send_at_once(
    url: str, gemini: FakeGemini, visitor: Visitor, may_arrive: threading.Event
) -> None:
    page = opened_early(visitor, url)
    gemini.enqueue("Hello.")
    page.send("Hi")
    page.shows(("user", "Hi"))
    expect(page.stop_button).to_be_visible()
    assert gemini.requests == []
    may_arrive.set()
    page.shows(*BEGUN)
    remembers_what_is_seen(page, gemini)


def test_what_is_typed_meanwhile_stays_and_so_does_what_it_is_told(
    url: str, gemini: FakeGemini, visitor: Visitor, may_arrive: threading.Event
) -> None:
    page = opened_early(visitor, url)
    page.box.press("Enter")
    asks_for_words = SENTENCES["no_message"]
    expect(page.box).to_have_attribute("placeholder", asks_for_words)
    page.box.fill("Half a ques")
    with page.tab.expect_response("**/run/predict*"):
        may_arrive.set()
    page.tab.wait_for_function(HAS_ARRIVED)
    page.tab.wait_for_timeout(200)  # What is not to happen would happen now.
    expect(page.box).to_have_value("Half a ques")
    expect(page.box).to_have_attribute("placeholder", asks_for_words)
    expect(page.box).to_be_enabled()


def test_an_example_waits_too(
    url: str, gemini: FakeGemini, visitor: Visitor, may_arrive: threading.Event
) -> None:
    page = opened_early(visitor, url)
    gemini.enqueue("Hello, you.")
    page.click_example("Hello")
    page.shows(("user", "Hello"))
    may_arrive.set()
    page.shows(("user", "Hello"), ("model", "Hello, you."))
    remembers_what_is_seen(page, gemini)


def test_who_may_have_chats_waits_for_them(
    url: str, gemini: FakeGemini, visitor: Visitor, may_arrive: threading.Event
) -> None:
    may_arrive.set()
    page = visitor().open(url)
    begun(page, gemini)
    may_arrive.clear()
    for come in (Page.another, reloaded):
        again = come(page)
        again.tab.wait_for_function("globalThis.chat?.state.isArriving")
        expect(again.box).to_be_disabled()
        may_arrive.set()
        again.shows(*BEGUN)
        expect(again.box).to_be_enabled(timeout=ACTION_TIMEOUT)
        may_arrive.clear()


def test_what_is_asked_is_shown_though_the_server_shows_the_chat_without_it_once_more(
    fake: FakeGemini, gemini: FakeGemini, visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, replay = Handlers.run, Handlers.replay
    is_reloaded, is_asked, is_shown_again = (asyncio.Event() for _ in range(3))

    @wraps(replay)
    async def end_late(*about: Any) -> AsyncIterator[tuple[Any, ...]]:
        was_asked = is_asked.is_set()
        async for shown in replay(*about):
            yield shown
        if is_reloaded.is_set():
            await is_asked.wait()
        if was_asked:
            is_shown_again.set()

    @wraps(run)
    async def begin_late(*about: Any) -> AsyncIterator[tuple[Any, ...]]:
        if is_reloaded.is_set():
            is_asked.set()
            await is_shown_again.wait()
        async for shown in run(*about):
            yield shown

    monkeypatch.setattr(Handlers, "replay", end_late)
    monkeypatch.setattr(Handlers, "run", begin_late)
    with launched(loaded()) as url:
        page = visitor().open(url)
        begun(page, gemini)
        is_reloaded.set()
        page.reload()
        gemini.enqueue("Fine.")
        page.send("And you?")
        page.shows(*BEGUN, ("user", "And you?"), ("model", "Fine."))
        page.tab.context.close()  # Before the server ends, of which it would complain.


def reloaded(page: Page) -> Page:
    """The same page."""
    page.reload()
    return page


def test_who_may_have_signed_in_waits(
    fake: FakeGemini, visitor: Visitor, may_arrive: threading.Event
) -> None:
    with launched(loaded(), {"auth": ("ann", "sesame")}) as url:
        page = visitor()
        page.tab.request.post(f"{url}login", form={"username": "ann", "password": "sesame"})
        page.come(url)
        page.tab.wait_for_function("globalThis.chat?.state.isArriving")
        expect(page.box).to_be_disabled()
        may_arrive.set()
        expect(page.box).to_be_enabled(timeout=ACTION_TIMEOUT)

"""The side bar: a visitor's conversations, opened, searched, named and deleted."""

import threading
from collections.abc import Iterator

import pytest
from google.adk.sessions import InMemorySessionService
from playwright.sync_api import expect

from agent.chat.loader import LoadedAgent
from agent.page.sidebar import NOT_FOUND
from tests.support.app_setup import launched, loaded
from tests.support.browser import ACTION_TIMEOUT, Page, Visitor, talk
from tests.support.fake_gemini import FakeGemini, Until

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def agent() -> LoadedAgent:
    return loaded()


@pytest.fixture(scope="module")
def url(fake: FakeGemini, agent: LoadedAgent) -> Iterator[str]:
    with launched(agent, request_retries=0, leave_grace=600) as url:
        yield url


@pytest.fixture
def page(url: str, gemini: FakeGemini, visitor: Visitor) -> Page:
    return visitor().open(url)


def two_chats(page: Page, gemini: FakeGemini) -> None:
    talk(page, gemini, "How is Rome?", "Sunny.")
    page.open_side_bar()
    page.press("New chat")
    page.shows()
    talk(page, gemini, "How is Oslo?", "Rainy.")
    page.lists("How is Oslo?", "How is Rome?")


def stored(agent: LoadedAgent) -> set[tuple[str, str]]:
    """Each session's user and id. (Playwright's loop is running, and so `run` cannot.)"""
    store = agent.runner.session_service
    assert isinstance(store, InMemorySessionService)
    users = store.sessions.get("test", {})
    return {(user, session) for user, sessions in users.items() for session in sessions}


def test_a_chat_is_opened_and_gone_on_with(page: Page, gemini: FakeGemini) -> None:
    two_chats(page, gemini)
    page.choose("How is Rome?")
    page.shows(("user", "How is Rome?"), ("model", "Sunny."))
    page.wait_idle()
    talk(page, gemini, "And tomorrow?", "Sunny too.")
    assert gemini.requests[-1].conversation == [
        ("user", "How is Rome?"),
        ("model", "Sunny."),
        ("user", "And tomorrow?"),
    ]
    page.reload()
    page.open_side_bar()
    page.lists("How is Rome?", "How is Oslo?")


def test_a_reload_shows_the_chat_that_was_on_the_page_even_if_it_is_not_the_newest(
    page: Page, gemini: FakeGemini
) -> None:
    home = page.tab.url
    two_chats(page, gemini)
    page.choose("How is Rome?")
    page.shows(("user", "How is Rome?"), ("model", "Sunny."))
    page.wait_idle()
    page.reload()
    page.shows(("user", "How is Rome?"), ("model", "Sunny."))
    assert page.tab.url == home
    other = page.another()
    other.shows(("user", "How is Oslo?"), ("model", "Rainy."))


def test_chats_are_searched_by_their_names(page: Page, gemini: FakeGemini) -> None:
    two_chats(page, gemini)
    page.search("rome")
    page.lists("How is Rome?")
    page.search("Paris")
    page.lists()
    expect(page.tab.get_by_text(NOT_FOUND)).to_be_visible(timeout=ACTION_TIMEOUT)
    page.search("nowhere")
    page.lists()
    page.search("")
    page.lists("How is Oslo?", "How is Rome?")


def test_a_name_that_was_given_stays(page: Page, gemini: FakeGemini) -> None:
    two_chats(page, gemini)
    page.rename("Weather")
    page.lists("Weather", "How is Rome?")
    gemini.enqueue("Snow.")
    page.retry()
    page.shows(("user", "How is Oslo?"), ("model", "Snow."))
    page.wait_idle()
    page.reload()
    page.open_side_bar()
    page.lists("Weather", "How is Rome?")


def test_a_deleted_chat_is_gone_from_the_store(
    page: Page, gemini: FakeGemini, agent: LoadedAgent
) -> None:
    before = len(stored(agent))
    two_chats(page, gemini)
    page.delete()
    page.lists("How is Rome?")
    page.shows()
    assert len(stored(agent)) == before + 1
    page.choose("How is Rome?")
    page.shows(("user", "How is Rome?"), ("model", "Sunny."))


def test_who_turns_to_another_chat_does_not_mean_to_delete_that(
    page: Page, gemini: FakeGemini
) -> None:
    page.open_side_bar()
    for question in ("older", "newer"):
        talk(page, gemini, question, "one")
        page.press("New chat")
        page.shows()
        page.wait_idle()
    page.choose("newer")
    page.shows(("user", "newer"), ("model", "one"))
    page.press("Delete this chat")
    really = page.tab.get_by_role("button", name="Really delete this chat")
    expect(really).to_be_visible(timeout=ACTION_TIMEOUT)
    page.choose("older")
    page.shows(("user", "older"), ("model", "one"))
    expect(really).to_be_hidden(timeout=ACTION_TIMEOUT)


def test_a_visitor_who_wants_to_be_forgotten_is(
    page: Page, gemini: FakeGemini, agent: LoadedAgent
) -> None:
    before = stored(agent)
    two_chats(page, gemini)
    page.press("Forget me")
    page.press("Really delete all my chats")
    page.lists()
    page.shows()
    assert stored(agent) == before
    page.reload()
    page.wait_idle()
    page.shows()


def test_a_running_answer_goes_on_while_another_chat_is_looked_at(
    page: Page, gemini: FakeGemini
) -> None:
    rest = threading.Event()
    talk(page, gemini, "How is Rome?", "Sunny.")
    page.open_side_bar()
    page.press("New chat")
    page.shows()
    gemini.enqueue("Once upon ", Until(rest), "a time.")
    page.send("A story")
    page.shows(("user", "A story"), ("model", "Once upon"))
    page.lists("A story", "How is Rome?")
    page.choose("How is Rome?")
    page.shows(("user", "How is Rome?"), ("model", "Sunny."))
    page.wait_idle()
    page.choose("A story")
    page.shows(("user", "A story"), ("model", "Once upon"))
    rest.set()
    page.shows(("user", "A story"), ("model", "Once upon a time."))
    page.wait_idle()
    assert len(gemini.requests) == 2


def test_another_visitors_chats_are_not_listed(
    page: Page, url: str, gemini: FakeGemini, visitor: Visitor
) -> None:
    talk(page, gemini, "I am Ann", "Hello, Ann.")
    bob = visitor().open(url)
    bob.open_side_bar()
    bob.lists()

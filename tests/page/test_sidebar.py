"""The side bar: a visitor's conversations, opened, searched, named and deleted."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from google.adk.sessions import InMemorySessionService
from playwright.sync_api import expect

from agent.chat.loader import LoadedAgent
from tests.support.app_setup import launched, loaded
from tests.support.browser import ACTION_TIMEOUT, Page, Visitor, talk
from tests.support.fake_gemini import FakeGemini, Until

pytestmark = pytest.mark.slow

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}

NOT_FOUND = "None of your chats has these words in its name."


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


@pytest.mark.parametrize("device", [{}, PHONE], ids=["laptop", "phone"])
def test_a_new_chat_is_one_press_away_while_the_side_bar_is_folded(
    url: str, gemini: FakeGemini, visitor: Visitor, device: dict[str, Any]
) -> None:
    page = visitor(**device).open(url)
    talk(page, gemini, "How is Rome?", "Sunny.")
    expect(page.tab.locator("#side-bar.open")).to_have_count(0)
    begin = page.tab.get_by_role("button", name="New chat")
    expect(begin).to_have_attribute("title", "New chat")
    begin.click()
    page.shows()
    talk(page, gemini, "How is Oslo?", "Rainy.")
    page.open_side_bar()
    page.lists("How is Oslo?", "How is Rome?")


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


@pytest.mark.thorough
def test_chats_are_searched_by_their_names(page: Page, gemini: FakeGemini) -> None:
    two_chats(page, gemini)
    page.search("rome")
    page.lists("How is Rome?")
    page.search("Paris")
    page.lists()
    expect(page.seen.get_by_text(NOT_FOUND)).to_be_visible(timeout=ACTION_TIMEOUT)
    page.search("nowhere")
    page.lists()
    page.search("")
    page.lists("How is Oslo?", "How is Rome?")


@pytest.mark.thorough
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


def test_a_chat_that_is_not_on_the_page_is_deleted_named_and_saved_there(
    page: Page, gemini: FakeGemini
) -> None:
    two_chats(page, gemini)
    page.pick("Rename", "How is Rome?")
    page.tab.keyboard.type("Italy")
    page.tab.keyboard.press("Enter")
    page.lists("Italy", "How is Oslo?")
    with page.tab.expect_download() as saved:
        page.pick("Save as Markdown", "Italy")
    assert saved.value.suggested_filename == "Italy.md"
    page.delete("Italy")
    page.lists("How is Oslo?")
    page.shows(("user", "How is Oslo?"), ("model", "Rainy."))
    talk(page, gemini, "And tomorrow?", "Rainy too.")


def test_a_menu_is_used_by_keys_and_gives_the_focus_back(page: Page, gemini: FakeGemini) -> None:
    two_chats(page, gemini)
    button = page.tab.get_by_role("button", name="What to do with “How is Rome?”")
    keyboard, item = page.tab.keyboard, page.tab.locator("[role=menuitem]:focus")
    button.press("Enter")
    expect(item).to_have_text("Rename", timeout=ACTION_TIMEOUT)
    for key, label in (("ArrowDown", "Share"), ("End", "Delete"), ("ArrowDown", "Rename")):
        keyboard.press(key)
        expect(item).to_have_text(label)
    keyboard.press("Escape")
    expect(page.tab.get_by_role("menu")).to_have_count(0)
    expect(button).to_be_focused()
    button.press("Space")
    keyboard.press("ArrowUp")
    keyboard.press("Enter")
    question = page.tab.get_by_role("dialog", name="Really delete “How is Rome?”?")
    expect(question.get_by_role("button", name="Cancel")).to_be_focused(timeout=ACTION_TIMEOUT)
    keyboard.press("Escape")
    expect(question).to_have_count(0)
    expect(button).to_be_focused()
    page.lists("How is Oslo?", "How is Rome?")
    button.press("Enter")
    keyboard.press("Enter")
    keyboard.type("Italy")
    keyboard.press("Escape")
    page.lists("How is Oslo?", "How is Rome?")
    expect(button).to_be_focused()


def test_chats_are_listed_by_the_days_of_the_visitor(
    url: str, gemini: FakeGemini, visitor: Visitor
) -> None:
    now = datetime.now(UTC)
    # Where it is between 11 and 12 in the evening: hours east of Greenwich, whose sign is turned.
    east = (23 - now.hour + 12) % 24 - 12
    page = visitor(timezone_id=f"Etc/GMT{-east:+}").open(url)
    talk(page, gemini, "Hi", "Hello.")
    page.open_side_bar()
    page.lists("Hi")
    day = page.tab.locator("#chats h2")
    expect(day).to_have_text(["Today"])
    month = f"{now + timedelta(hours=east):%B %Y}"
    for later, told in ((2, "Yesterday"), (26, "Last 7 days"), (24 * 40, month)):
        page.tab.clock.set_fixed_time(now + timedelta(hours=later))
        page.search("h")
        page.search("")
        expect(day).to_have_text([told])


def test_a_visitor_who_wants_to_be_forgotten_is(
    page: Page, gemini: FakeGemini, agent: LoadedAgent
) -> None:
    before = stored(agent)
    two_chats(page, gemini)
    page.forget()
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

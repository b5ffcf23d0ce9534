"""What an earlier version stored is opened: its database, and what it left in the browser.

`data/earlier_version.sql` is that version's whole database after a visitor's two chats, as text;
`data/earlier_version.json` has what the visitor's browser kept, what the pages showed, and what the
model was told when the same version went on with each chat. Chat B is plain, and the newer one. In
chat A is all that there is: a thought, a tool, answers that were stopped, broken off and refused,
and others that were taken back or asked for again; it was renamed, and shared when it was shorter.
"""

import json
import signal
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import expect

from tests.support.app_process import App
from tests.support.browser import ACTION_TIMEOUT, Bubble, Page, Visitor, talk
from tests.support.fake_gemini import FakeGemini

pytestmark = pytest.mark.slow

DATA = Path(__file__).with_name("data")

KEPT: dict[str, Any] = json.loads((DATA / "earlier_version.json").read_text(encoding="utf-8"))

NAME_B, NAME_A = KEPT["titles"]

# A hundred years in seconds: the chats are as old as that version.
AGES = "3153600000"

# What a visitor and the model said on a shared page.
SAID = """() => [...document.querySelectorAll("main > div:not(.note)")].map(
    said => [said.className === "asked" ? "user" : "model", said.innerText.trim()])"""


@pytest.fixture
def app(gemini: FakeGemini, tmp_path: Path) -> Iterator[App]:
    """This version, on the earlier one's database."""
    file = tmp_path / "chats.db"
    with closing(sqlite3.connect(file)) as store:
        store.executescript((DATA / "earlier_version.sql").read_text(encoding="utf-8"))
    app = App(SESSION_DB=f"sqlite:///{file}", SESSION_IDLE=AGES)
    yield app
    app.end(signal.SIGKILL)


@pytest.fixture
def page(app: App, visitor: Visitor) -> Page:
    """A new tab of the visitor's browser, which the earlier version knew."""
    entries = [{"name": name, "value": value} for name, value in KEPT["local_storage"].items()]
    origin = {"origin": app.url.rstrip("/"), "localStorage": entries}
    return visitor(storage_state={"cookies": [], "origins": [origin]})


def shown(chat: str) -> list[Bubble]:
    """What the earlier version showed of this chat."""
    return [(who, words) for who, words in KEPT[chat]["shown"]]


def told(chat: str) -> list[tuple[str, str]]:
    """What it told the model of it, before the next message."""
    return [(role, text) for role, text in KEPT[chat]["told"]]


def link(app: App) -> str:
    """The link that the visitor has given away."""
    return f"{app.url}shared/{KEPT['shared_token']}"


def open_chat_a(page: Page, app: App) -> None:
    """By its name, as the page opens on the newer one."""
    page.open(app.url)
    page.open_side_bar()
    page.lists(NAME_B, NAME_A)
    page.choose(NAME_A)
    page.shows(*shown("a"))
    page.wait_idle()


def test_the_page_opens_on_the_newest_chat_which_goes_on(
    app: App, page: Page, gemini: FakeGemini
) -> None:
    page.open(app.url)
    page.shows(*shown("b"))
    assert gemini.requests == []
    talk(page, gemini, "One more", "As you wish.")
    page.shows(*shown("b"), ("user", "One more"), ("model", "As you wish."))
    assert gemini.requests[-1].conversation == [*told("b"), ("user", "One more")]


def test_a_chat_with_all_that_there_is_goes_on_as_it_is_shown(
    app: App, page: Page, gemini: FakeGemini
) -> None:
    open_chat_a(page, app)
    talk(page, gemini, "One more", "As you wish.")
    seen = [*shown("a"), ("user", "One more"), ("model", "As you wish.")]
    page.shows(*seen)
    assert gemini.requests[-1].conversation == [*told("a"), ("user", "One more")]
    page.choose(NAME_B)
    page.shows(*shown("b"))
    page.wait_idle()
    page.choose(NAME_A)
    page.shows(*seen)


@pytest.mark.thorough
def test_its_last_answer_is_asked_for_again(app: App, page: Page, gemini: FakeGemini) -> None:
    open_chat_a(page, app)
    gemini.enqueue("Once more: you are welcome.")
    page.retry()
    page.shows(*shown("a")[:-1], ("model", "Once more: you are welcome."))
    assert gemini.requests[-1].conversation == told("a")[:-1]


@pytest.mark.thorough
def test_a_window_that_was_left_open_shows_its_chat_when_it_is_loaded_again(
    app: App, page: Page
) -> None:
    state = json.dumps(KEPT["a"]["history_state"])
    page.tab.add_init_script(f"history.state ?? history.replaceState({state}, '')")
    page.open(app.url)
    page.shows(*shown("a"))


def test_a_link_shows_what_was_shared_until_it_is_withdrawn(
    app: App, page: Page, visitor: Visitor
) -> None:
    reader = visitor().come(link(app))
    assert reader.tab.evaluate(SAID) == KEPT["shared"]
    open_chat_a(page, app)
    page.pick("Share")
    expect(page.link).to_have_value(link(app), timeout=ACTION_TIMEOUT)
    page.press("Stop sharing")
    expect(page.link).to_have_count(0, timeout=ACTION_TIMEOUT)
    assert httpx.get(link(app)).status_code == 404

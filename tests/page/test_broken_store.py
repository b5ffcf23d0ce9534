"""A page whose store is down: it works, says so, and finds everything again afterwards."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.chat.loader import LoadedAgent
from agent.core.notices import SENTENCES
from agent.stores.fallback import FallbackStore
from tests.support.app_setup import launched, loaded
from tests.support.broken_store import ALL, Store
from tests.support.browser import Page, Visitor
from tests.support.fake_gemini import FakeGemini

pytestmark = pytest.mark.slow


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(f"{tmp_path}/chats.db")


@pytest.fixture
def agent(gemini: FakeGemini, store: Store) -> LoadedAgent:
    what = loaded()
    what.runner.session_service = FallbackStore(store)
    return what


@pytest.fixture
def page(agent: LoadedAgent, visitor: Visitor) -> Iterator[Page]:
    with launched(agent) as url:
        page = visitor().open(url)
        yield page
        page.tab.close()  # While the server is there: what still runs would complain that it goes.


def test_a_visitor_finds_an_empty_page_that_works_and_later_all_again(
    page: Page, gemini: FakeGemini, store: Store
) -> None:
    gemini.enqueue("one")
    page.send("first")
    page.wait_idle()
    store.broken = ALL
    page.reload()
    page.wait_idle()
    page.shows()
    gemini.enqueue("two")
    page.send("second")
    seen = [("user", "second"), ("model", "two"), ("Note", SENTENCES["not_stored"])]
    page.shows(*seen)
    page.wait_idle()
    page.reload()
    page.shows(*seen)
    page.wait_idle()
    store.broken = ()
    page.open_side_bar()
    page.lists("second", "first")
    page.choose("first")
    page.shows(("user", "first"), ("model", "one"))
    page.wait_idle()

"""A page whose store is down: it works, says so, and finds everything again afterwards."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from browser import Page, chromium, visitor  # noqa: F401
from fake_gemini import FakeGemini
from house import launched, loaded
from test_broken_store import ALL, Store

from agent.conversation import NOT_STORED
from agent.loading import Loaded
from agent.spare_store import SpareStore

Visitor = Callable[..., Page]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(f"{tmp_path}/chats.db")


@pytest.fixture
def agent(gemini: FakeGemini, store: Store) -> Loaded:
    what = loaded()
    what.runner.session_service = SpareStore(store)
    return what


@pytest.fixture
def page(agent: Loaded, visitor: Visitor) -> Iterator[Page]:  # noqa: F811
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
    seen = [("user", "second"), ("model", "two"), ("Note", NOT_STORED)]
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

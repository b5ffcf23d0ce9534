"""A link to a conversation: whom it lets read what, and what ends it."""

import asyncio
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from google.adk.sessions import InMemorySessionService
from google.adk.sessions.sqlite_session_service import SqliteSessionService

from agent.api import api_app, share
from agent.api.share import NOT_SHARED
from agent.chat.agents import Agents
from agent.chat.loader import LoadedAgent
from agent.core.settings import Settings
from agent.core.visitor import is_visitor_id
from agent.page.page_state import PageState
from agent.render import export
from agent.stores.share_links import LINK_USER_ID
from tests.support.app_setup import UNLIMITED, loaded
from tests.support.scripted_model import ScriptedModel

GOES = (404, NOT_SHARED)


class House:
    """An app with its APIs, and a visitor's page of it, all in one loop."""

    def __init__(self, store: Any = None, **settings: Any) -> None:
        self.model = ScriptedModel()
        self.loaded: LoadedAgent = loaded(self.model)
        if store:
            self.loaded.runner.session_service = store
        self.store = self.loaded.runner.session_service
        agents = Agents(self.loaded, Settings(**{**UNLIMITED, **settings}))
        self.registry = agents.first
        app = httpx.ASGITransport(api_app(agents))
        self._client = httpx.AsyncClient(transport=app, base_url="http://test")

    def visitor(self) -> PageState:
        """One more, with a page that shows nothing."""
        return PageState(self.registry)

    async def say(
        self, page: PageState, question: str, answer: str, kept: int | None = None
    ) -> None:
        """One turn, in the place of all but the first `kept`."""
        self.model.enqueue(answer)
        await page.ask(question, len(page.screen.turn_ids) if kept is None else kept, "").finish()

    async def get(self, token: str | None) -> httpx.Response:
        """What the link shows."""
        return await self._client.get(f"/shared/{token}")

    async def read(self, token: str | None) -> tuple[int, str]:
        """The same: its status and its text."""
        answer = await self.get(token)
        return answer.status_code, answer.text

    async def links(self) -> list[str]:
        """The stored ones."""
        app = self.loaded.runner.app_name
        listed = await self.store.list_sessions(app_name=app, user_id=LINK_USER_ID)
        return [link.id for link in listed.sessions]


async def shared(house: House, page: PageState, answer: str = "Sunny.") -> str:
    """A conversation of one turn that is shared; its token."""
    await house.say(page, "How is Rome?", answer)
    await page.share()
    token = await page.token()
    assert token
    return token


async def test_whoever_has_the_link_reads_the_conversation() -> None:
    house = House()
    status, text = await house.read(await shared(house, house.visitor()))
    assert status == 200
    assert "How is Rome?" in text
    assert "Sunny." in text
    assert re.search(r"<time>20\d\d-\d\d-\d\d \d\d:\d\d UTC</time>", text)


async def test_a_shared_page_is_for_readers_alone() -> None:
    house = House()
    token = await shared(house, house.visitor())
    for answer in (await house.get(token), await house.get("x")):
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "script-src" not in policy
        assert "frame-ancestors 'none'" in policy
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert answer.headers["X-Robots-Tag"] == "noindex, nofollow"


async def test_what_is_said_after_sharing_is_read_once_it_is_shared_again() -> None:
    house = House()
    page = house.visitor()
    token = await shared(house, page)
    await house.say(page, "And my secret?", "Safe.")
    await page.rename("A secret")
    assert "ecret" not in (await house.read(token))[1]
    await page.share()
    assert await page.token() == token
    assert "And my secret?" in (await house.read(token))[1]
    assert "<title>A secret</title>" in (await house.read(token))[1]


async def test_what_is_taken_back_is_gone_from_the_link() -> None:
    house = House()
    page = house.visitor()
    await house.say(page, "First", "One.")
    await house.say(page, "Second", "Two.")
    await page.share()
    await house.say(page, "Third", "Three.", kept=1)
    text = (await house.read(await page.token()))[1]
    assert ("One." in text, "Two." in text, "Three." in text) == (True, False, False)


async def withdraw(house: House, page: PageState) -> None:
    await page.stop_sharing()


async def delete(house: House, page: PageState) -> None:
    await page.forget()


async def forget_me(house: House, page: PageState) -> None:
    await house.registry.forget_visitor(page.user_id)


@pytest.mark.parametrize("end", [withdraw, delete, forget_me])
async def test_nothing_is_left_of_a_link_that_is_ended(end: Callable[..., Any]) -> None:
    house = House()
    page = house.visitor()
    token = await shared(house, page)
    other = await shared(house, house.visitor(), "Mine.")
    assert len(await house.links()) == 2
    await end(house, page)
    assert await house.read(token) == GOES
    assert "Mine." in (await house.read(other))[1]
    assert len(await house.links()) == 1


async def test_a_link_to_nothing_but_what_was_taken_back_shows_nothing() -> None:
    house = House()
    page = house.visitor()
    token = await shared(house, page)
    await house.say(page, "New", "Other.", kept=0)
    assert await house.read(token) == GOES


class Store(InMemorySessionService):
    """Tells when it has deleted a conversation."""

    def __init__(self) -> None:
        super().__init__()
        self.deleted = asyncio.Event()

    async def delete_session(self, **session: Any) -> None:
        await super().delete_session(**session)
        if session["user_id"] != LINK_USER_ID:
            self.deleted.set()


async def test_a_conversation_that_makes_room_takes_its_link_along() -> None:
    house = House(store := Store(), max_conversations=1)
    token = await shared(house, house.visitor())
    await house.say(house.visitor(), "Hi", "Hello.")
    await asyncio.wait_for(store.deleted.wait(), 20)
    assert await house.links() == []
    assert await house.read(token) == GOES


async def test_a_withdrawn_link_stays_dead_when_the_conversation_is_shared_anew() -> None:
    house = House()
    page = house.visitor()
    old = await shared(house, page)
    await page.stop_sharing()
    await page.share()
    assert await house.read(old) == GOES
    assert (await house.read(await page.token()))[0] == 200


async def test_a_token_tells_no_ids_and_leads_to_no_other() -> None:
    house = House()
    ann, bob = house.visitor(), house.visitor()
    one, two = await shared(house, ann), await shared(house, bob)
    for id in (ann.user_id, ann.session_id):
        assert str(id).removeprefix("visitor-") not in one
    assert one[:32] != two[:32]
    assert one[32:] != two[32:]
    for wrong in (one[:32] + two[32:], two[:32] + one[32:], one[:32], one[:-1], one + "x"):
        assert await house.read(wrong) == GOES


@pytest.mark.parametrize("token", ["", "x", "%00", "a" * 54, "a" * 9000, "..%2F..", "é" * 54])
async def test_whatever_else_is_no_link(token: str) -> None:
    status, text = await House().read(token)
    assert status == 404
    assert "<" not in text


async def test_nobody_else_can_withdraw_a_link_or_look_it_up() -> None:
    house = House()
    ann = house.visitor()
    token = await shared(house, ann)
    bob = PageState(house.registry, session_id=ann.session_id)
    assert await bob.token() is None
    await bob.stop_sharing()
    assert (await house.read(token))[0] == 200


async def test_what_has_no_words_yet_is_not_shared() -> None:
    house = House()
    page = house.visitor()
    await page.share()
    await page.conversation()
    await page.share()
    assert await page.token() is None
    assert await house.links() == []


async def test_a_link_outlasts_a_restart_and_is_the_same_for_all_replicas(tmp_path: Path) -> None:
    one, two = (House(SqliteSessionService(str(tmp_path / "chats.db"))) for _ in "12")
    page = one.visitor()
    token = await shared(one, page)
    assert "Sunny." in (await two.read(token))[1]
    again = PageState(two.registry, page.user_id, page.session_id)
    assert await again.token() == token
    await again.share()
    await again.stop_sharing()
    assert await one.read(token) == GOES


def test_no_visitor_can_be_called_as_the_owner_of_links_is() -> None:
    assert not is_visitor_id(LINK_USER_ID)


# The page behind a link


async def test_a_shared_page_is_rendered_once_for_all_who_read_it_as_it_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rendered: list[int] = []
    to_html = export.to_html

    def counted(turns: Any, *more: Any, **look: Any) -> str:
        rendered.append(len(turns))
        return to_html(turns, *more, **look)

    monkeypatch.setattr(export, "to_html", counted)
    house = House()
    page = house.visitor()
    await house.say(page, "Hi", "Hello.")
    await page.share()
    token = await page.token()
    pages = await asyncio.gather(*(house.get(token) for _ in range(20)))
    assert {page.status_code for page in pages} == {200}
    assert rendered == [1]
    await house.say(page, "And?", "Yes.")
    await page.share()
    assert "Yes." in (await house.get(token)).text
    assert (await house.get(token)).status_code == 200
    assert rendered == [1, 2]
    await page.stop_sharing()
    assert await house.read(token) == GOES


async def test_no_more_pages_are_kept_than_there_is_room_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(share, "MAX_KEPT", 10)
    monkeypatch.setattr(export, "to_html", lambda turns, title, agent, accent: title * 4)
    pages = share.SharedPages()
    for token in "abc":
        assert await pages.page(token, [], token, "helper") == token * 4
    assert list(pages._kept) == [("b", "en"), ("c", "en")]
    assert await pages.page("d", [], "long", "helper") == "long" * 4
    assert list(pages._kept) == []

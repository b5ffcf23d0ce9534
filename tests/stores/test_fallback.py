"""A store that fails, at any step: the chat goes on in memory, and says so."""

import asyncio
import logging
import threading
import uuid
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any

import gradio as gr
import httpx
import pytest
from google.adk.events import Event
from google.adk.sessions import DatabaseSessionService, InMemorySessionService, Session
from google.adk.sessions.sqlite_session_service import SqliteSessionService

from agent.chat.agents import Agents
from agent.chat.loader import LoadedAgent
from agent.chat.registry import Registry
from agent.core.notices import SENTENCES
from agent.core.question import Screen
from agent.core.settings import Settings
from agent.core.transcript import answer, notices
from agent.page.controls import clear
from agent.page.page_state import PageState, open_last
from agent.page.sidebar import forget_me
from agent.stores import fallback
from agent.stores.fallback import FallbackStore, StoreUnavailable
from tests.support.app_setup import UNLIMITED, launched, loaded
from tests.support.broken_store import ALL, Store
from tests.support.scripted_model import ScriptedModel, call, contents


class House:
    """An app with such a store, without a page."""

    def __init__(self, store: SqliteSessionService, history: int = 100, **agent: Any) -> None:
        self.model, self.store = ScriptedModel(), store
        self.loaded = agent_in(store, self.model, **agent)
        self.agents = Agents(self.loaded, Settings(**UNLIMITED, history_events=history))
        self.registry = self.agents.first

    async def says(self, page: PageState, message: str, *steps: Any) -> list[str]:
        """One turn; the app's own sentences in it."""
        if steps:
            self.model.enqueue(*steps)
        turn = page.ask(message, len(page.screen.turn_ids), "1.2.3.4")
        await turn.finish()
        assert answer(turn.transcript) == "".join(step for step in steps if isinstance(step, str))
        return notices(turn.transcript)

    def told(self) -> list[str]:
        """What the model was told at last."""
        return [text for _, text in contents(self.model.requests[-1])]


def agent_in(store: SqliteSessionService, model: ScriptedModel, **agent: Any) -> LoadedAgent:
    what = loaded(model, **agent)
    what.runner.session_service = FallbackStore(store)
    return what


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(f"{tmp_path}/chats.db")


async def shown(page: PageState) -> list[tuple[str, str]]:
    """What a page shows that is opened on it."""
    replayed: AsyncIterator[Any] = page.replay()
    told = [told async for told, _ in replayed][-1]
    return [(turn.question, answer(turn.transcript)) for turn in told]


async def stored(store: Store, page: PageState) -> list[str]:
    """What the real store has of the conversation."""
    key = {"app_name": "test", "user_id": page.user_id, "session_id": str(page.session_id)}
    session = await SqliteSessionService.get_session(store, **key)  # type: ignore[arg-type]
    events = session.events if session else []
    return ["".join(p.text or "" for p in e.content.parts or []) for e in events if e.content]


async def at_rest() -> None:
    """Wait for aiosqlite's threads: one whose file cannot be opened outlives the attempt."""
    for thread in threading.enumerate():
        if "_connection_worker_thread" in thread.name:
            await asyncio.to_thread(thread.join)


async def test_a_file_that_cannot_be_opened_gives_a_chat_in_memory_that_says_so_once() -> None:
    house = House(SqliteSessionService("/nowhere/at/all/chats.db"))
    page = PageState(house.registry)
    assert await house.says(page, "first", "one") == [SENTENCES["not_stored"]]
    assert await house.says(page, "second", "two") == []
    assert house.told() == ["first", "one", "second"]
    again = await open_last(house.registry, page.user_id)
    assert await shown(again) == [("first", "one"), ("second", "two")]
    await at_rest()


async def test_what_a_read_only_file_holds_is_remembered_and_what_comes_is_not_stored(
    tmp_path: Path,
) -> None:
    writable = House(Store(f"{tmp_path}/chats.db"))
    page = PageState(writable.registry)
    assert await writable.says(page, "first", "one") == []
    house = House(SqliteSessionService(f"sqlite:///{tmp_path}/chats.db?mode=ro"))
    again = await open_last(house.registry, page.user_id)
    assert await shown(again) == [("first", "one")]
    assert await house.says(again, "second", "two") == [SENTENCES["not_stored"]]
    assert house.told() == ["first", "one", "second"]
    assert await house.says(again, "third", "three") == []
    assert house.told() == ["first", "one", "second", "two", "third"]
    assert await stored(writable.store, page) == ["first", "one"]  # type: ignore[arg-type]


async def test_a_disk_that_gets_full_in_the_midst_of_a_turn_takes_nothing_from_it(
    store: Store,
) -> None:
    def fill() -> str:
        """Fill the disk."""
        store.broken = ("append_event", "create_session", "delete_session")
        return "full"

    house = House(store, tools=[fill])
    page = PageState(house.registry)
    await house.says(page, "first", "one")
    house.model.enqueue(call("fill"))
    assert await house.says(page, "second", "two") == [SENTENCES["not_stored"]]
    assert await shown(page) == [("first", "one"), ("second", "two")]
    assert await house.says(page, "third", "three") == []
    assert house.told()[:3] + house.told()[-2:] == ["first", "one", "second", "two", "third"]


async def test_a_database_that_goes_down_in_the_midst_of_a_turn_leaves_what_the_model_knew(
    store: Store,
) -> None:
    def pull_the_plug() -> str:
        """End the database."""
        store.broken = ALL
        return "dark"

    house = House(store, tools=[pull_the_plug])
    page = PageState(house.registry)
    await house.says(page, "first", "one")
    house.model.enqueue(call("pull_the_plug"))
    assert await house.says(page, "second", "two") == [SENTENCES["not_stored"]]
    assert await shown(page) == [("first", "one"), ("second", "two")]
    store.broken = ()
    assert await house.says(page, "third", "three") == []  # It stays in memory, whole.
    assert [chat.id for chat in await page.chats()] == [page.session_id]


async def test_an_event_that_was_stored_though_its_store_failed_is_not_doubled(
    store: Store,
) -> None:
    async def append_and_fail(session: Session, event: Event) -> Event:
        await SqliteSessionService.append_event(store, session, event)
        raise TimeoutError

    house = House(store)
    page = PageState(house.registry)
    await house.says(page, "first", "one")
    store.append_event = append_and_fail  # type: ignore[method-assign]
    assert await house.says(page, "second", "two") == [SENTENCES["not_stored"]]
    assert await shown(page) == [("first", "one"), ("second", "two")]


async def test_what_cannot_be_recalled_is_told_of_and_comes_back_later(store: Store) -> None:
    house = House(store)
    page = PageState(house.registry)
    await house.says(page, "first", "one")
    before, store.broken = page.session_id, ALL
    page.registry = Registry(house.loaded, Settings(**UNLIMITED))  # As after a restart.
    assert await shown(page) == [("", "")]
    assert page.session_id is None
    page.turn_to(before)
    page._screen = Screen((before,))
    assert await house.says(page, "second", "two") == [
        SENTENCES["not_recalled"],
        SENTENCES["not_stored"],
    ]
    assert house.told() == ["second"]
    assert await house.says(page, "third", "three") == []
    assert house.told() == ["second", "two", "third"]
    store.broken = ()
    assert {chat.id for chat in await page.chats()} == {before, page.session_id}
    page.turn_to(before)
    assert await shown(page) == [("first", "one")]


async def test_a_visitor_who_comes_while_the_store_is_down_is_known_again_later(
    store: Store,
) -> None:
    house = House(store)
    page = PageState(house.registry)
    await house.says(page, "first", "one")
    store.broken = ALL
    meanwhile = await open_last(house.registry, page.user_id)
    assert (meanwhile.user_id, meanwhile.session_id) == (page.user_id, None)
    assert await meanwhile.chats() == []
    store.broken = ()
    assert await shown(await open_last(house.registry, page.user_id)) == [("first", "one")]


async def test_a_name_that_was_not_given_here_is_not_taken_while_the_store_is_down(
    store: Store,
) -> None:
    store.broken = ALL
    assert (await open_last(House(store).registry, "user")).user_id != "user"


async def test_new_chats_are_stored_again_once_the_store_works(store: Store) -> None:
    house, store.broken = House(store), ALL
    assert await house.says(PageState(house.registry), "first", "one") == [SENTENCES["not_stored"]]
    store.broken = ()
    page = PageState(house.registry)
    assert await house.says(page, "second", "two") == []
    assert await stored(store, page) == ["second", "two"]


async def test_visitors_are_apart_in_memory_too(store: Store) -> None:
    house, store.broken = House(store), ALL
    ann, bob = PageState(house.registry), PageState(house.registry)
    await house.says(ann, "I am Ann", "Hello, Ann.")
    await house.says(bob, "Who am I?", "I do not know.")
    assert house.told() == ["Who am I?"]
    assert [chat.id for chat in await bob.chats()] == [bob.session_id]
    store.broken = ()
    bob.turn_to(ann.session_id)
    assert await shown(bob) == []


async def test_what_the_model_was_not_shown_is_kept_too_when_the_disk_gets_full(
    store: Store,
) -> None:
    house = House(store, history=2)
    page = PageState(house.registry)
    for message in ("first", "second", "third"):
        await house.says(page, message, "yes")
    store.broken = ("append_event", "create_session", "delete_session")
    assert await house.says(page, "fourth", "yes") == [SENTENCES["not_stored"]]
    assert house.told() == ["third", "yes", "fourth"]
    assert [question for question, _ in await shown(page)] == [
        *("first", "second", "third", "fourth")
    ]


async def test_a_chat_that_moved_to_memory_is_deleted_in_both_places(store: Store) -> None:
    house = House(store)
    page = PageState(house.registry)
    await house.says(page, "first", "one")
    store.broken = ("append_event",)
    await house.says(page, "second", "two")
    store.broken = ()
    assert await stored(store, page) == ["first", "one"]
    gone = PageState(house.registry, page.user_id, page.session_id)
    await page.forget()
    assert await stored(store, gone) == []
    assert await page.chats() == []


async def test_a_chat_in_memory_can_be_deleted(store: Store) -> None:
    house, store.broken = House(store), ALL
    page = PageState(house.registry)
    await house.says(page, "first", "one")
    await page.forget()
    assert await page.chats() == []


async def test_nothing_is_said_to_be_deleted_that_is_still_stored(store: Store) -> None:
    house = House(store)
    page = PageState(house.registry)
    await house.says(page, "first", "one")
    store.broken = ALL
    with pytest.raises(StoreUnavailable):
        await house.registry.forget_visitor(page.user_id)
    with pytest.raises(StoreUnavailable):
        await page.forget()
    for step in (clear, partial(forget_me, house.agents)):
        with pytest.raises(gr.Error, match="does not answer at the moment"):
            await step(page)
    assert await stored(store, page) == ["first", "one"]


async def test_a_store_that_hangs_holds_nobody_up(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fallback, "STORE_TIMEOUT", 0.05)
    house, store.broken, store.hangs = House(store), ALL, True
    assert await house.says(PageState(house.registry), "first", "one") == [SENTENCES["not_stored"]]


async def test_of_all_who_wait_for_a_connection_one_asks_again_and_all_are_served() -> None:
    asked: list[asyncio.Task[Any] | None] = []

    class Full(InMemorySessionService):
        """A database whose connections are all in use at the first 8 tries."""

        async def get_session(self, **key: Any) -> None:
            asked.append(asyncio.current_task())
            if len(asked) <= 8:
                raise ConnectionError("FATAL: sorry, too many clients already")

    store = FallbackStore(Full())
    async with asyncio.TaskGroup() as group:
        for _ in range(5):
            group.create_task(store.get_session(app_name="test", user_id="ann", session_id="1"))
    assert not store.fails
    refused = asked[:8]
    assert sorted(refused.count(task) for task in set(refused)) == [1, 1, 1, 1, 4]
    assert len(asked) == 13


async def test_the_host_is_told_once_and_never_what_was_said_or_a_password(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        house, store.broken = House(store), ("create_session", "append_event")
        for _ in range(2):
            await house.says(PageState(house.registry), "a secret", "one")
        store.broken = ()
        await house.says(PageState(house.registry), "a secret", "one")
    assert [record.message for record in caplog.records] == [
        "The session store fails (OSError): chats are kept in memory.",
        "The session store works again: new chats are stored.",
    ]


async def test_a_read_only_file_is_called_that_in_the_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    await Store(f"{tmp_path}/chats.db").list_sessions(app_name="test")
    house = House(SqliteSessionService(f"sqlite:///{tmp_path}/chats.db?mode=ro"))
    await house.says(PageState(house.registry), "first", "one")
    assert "(SQLITE_READONLY)" in caplog.text


@pytest.mark.slow
def test_an_app_that_cannot_store_is_alive_but_not_ready(store: Store) -> None:
    model = ScriptedModel()
    with launched(agent_in(store, model)) as url:
        assert httpx.get(f"{url}readyz").status_code == 200
        store.broken = ("append_event", "create_session", "delete_session")
        model.enqueue("one")
        said = httpx.post(f"{url}chat/stream", json={"query": "first"}, timeout=20).text
        assert '{"text":"one"}' in said.replace(": ", ":")
        assert httpx.get(f"{url}readyz").status_code == 503
        assert httpx.get(f"{url}healthz").status_code == 200
        store.broken = ()
        assert httpx.get(f"{url}readyz").status_code == 200


@pytest.mark.slow
def test_a_session_that_cannot_be_looked_up_is_refused_in_a_sentence(store: Store) -> None:
    with launched(agent_in(store, ScriptedModel())) as url:
        store.broken = ALL
        question = {"query": "first", "session_id": str(uuid.uuid4())}
        refused = httpx.post(f"{url}chat/stream", json=question, timeout=20)
        assert (refused.status_code, refused.json()) == (503, {"detail": str(StoreUnavailable())})


# A store that is deleted while the app runs


def remove_all(place: Path) -> None:
    """Delete the files in a folder."""
    for file in place.iterdir():
        file.unlink()


@pytest.mark.parametrize("folder", [False, True], ids=["the file", "with its folder"])
async def test_a_deleted_file_is_made_again_and_chats_are_stored_in_it(
    tmp_path: Path, folder: bool
) -> None:
    place = tmp_path / ".adk"
    place.mkdir()
    store = Store(f"{place}/chats.db")
    house = House(store)
    earlier = PageState(house.registry)
    assert await house.says(earlier, "first", "one") == []
    remove_all(place)
    if folder:
        place.rmdir()
    page = PageState(house.registry)
    assert await house.says(page, "second", "two") == []
    assert await stored(store, page) == ["second", "two"]
    assert not house.loaded.runner.session_service.fails  # type: ignore[attr-defined]
    assert await house.says(earlier, "third") == [SENTENCES["session_gone"]]
    await house.says(earlier, "third", "three")
    assert await stored(store, earlier) == ["third", "three"]
    await at_rest()


async def test_a_deleted_database_is_made_again(tmp_path: Path) -> None:
    pytest.importorskip("sqlalchemy")
    from google.adk.sessions import DatabaseSessionService

    house = House(DatabaseSessionService(f"sqlite+aiosqlite:///{tmp_path}/chats.db"))  # type: ignore[arg-type]
    assert await house.says(PageState(house.registry), "first", "one") == []
    remove_all(tmp_path)
    page = PageState(house.registry)
    assert await house.says(page, "second", "two") == []
    key = {"app_name": "test", "user_id": page.user_id, "session_id": str(page.session_id)}
    assert await house.store.get_session(**key)  # type: ignore[arg-type]
    await house.store.db_engine.dispose()  # type: ignore[attr-defined]


@pytest.mark.parametrize("service", ["adk", "sqlalchemy"])
async def test_a_file_is_written_to_by_one_at_a_time(service: str, tmp_path: Path) -> None:
    file = tmp_path / "chats.db"
    database = DatabaseSessionService(f"sqlite+aiosqlite:///{file}")
    real = database if service == "sqlalchemy" else SqliteSessionService(str(file))
    writing, most = 0, 0
    create = real.create_session

    async def counted(**what: Any) -> Session:
        nonlocal writing, most
        writing += 1
        most = max(most, writing)
        try:
            return await create(**what)
        finally:
            writing -= 1

    real.create_session = counted  # type: ignore[method-assign]
    store = FallbackStore(real)
    key: dict[str, Any] = {"app_name": "test", "user_id": "ann"}
    await asyncio.gather(*(store.create_session(**key, session_id=str(n)) for n in range(20)))
    assert (most, len((await store.list_sessions(**key)).sessions)) == (1, 20)
    await database.close()

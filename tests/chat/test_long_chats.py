"""A long conversation costs no more per turn than a short one: its store is never read in whole."""

import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import pytest
from google.adk.events import Event
from google.adk.sessions import Session
from google.adk.sessions.sqlite_session_service import SqliteSessionService
from google.genai import types

from agent.chat.registry import Registry
from agent.core.settings import Settings
from agent.core.transcript import answer
from agent.page.page_state import PageState
from agent.stores.fallback import FallbackStore
from tests.support.app_setup import UNLIMITED, loaded
from tests.support.scripted_model import ScriptedModel, contents

SESSION = "00000000-0000-4000-8000-000000000000"
KEY: dict[str, Any] = {"app_name": "test", "user_id": f"visitor-{SESSION}", "session_id": SESSION}

HISTORY = Settings().history_events


class CountingStore(SqliteSessionService):
    """SQLite that counts the events it reads, call by call."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.reads: list[int] = []

    async def get_session(self, **session: Any) -> Session | None:
        found = await super().get_session(**session)
        self.reads.append(len(found.events) if found else 0)
        return found


async def fill(store: SqliteSessionService, path: Path, turns: int) -> None:
    """Have so many turns of two events in the store; all at once, for the store itself would take
    a transaction for each."""
    await store.create_session(**KEY)
    with closing(sqlite3.connect(path)) as file, file:
        file.executemany("INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?)", rows(turns))


def rows(turns: int) -> Iterator[tuple[Any, ...]]:
    for number in range(turns):
        for author, role in (("user", "user"), ("helper", "model")):
            content = types.Content(role=role, parts=[types.Part(text=f"{role} {number}")])
            event = Event(invocation_id=f"e-{number}", author=author, content=content)
            told = event.model_dump_json(exclude_none=True)
            yield event.id, *KEY.values(), event.invocation_id, event.timestamp, told


class Chat:
    """The visitor's page, which shows the whole conversation."""

    def __init__(self, store: CountingStore, **settings: Any) -> None:
        self.store, self.model = store, ScriptedModel()
        what = loaded(self.model)
        what.runner.session_service = FallbackStore(store)
        registry = Registry(what, Settings(**UNLIMITED, **settings))
        self.page = PageState(registry, KEY["user_id"], SESSION)

    async def reads(self, message: str, undone: int = 0) -> list[int]:
        """One turn, below all that is shown but the last ones; the events of each read."""
        self.store.reads.clear()
        self.model.enqueue("yes")
        turn = self.page.ask(message, len(self.page.screen.turn_ids) - undone, "1.2.3.4")
        assert answer(await turn.finish()) == "yes"
        return self.store.reads


@asynccontextmanager
async def chat_of(turns: int, folder: Path, **settings: Any) -> AsyncIterator[Chat]:
    path = folder / "chats.db"
    store = CountingStore(str(path))
    await fill(store, path, turns)
    chat = Chat(store, **settings)
    [_ async for _ in chat.page.replay()]
    assert chat.page.screen.hidden + len(chat.page.screen.turn_ids) == turns
    yield chat


@pytest.mark.parametrize("turns", [200, 1000])
async def test_an_ordinary_turn_reads_no_more_than_the_model_is_shown(
    turns: int, tmp_path: Path
) -> None:
    async with chat_of(turns, tmp_path) as chat:
        for message in ("again", "and again"):
            reads = await chat.reads(message)
            assert [events for events in reads if events] == [HISTORY]
            assert len(reads) <= 5
        told = [text for _, text in contents(chat.model.requests[-1])]
        assert told[-4:] == [f"model {turns - 1}", "again", "yes", "and again"]


async def test_the_first_turn_after_a_retry_reads_all_and_the_next_no_more_than_is_shown(
    tmp_path: Path,
) -> None:
    async with chat_of(200, tmp_path) as chat:
        assert max(await chat.reads("in other words", undone=1)) == 400
        assert sorted(await chat.reads("go on"))[-2:] == [0, HISTORY + 3]
        told = [text for _, text in contents(chat.model.requests[-1])]
        assert told[-4:] == ["model 198", "in other words", "yes", "go on"]


async def test_a_host_decides_how_much_that_is(tmp_path: Path) -> None:
    async with chat_of(200, tmp_path, history_events=10) as chat:
        assert sum(await chat.reads("again")) == 10

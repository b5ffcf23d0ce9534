"""What is deleted or taken back is gone everywhere: session, ADK's memory, user state, files."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from google.adk.agents.callback_context import CallbackContext
from google.adk.artifacts import FileArtifactService
from google.adk.events import Event
from google.adk.memory._sqlite_memory_service import SqliteMemoryService
from google.adk.sessions import BaseSessionService, DatabaseSessionService
from google.adk.sessions.sqlite_session_service import SqliteSessionService
from google.adk.tools import ToolContext, load_memory
from google.genai import types

from agent.chat.registry import Registry
from agent.core.settings import Settings
from agent.core.transcript import answer
from agent.page.page_state import PageState
from agent.stores import user_state
from agent.stores.cleanup import InMemoryStore
from agent.stores.fallback import FallbackStore, StoreUnavailable
from agent.stores.host_memory import HostMemory
from tests.support.app_setup import UNLIMITED, loaded, until
from tests.support.scripted_model import ScriptedModel, call, contents

STORES = ["memory", "sqlite", "database"]


async def remember(callback_context: CallbackContext) -> None:
    """As ADK's own samples do after each turn."""
    await callback_context.add_session_to_memory()


async def remember_events(callback_context: CallbackContext) -> None:
    """The same by the newer way."""
    await callback_context.add_events_to_memory(events=callback_context.session.events)


async def note(text: str, tool_context: ToolContext) -> str:
    """Note something down about the user, for all chats and for this one."""
    tool_context.state["user:note"] = text
    for name in ("user:notes.txt", "note.txt"):
        await tool_context.save_artifact(name, types.Part.from_text(text=text))
    return "noted"


@pytest.fixture(params=STORES)
async def real(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[BaseSessionService]:
    file = tmp_path / "chats.db"
    if request.param == "memory":
        yield InMemoryStore()
    elif request.param == "sqlite":
        yield SqliteSessionService(str(file))
    else:
        store = DatabaseSessionService(f"sqlite+aiosqlite:///{file}")
        yield store
        await store.close()


@pytest.fixture(params=["session", "events", "in a file"])
def house(request: pytest.FixtureRequest, real: BaseSessionService, tmp_path: Path) -> "House":
    way = remember_events if request.param == "events" else remember
    house = House(real, tmp_path, way)
    if request.param == "in a file":
        in_file = SqliteMemoryService(tmp_path / "memory.db")
        house.runner.memory_service = HostMemory(in_file, house.runner.session_service)
    return house


class House:
    """An app whose agent remembers what is said to it."""

    def __init__(self, real: BaseSessionService, folder: Path, remember: Any = remember) -> None:
        self.model, self._file = ScriptedModel(), folder / "chats.db"
        tools = [load_memory, note]
        what = loaded(self.model, tools=tools, after_agent_callback=remember)
        self.runner = what.runner
        self.runner.session_service = FallbackStore(real)
        self.artifacts = self.runner.artifact_service = FileArtifactService(str(folder / "files"))
        self.folder = folder / "files"
        self.registry = Registry(what, Settings(**UNLIMITED))

    async def says(
        self, page: PageState, message: str, *steps: Any, above: int | None = None
    ) -> str:
        """One turn; its answer."""
        for step in steps or ("Yes.",):
            self.model.enqueue(step)
        count = len(page.screen.turn_ids) if above is None else above
        turn = page.ask(message, count, "")
        return answer(await turn.finish())

    async def recalls(self, page: PageState, words: str) -> str:
        """What the model is told that was said before, when it looks for these words."""
        await self.says(page, "Do you remember?", call("load_memory", query=words), "Well.")
        parts = self.model.requests[-1].contents[-1].parts or []
        return str(parts[0].function_response.response if parts[0].function_response else "")

    async def noted(self, page: PageState) -> tuple[str | None, list[str]]:
        """What is noted of the visitor: the state, and the names of files."""
        user: dict[str, Any] = {"app_name": "test", "user_id": page.user_id}
        state = await self.runner.session_service.get_user_state(**user)
        files = await self.artifacts.list_artifact_keys(**user, session_id=str(page.session_id))
        return state.get("note"), [name for name in files if name.startswith("user:")]

    def rows(self) -> list[str]:
        """The users of whom a database still has state."""
        with closing(sqlite3.connect(self._file)) as file:
            rows = file.execute("SELECT user_id, state FROM user_states")
            return [user for user, state in rows if state != "{}" or "visitor" in user]

    def files(self) -> list[str]:
        return [path.read_text() for path in self.folder.rglob("*") if path.is_file()]


async def test_a_deleted_chat_is_not_remembered_in_another(house: House) -> None:
    page = PageState(house.registry)
    await house.says(page, "My cat is called Tom")
    other = PageState(house.registry, page.user_id)
    assert "Tom" in await house.recalls(other, "cat")
    await page.forget()
    assert "Tom" not in await house.recalls(other, "cat")


async def test_what_is_taken_back_is_not_remembered(house: House) -> None:
    page = PageState(house.registry)
    await house.says(page, "My dog is called Rex")
    await house.says(page, "My cat is called Tom")
    await page.undo()
    assert "Tom" not in await house.recalls(page, "cat")
    # ADK has added the whole session once more after that turn.
    told = await house.recalls(PageState(house.registry, page.user_id), "cat dog")
    assert "Rex" in told
    assert "Tom" not in told


async def test_what_was_said_before_a_retry_is_not_remembered(house: House) -> None:
    page = PageState(house.registry)
    await house.says(page, "My dog is called Rex", "A good name.")
    await house.says(page, "My cat is called Tom", "A silly name.")
    await house.says(page, "My cat is called Tim", "A fine name.", above=1)
    told = await house.recalls(PageState(house.registry, page.user_id), "cat dog name")
    assert [word in told for word in ("Rex", "Tim", "Tom", "silly")] == [True, True, False, False]


async def test_of_who_is_forgotten_nothing_stays(house: House) -> None:
    page = PageState(house.registry)
    await house.says(page, "Note this", call("note", text="Tom, my cat"), "Noted.")
    await house.says(PageState(house.registry, page.user_id), "Hello")
    user: dict[str, Any] = {"app_name": "test", "user_id": page.user_id}
    store, memory = house.runner.session_service, house.runner.memory_service
    assert memory
    of_no_chat = Event(author="user", content=types.UserContent("A cat of no chat"))
    await memory.add_events_to_memory(**user, events=[of_no_chat])
    assert house.files() != []
    assert (await memory.search_memory(**user, query="cat")).memories != []
    await page.forget_visitor()
    assert (await store.list_sessions(**user)).sessions == []
    assert await store.get_user_state(**user) == {}
    assert (await memory.search_memory(**user, query="cat")).memories == []
    assert "Tom" not in "".join(house.files())


@pytest.mark.parametrize("real", ["sqlite"], indirect=True)
async def test_a_chat_stays_where_the_memory_of_it_cannot_be_deleted(
    real: BaseSessionService, tmp_path: Path
) -> None:
    house = House(real, tmp_path)
    memory = SqliteMemoryService(file := tmp_path / "memory.db")
    house.runner.memory_service = HostMemory(memory, house.runner.session_service)
    page = PageState(house.registry)
    await house.says(page, "My cat is called Tom")
    file.write_text("This is no database any more.")
    with pytest.raises(StoreUnavailable):
        await page.forget_visitor()
    assert await house.registry.chats(page.user_id)


@pytest.mark.parametrize("real", ["sqlite", "database"], indirect=True)
async def test_no_row_of_who_is_forgotten_stays_in_the_database(
    real: BaseSessionService, tmp_path: Path
) -> None:
    house = House(real, tmp_path)
    page = PageState(house.registry)
    await house.says(page, "Note this", call("note", text="Tom, my cat"), "Noted.")
    assert house.rows() == [page.user_id]
    await page.forget_visitor()
    assert house.rows() == []


async def test_without_adks_own_names_the_values_are_deleted(
    real: BaseSessionService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def is_gone(*_: object) -> bool:
        return False

    monkeypatch.setattr(user_state, "delete_user_row", is_gone)
    house = House(real, tmp_path)
    page = PageState(house.registry)
    await house.says(page, "Note this", call("note", text="Tom, my cat"), "Noted.")
    user: dict[str, Any] = {"app_name": "test", "user_id": page.user_id}
    await page.forget_visitor()
    assert not any((await real.get_user_state(**user)).values())
    assert (await real.list_sessions(**user)).sessions == []


@pytest.mark.parametrize("step", ["undo", "forget"])
async def test_what_a_turn_has_noted_of_the_visitor_goes_with_it(house: House, step: str) -> None:
    other = PageState(house.registry)
    await house.says(other, "Hello")
    page = PageState(house.registry, other.user_id)
    await house.says(page, "Hello")
    await house.says(page, "Note this", call("note", text="Tom, my cat"), "Noted.")
    assert await house.noted(other) == ("Tom, my cat", ["user:notes.txt"])
    await getattr(page, step)()
    assert await house.noted(other) == (None, [])
    assert [chat.id for chat in await other.chats()][-1] == other.session_id


@pytest.mark.parametrize("step", ["undo", "forget"])
async def test_what_was_noted_before_comes_back(house: House, step: str) -> None:
    other = PageState(house.registry)
    await house.says(other, "Note this", call("note", text="Tim, my dog"), "Noted.")
    page = PageState(house.registry, other.user_id)
    await house.says(page, "Hello")
    await house.says(page, "Note this", call("note", text="Tom, my cat"), "Noted.")
    await getattr(page, step)()
    assert await house.noted(other) == ("Tim, my dog", ["user:notes.txt"])
    await house.says(other, "And now?")
    await house.says(page, "And now?")


async def test_a_session_without_turns_is_deleted_too(house: House) -> None:
    page = PageState(house.registry)
    store = house.runner.session_service
    user: dict[str, Any] = {"app_name": "test", "user_id": page.user_id}
    session = await store.create_session(**user, state={"user:note": "Tom"})
    held = PageState(house.registry, page.user_id, session.id)
    await held.forget_visitor()
    assert (await store.list_sessions(**user)).sessions == []
    assert await store.get_user_state(**user) == {}


async def test_an_answer_that_runs_is_stopped_and_forgotten(house: House) -> None:
    page = PageState(house.registry)
    house.model.enqueue("Half ", asyncio.Event())
    turn = page.ask("My cat is called Tom", 0, "")
    await until(turn, "Half")
    await page.forget_visitor()
    assert turn.over
    other = PageState(house.registry)
    await house.says(other, "Hello")
    assert [text for _, text in contents(house.model.requests[-1])] == ["Hello"]

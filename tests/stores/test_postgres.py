"""Conversations in a real PostgreSQL: the first start, a restart, and a server that goes away."""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
from google.adk.cli.utils.service_factory import create_session_service_from_options

from agent.chat.registry import Registry
from agent.core.notices import SENTENCES
from agent.core.settings import Settings
from agent.core.transcript import answer, notices
from agent.page.page_state import PageState, open_last
from agent.stores.fallback import FallbackStore
from tests.support.app_process import ROOT, App
from tests.support.app_setup import UNLIMITED, loaded
from tests.support.fake_gemini import FakeGemini
from tests.support.postgres import PASSWORD, Postgres
from tests.support.scripted_model import ScriptedModel, contents

NAMES = "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' ORDER BY 1"


@asynccontextmanager
async def store_at(uri: str) -> AsyncIterator[FallbackStore]:
    real = create_session_service_from_options(base_dir=ROOT, session_service_uri=uri)
    yield FallbackStore(real, is_shared=True)
    await real.close()  # type: ignore[attr-defined]


@asynccontextmanager
async def directory_at(uri: str, model: ScriptedModel) -> AsyncIterator[Registry]:
    async with store_at(uri) as store:
        what = loaded(model)
        what.runner.session_service = store
        yield Registry(what, Settings(**UNLIMITED))


async def says(view: PageState, message: str) -> tuple[str, list[str]]:
    """One turn: the answer, and the app's own sentences."""
    turn = view.ask(message, len(view.screen.turn_ids), "1.2.3.4")
    await turn.finish()
    return answer(turn.transcript), notices(turn.transcript)


def model_that_says(*answers: str) -> ScriptedModel:
    return ScriptedModel(scripts=[[answer] for answer in answers])


async def test_the_first_start_makes_the_tables(postgres: Postgres, postgres_uri: str) -> None:
    async with directory_at(postgres_uri, model_that_says("one")) as registry:
        assert await says(PageState(registry), "first") == ("one", [])
    assert postgres.sql(postgres_uri.rpartition("/")[2], NAMES) == [
        *("adk_internal_metadata", "app_states", "events", "sessions", "user_states")
    ]


async def test_replicas_that_start_first_at_once_all_store(postgres_uri: str) -> None:
    async def start(number: int) -> bool:
        async with store_at(postgres_uri) as store:
            await store.create_session(app_name="test", user_id="ann", session_id=str(number))
            return store.fails

    assert await asyncio.gather(*map(start, range(4))) == [False] * 4
    async with store_at(postgres_uri) as store:
        listed = await store.list_sessions(app_name="test", user_id="ann")
        assert {session.id for session in listed.sessions} == {"0", "1", "2", "3"}


async def test_a_conversation_goes_on_after_a_restart(postgres_uri: str) -> None:
    model = model_that_says("one", "two")
    async with directory_at(postgres_uri, model) as registry:
        view = PageState(registry)
        await says(view, "first")
    async with directory_at(postgres_uri, model) as registry:
        again = await open_last(registry, view.user_id)
        [_ async for _ in again.replay()]
        assert await says(again, "second") == ("two", [])
    assert [text for _, text in contents(model.requests[-1])] == ["first", "one", "second"]


async def test_a_turn_leaves_nothing_but_the_conversation(
    postgres: Postgres, postgres_uri: str
) -> None:
    async with directory_at(postgres_uri, model_that_says("one")) as registry:
        view = PageState(registry)
        await says(view, "first")
        assert postgres.sql(postgres_uri.rpartition("/")[2], "SELECT user_id FROM sessions") == [
            view.user_id
        ]


async def test_a_server_that_goes_away_and_comes_back(
    postgres: Postgres, postgres_uri: str, caplog: pytest.LogCaptureFixture
) -> None:
    model = model_that_says("one", "two", "three", "four")
    async with directory_at(postgres_uri, model) as registry:
        view = PageState(registry)
        await says(view, "first")
        await asyncio.to_thread(postgres.stop)
        try:
            assert await says(view, "second") == (
                "two",
                [SENTENCES["not_recalled"], SENTENCES["not_stored"]],
            )
            assert await says(view, "third") == ("three", [])
        finally:
            await asyncio.to_thread(postgres.start)
        assert len(await view.chats()) == 2
        assert await says(PageState(registry), "fourth") == ("four", [])
    assert [line for line in caplog.messages if "session store" in line] == [
        "The session store fails (ConnectionRefusedError): chats are kept in memory.",
        "The session store works again: new chats are stored.",
    ]


def test_an_app_that_starts_without_its_database_serves_and_says_so(
    postgres: Postgres, postgres_uri: str, gemini: FakeGemini
) -> None:
    postgres.stop()
    try:
        app = App(SESSION_DB=postgres_uri)
        gemini.enqueue("one")
        said = httpx.post(f"{app.url}chat/stream", json={"query": "first"}, timeout=60).text
        ready = httpx.get(f"{app.url}readyz").status_code
    finally:
        postgres.start()
    assert ("one" in said, SENTENCES["not_stored"] in said, ready) == (True, True, 503)
    assert httpx.get(f"{app.url}readyz").status_code == 200
    app.end(signal.SIGKILL)
    log = "".join(app.said)
    assert log.count("The session store fails") == 1
    assert PASSWORD not in log

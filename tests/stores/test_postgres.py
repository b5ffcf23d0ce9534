"""Conversations in a real PostgreSQL: the first start, a restart, and a server that goes away."""

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import asyncpg
import httpx
import pytest
from google.adk.cli.utils.service_factory import create_session_service_from_options

from agent.chat.registry import Registry
from agent.chat.turn import Turn
from agent.core.notices import SENTENCES
from agent.core.settings import Settings
from agent.core.transcript import answer, notices
from agent.page.page_state import PageState, open_last
from agent.stores import fallback
from agent.stores.fallback import FallbackStore
from tests.support.app_process import ROOT, App
from tests.support.app_setup import UNLIMITED, loaded, until
from tests.support.fake_gemini import FakeGemini
from tests.support.postgres import PASSWORD, Postgres
from tests.support.scripted_model import ScriptedModel, contents, scripted

# SQLAlchemy drops the connections of a server that is gone, and does not close them.
pytestmark = [
    pytest.mark.filterwarnings("ignore:unclosed (transport|connection):ResourceWarning"),
    pytest.mark.filterwarnings("ignore:.*(Transport|Connection).__del__.*"),
]

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
        registry = Registry(what, Settings(**UNLIMITED))
        yield registry
        await registry._retention.close()  # Its sweep uses the store.


async def says(page: PageState, message: str) -> tuple[str, list[str]]:
    """One turn: the answer, and the app's own sentences."""
    turn = page.ask(message, len(page.screen.turn_ids), "1.2.3.4")
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
        page = PageState(registry)
        await says(page, "first")
    async with directory_at(postgres_uri, model) as registry:
        again = await open_last(registry, page.user_id)
        [_ async for _ in again.replay()]
        assert await says(again, "second") == ("two", [])
    assert [text for _, text in contents(model.requests[-1])] == ["first", "one", "second"]


async def test_a_turn_leaves_nothing_but_the_conversation(
    postgres: Postgres, postgres_uri: str
) -> None:
    async with directory_at(postgres_uri, model_that_says("one")) as registry:
        page = PageState(registry)
        await says(page, "first")
        assert postgres.sql(postgres_uri.rpartition("/")[2], "SELECT user_id FROM sessions") == [
            page.user_id
        ]


async def test_a_server_that_goes_away_and_comes_back(
    postgres: Postgres, postgres_uri: str, caplog: pytest.LogCaptureFixture
) -> None:
    model = model_that_says("one", "two", "three", "four")
    async with directory_at(postgres_uri, model) as registry:
        page = PageState(registry)
        await says(page, "first")
        await asyncio.to_thread(postgres.stop)
        try:
            assert await says(page, "second") == (
                "two",
                [SENTENCES["not_recalled"], SENTENCES["not_stored"]],
            )
            assert await says(page, "third") == ("three", [])
        finally:
            await asyncio.to_thread(postgres.start)
        assert len(await page.chats()) == 2
        assert await says(PageState(registry), "fourth") == ("four", [])
    assert [line for line in caplog.messages if "session store" in line] == [
        "The session store fails (ConnectionRefusedError): chats are kept in memory.",
        "The session store works again: new chats are stored.",
    ]


async def in_mid_turn(registry: Registry) -> tuple[PageState, Turn]:
    """A page with one whole turn, and the second of which "t" has been said."""
    page = PageState(registry)
    await says(page, "first")
    turn = page.ask("second", 1, "1.2.3.4")
    await until(turn, "t")
    return page, turn


async def test_a_restart_of_the_server_in_mid_turn_loses_nothing(
    postgres: Postgres, postgres_uri: str, caplog: pytest.LogCaptureFixture
) -> None:
    halfway = asyncio.Event()
    model = scripted(("one",), ("t", halfway, "wo"), ("three",))
    async with directory_at(postgres_uri, model) as registry:
        page, turn = await in_mid_turn(registry)
        await asyncio.to_thread(postgres.stop)
        await asyncio.to_thread(postgres.start)
        halfway.set()
        transcript = await turn.finish()
        assert (answer(transcript), notices(transcript)) == ("two", [])
        assert await says(page, "third") == ("three", [])
    async with directory_at(postgres_uri, model) as registry:
        again = await open_last(registry, page.user_id)
        shown = [told async for told, _ in again.replay()][-1]
        assert [(t.question, answer(t.transcript)) for t in shown] == [
            *(("first", "one"), ("second", "two"), ("third", "three"))
        ]
    assert "session store" not in caplog.text


async def test_a_server_that_goes_away_in_mid_turn_loses_nothing(
    postgres: Postgres, postgres_uri: str
) -> None:
    halfway = asyncio.Event()
    model = scripted(("one",), ("t", halfway, "wo"), ("three",))
    async with directory_at(postgres_uri, model) as registry:
        page, turn = await in_mid_turn(registry)
        await asyncio.to_thread(postgres.stop)
        try:
            halfway.set()
            transcript = await turn.finish()
        finally:
            await asyncio.to_thread(postgres.start)
        assert answer(transcript) == "two"
        assert notices(transcript)[-1] == SENTENCES["not_stored"]
        assert await says(page, "third") == ("three", [])


@pytest.fixture
def with_connections(postgres: Postgres, postgres_uri: str) -> Callable[[int], str]:
    """Gives a URI by which only so many connections can be had, from now on."""
    database = postgres_uri.rpartition("/")[2]
    postgres.sql(database, f"CREATE ROLE {database}_app LOGIN")
    postgres.sql(database, f"GRANT ALL ON SCHEMA public TO {database}_app")

    def limit(connections: int) -> str:
        postgres.sql(database, f"ALTER ROLE {database}_app CONNECTION LIMIT {connections}")
        return postgres_uri.replace("//chats:", f"//{database}_app:")

    return limit


async def test_visitors_wait_for_their_turn_at_few_connections(
    with_connections: Callable[[int], str], caplog: pytest.LogCaptureFixture
) -> None:
    async with directory_at(with_connections(2), model_that_says(*["yes"] * 30)) as registry:
        told = await asyncio.gather(*(says(PageState(registry), "Hi") for _ in range(30)))
    assert told == [("yes", [])] * 30
    assert "session store" not in caplog.text


async def test_without_a_connection_the_chat_goes_on_and_says_so_and_so_does_the_log_once(
    with_connections: Callable[[int], str],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(fallback, "STORE_TIMEOUT", 1.0)
    async with directory_at(with_connections(0), model_that_says(*["yes"] * 31)) as registry:
        told = await asyncio.gather(*(says(PageState(registry), "Hi") for _ in range(30)))
        assert told == [("yes", [SENTENCES["not_stored"]])] * 30
        with_connections(9)
        later = time.monotonic() + fallback.STORE_RETRY_INTERVAL
        monkeypatch.setattr(fallback, "monotonic", lambda: later)
        assert await says(PageState(registry), "again") == ("yes", [])
    assert [line for line in caplog.messages if "session store" in line] == [
        "The session store fails (TimeoutError): chats are kept in memory.",
        "The session store works again: new chats are stored.",
    ]


async def test_a_table_that_another_program_locks_costs_no_answer(
    postgres_uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fallback, "STORE_TIMEOUT", 1.0)
    async with directory_at(postgres_uri, model_that_says(*["yes"] * 41)) as registry:
        await says(PageState(registry), "first")
        other = await asyncpg.connect(postgres_uri.replace("+asyncpg", ""))
        lock = other.transaction()
        await lock.start()
        await other.execute("LOCK TABLE sessions, events IN ACCESS EXCLUSIVE MODE")
        pages = [PageState(registry) for _ in range(20)]
        told = await asyncio.gather(*(says(page, "more") for page in pages))
        assert told == [("yes", [SENTENCES["not_stored"]])] * 20
        await lock.rollback()
        await other.close()
        told = await asyncio.gather(*(says(page, "again") for page in pages))
        assert told == [("yes", [])] * 20


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

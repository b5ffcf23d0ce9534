"""The app is told to end while many answers run: each question and each word shown is stored."""

import asyncio
import signal
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from agent.core.notices import SENTENCES
from tests.support.app_process import App
from tests.support.fake_gemini import FakeGemini, Until
from tests.support.thorough import sample

pytestmark = pytest.mark.slow

# So many at once made SQLite refuse some, when they wrote in no order.
ANSWERS = 60

UNLIMITED = {"VISITOR_PER_MINUTE": "0", "DAILY_TURNS": "0", "DAILY_TOKENS": "0"}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "chats.db"


@pytest.fixture
def app(gemini: FakeGemini, file: Path) -> Iterator[App]:
    gemini.always("Once upon ", Until(threading.Event()))
    app = App(SESSION_DB=f"sqlite:///{file}", SHUTDOWN_TIMEOUT="60", **UNLIMITED)
    yield app
    app.end(signal.SIGKILL)


async def ask(app: App, until: asyncio.Semaphore, number: int) -> str:
    """Ask; all that comes of it. The semaphore is released at the first words."""
    said = []
    async with (
        httpx.AsyncClient(timeout=120) as http,
        http.stream("POST", f"{app.url}chat/stream", json={"query": f"number {number}"}) as stream,
    ):
        async for line in stream.aiter_lines():
            said.append(line)
            if "Once upon" in line:
                until.release()
    return "\n".join(said)


async def running(app: App, count: int) -> list[asyncio.Task[str]]:
    """So many answers, of each of which the first words have come."""
    speak = asyncio.Semaphore(0)
    tasks = [asyncio.create_task(ask(app, speak, number)) for number in range(count)]
    for _ in range(count):
        async with asyncio.timeout(60):
            await speak.acquire()
    return tasks


def chats(file: Path, words: str) -> int:
    """In how many chats these words are stored."""
    found = "SELECT COUNT(DISTINCT session_id) FROM events WHERE event_data LIKE ?"
    with closing(sqlite3.connect(file)) as store:
        return int(store.execute(found, [f"%{words}%"]).fetchone()[0])


@pytest.mark.parametrize("signum", sample([signal.SIGTERM, signal.SIGINT]))
async def test_what_was_asked_and_said_is_stored(app: App, file: Path, signum: int) -> None:
    begun = len(app.said)
    tasks = await running(app, ANSWERS)
    assert await asyncio.to_thread(app.end, signum) == 0
    told = await asyncio.gather(*tasks)
    assert app.said[begun:] == []
    assert all(SENTENCES["shut_down"] in said for said in told)
    stored = [chats(file, words) for words in ("number", "Once upon", "shut_down")]
    assert stored == [ANSWERS] * 3


async def test_of_an_app_that_is_killed_the_questions_are_there(app: App, file: Path) -> None:
    tasks = await running(app, ANSWERS)
    await asyncio.to_thread(app.end, signal.SIGKILL)
    await asyncio.gather(*tasks, return_exceptions=True)
    assert chats(file, "number") == ANSWERS


@pytest.mark.thorough
async def test_whoever_asks_twice_does_not_wait(app: App) -> None:
    begun = len(app.said)
    tasks = await running(app, 5)
    app.program.send_signal(signal.SIGTERM)
    assert await asyncio.to_thread(app.end, signal.SIGTERM) == 0
    await asyncio.gather(*tasks, return_exceptions=True)
    assert "Traceback" not in "".join(app.said[begun:])

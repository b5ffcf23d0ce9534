"""Thousands of short visits, through every API of the page, and what is left of them."""

import asyncio
import json
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import cycle, islice
from typing import Any

import httpx
import pytest

from tests.support.app_process import ROOT

pytestmark = pytest.mark.slow

AT_ONCE = 6

# Conversations that are kept.
MOST = 100

# Bytes that the process may have grown by for each of the latest visits: the allocator's, since
# nothing else is left.
GROWTH = 15_000


class Served:
    """A page in a process of its own."""

    def __init__(self, program: subprocess.Popen[str]) -> None:
        self._program = program
        self.url = self._line("Running on ").split()[-1]
        config = httpx.get(f"{self.url}config", timeout=60).json()
        self.functions = {
            function["api_name"]: function["id"] for function in config["dependencies"]
        }

    def held(self) -> dict[str, int]:
        """What the process holds now."""
        assert self._program.stdin
        self._program.stdin.write("\n")
        self._program.stdin.flush()
        told: dict[str, int] = json.loads(self._line("{"))
        return told

    def _line(self, begin: str) -> str:
        for line in self._program.stdout or ():
            if line.startswith(begin):
                return line
        raise AssertionError("The page has ended.")

    def left(self) -> dict[str, int]:
        """What of visits it still holds when it has had time to let go: once that is nothing, or
        else after a long wait."""
        end = time.monotonic() + 30
        while (left := _without_bytes(self.held())) and time.monotonic() < end:
            time.sleep(0.2)
        return left


def _without_bytes(held: dict[str, int]) -> dict[str, int]:
    return {name: count for name, count in held.items() if count and name != "bytes"}


@contextmanager
def serving(**settings: Any) -> Iterator[Served]:
    with subprocess.Popen(
        [sys.executable, "-m", "tests.support.counted_page", json.dumps(settings)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": "."},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as program:
        try:
            yield Served(program)
        finally:
            program.kill()


class Visitor:
    """What a browser, or a program, does in one visit."""

    def __init__(self, http: httpx.AsyncClient, page: Served) -> None:
        self._http, self._page, self._session = http, page, uuid.uuid4().hex[:11]

    async def stream(self, message: str) -> None:
        """Ask at /chat/stream."""
        said = await self._http.post("chat/stream", json={"query": message})
        assert said.text.count('data: {"text": "x') == 1

    async def ask(self, **asked: str) -> int:
        """Ask whatever at /chat/stream; the status."""
        return (await self._http.post("chat/stream", json=asked)).status_code

    async def chat(self, message: str) -> None:
        """Ask by Gradio's API."""
        run = await self._http.post("gradio_api/call/chat", json={"data": [message, None]})
        said = await self._http.get(f"gradio_api/call/chat/{run.json()['event_id']}")
        assert "event: complete" in said.text

    async def browse(self, message: str) -> None:
        """Open the page, ask, read the answer, and close it."""
        async with self._http.stream("GET", f"gradio_api/heartbeat/{self._session}"):
            await self.arrive()
            asked = {"text": message, "number": 1, "count": 0}
            await self.join("respond", [asked, None, "", "", ""])
            watched = {"session_hash": self._session}
            said = await self._http.get("gradio_api/queue/data", params=watched)
            assert "x" * int(message) in said.text

    async def arrive(self) -> None:
        """Open the page, and do nothing there."""
        assert (await self._do("arrive", ["", "", ""])).status_code == 200

    async def join(self, function: str, data: list[Any]) -> httpx.Response:
        """Let the queue run a function; what comes of it is told elsewhere."""
        return await self._do(function, data, "queue/join")

    async def _do(
        self, function: str, data: list[Any], route: str = "run/predict"
    ) -> httpx.Response:
        wanted = {"fn_index": self._page.functions[function], "session_hash": self._session}
        return await self._http.post(f"gradio_api/{route}", json={**wanted, "data": data})


IN_ALL_WAYS = (*[Visitor.stream] * 8, Visitor.chat, Visitor.browse)


async def visit(page: Served, count: int, ways: Any, *message: str) -> None:
    """So many visits, in these ways by turns."""
    gate = asyncio.Semaphore(AT_ONCE)

    async def visit_once(way: Any) -> None:
        async with gate:
            await way(Visitor(http, page), *message)

    async with httpx.AsyncClient(base_url=page.url, timeout=60) as http:
        await asyncio.gather(*map(visit_once, islice(cycle(ways), count)))


@pytest.mark.thorough
@pytest.mark.timeout(300)
async def test_two_thousand_short_visits_leave_nothing() -> None:
    with serving(session_idle=3, max_conversations=MOST) as page:
        await visit(page, 300, IN_ALL_WAYS, "10")
        await visit(page, 1000, IN_ALL_WAYS, "10")
        before = page.held()["bytes"]
        await visit(page, 1000, IN_ALL_WAYS, "10")
        assert page.held()["bytes"] - before < 1000 * GROWTH
        assert page.left() == {}


MANY = 500


@pytest.mark.thorough
async def test_what_is_refused_or_forged_leaves_nothing() -> None:
    limits = {"max_message_length": 3, "session_idle": 3, "max_conversations": 1000}
    with serving(**limits) as page:
        await visit(page, 1, IN_ALL_WAYS, "10")
        await visit(page, MANY * len(FORGERIES), FORGERIES)
        assert page.left() == {}


async def too_long(visitor: Visitor) -> None:
    """A message that is refused at /chat/stream."""
    assert await visitor.ask(query="10000") == 422


async def empty(visitor: Visitor) -> None:
    """A message that is refused when its turn has begun."""
    assert await visitor.ask(query="") == 200


async def unknown(visitor: Visitor) -> None:
    """A session that nobody has."""
    assert await visitor.ask(query="10", session_id=str(uuid.uuid4())) == 404


async def strange(visitor: Visitor) -> None:
    """An id that is none, as long as can be."""
    assert await visitor.ask(query="10", session_id="../" * 5_000) == 404


async def unheard(visitor: Visitor) -> None:
    """A run under a session hash of one's own, to which nobody listens."""
    assert (await visitor.join("respond", [None] * 5)).status_code == 200


FORGERIES = (too_long, empty, unknown, strange, unheard, Visitor.arrive)

"""Those who ask, each target in the way that it is made for."""

import asyncio
import json
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, Protocol

import httpx

from tests.bench.gradio_page import GradioPage
from tests.bench.stamps import Answer
from tests.bench.targets import Target


class Visitor(Protocol):
    """One who has a conversation."""

    async def open(self) -> None:
        """Come."""

    async def ask(self, message: str) -> Answer:
        """Send a message, and wait for all of the answer."""

    async def leave(self) -> None:
        """Go."""


# Makes a new visitor of a target.
NewVisitor = Callable[[], Visitor]


class RawVisitor:
    """One of `bench.raw`'s, who asks by lines on its standard input."""

    def __init__(self, asks: Callable[[dict[str, Any]], Awaitable[dict[str, Any]]]) -> None:
        self._asks, self._chat = asks, uuid.uuid4().hex

    async def open(self) -> None:
        """There is nothing to open."""

    async def ask(self, message: str) -> Answer:
        return Answer(**await self._asks({"chat": self._chat, "message": message}))

    async def leave(self) -> None:
        """There is nothing to leave."""


class ApiVisitor:
    """A client of `adk api_server`."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http
        self._place = {"app_name": "talker", "user_id": "u", "session_id": uuid.uuid4().hex}

    async def open(self) -> None:
        app, user, session = self._place.values()
        await self._http.post(f"apps/{app}/users/{user}/sessions/{session}")

    async def ask(self, message: str) -> Answer:
        answer = Answer()
        said = {"role": "user", "parts": [{"text": message}]}
        body = {**self._place, "new_message": said, "streaming": True}
        async with self._http.stream("POST", "run_sse", json=body) as stream:
            async for line in stream.aiter_lines():
                event = json.loads(line.removeprefix("data: ") or "{}")
                parts = event["content"].get("parts", ()) if event.get("partial") else ()
                answer.see_more("".join(part.get("text", "") for part in parts))
            answer.wire = stream.num_bytes_downloaded
        return answer

    async def leave(self) -> None:
        await self._http.aclose()


@asynccontextmanager
async def visitors_of(target: Target) -> AsyncIterator[NewVisitor]:
    """What makes visitors that ask this target."""
    if target.name in ("genai", "adk"):
        asks = _switchboard(target)
        yield lambda: RawVisitor(asks)
    elif target.name == "api_server":
        yield lambda: ApiVisitor(connections(target))
    else:
        async with connections(target) as http:
            config = (await http.get("config")).json()
        yield lambda: GradioPage(connections(target), config)


def connections(target: Target) -> httpx.AsyncClient:
    """A visitor's own, as browsers have them: what httpx does for each request grows with the
    square of how many others go by the same client."""
    # uvicorn closes an idle connection after 5 seconds; one that is used just then would fail.
    limits = httpx.Limits(max_connections=None, keepalive_expiry=4)
    # Nothing is encrypted here, and to read whom else to trust takes 20 ms for each visitor.
    return httpx.AsyncClient(base_url=target.url, timeout=300, limits=limits, verify=False)


def _switchboard(target: Target) -> Callable[[dict[str, Any]], Awaitable[dict[str, Any]]]:
    """Gives each question to the raw target, and the answer to whoever asked."""
    loop, asked = asyncio.get_running_loop(), dict[str, asyncio.Future[dict[str, Any]]]()

    def hear(line: str) -> None:
        answer = json.loads(line)
        asked.pop(answer.pop("id")).set_result(answer)

    async def asks(question: dict[str, Any]) -> dict[str, Any]:
        number = uuid.uuid4().hex
        asked[number] = loop.create_future()
        answer = asked[number]
        target.write(json.dumps({"id": number, "asked": time.time(), **question}))
        return await answer

    target.hear = lambda line: line[0] == "{" and loop.call_soon_threadsafe(hear, line)
    return asks

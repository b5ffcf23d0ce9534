"""The page's own socket for talks: who may hold one by a ticket, and on whose key."""

import asyncio
import json
import struct
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from websockets.asyncio.client import ClientConnection, connect

from agent.chat import talk_tickets
from agent.chat.agents import Agents
from agent.chat.talk_tickets import Ticket, Tickets
from agent.core.visitor import SessionKey
from tests.support.app_setup import launched_app, loaded, url_of
from tests.support.fake_live import FakeLive, Paced, Spoken
from tests.support.talks import GEMINI_3

pytestmark = pytest.mark.slow

OWN_KEY = "own-key-of-the-visitor-" + "x" * 16

# Seconds of a voice that a page holds before it begins to play (static/talk_sound.js).
MAX_GAP = 0.1

NO_TICKET = "The talk could not begin. Please press Talk once more."


@pytest.fixture
def app(live: FakeLive) -> Iterator[Any]:
    with launched_app(loaded(GEMINI_3), visitor_keys=True) as served:
        add_tickets(served)
        yield served


@asynccontextmanager
async def talk(app: Any, **begin: Any) -> AsyncIterator[ClientConnection]:
    url = f"{url_of(app).rstrip('/').replace('http', 'ws', 1)}/talk"
    async with asyncio.timeout(30), connect(url) as socket:
        await socket.send(json.dumps(begin))
        yield socket


def agents_of(app: Any) -> Agents:
    agents: Agents = app.state.served.agents
    return agents


def add_tickets(app: Any) -> None:
    """Have the server make tickets for whoever asks, as a step of the page does."""
    agents = agents_of(app)

    async def give(request: Request) -> PlainTextResponse:
        key = agents.first.open(agents.visitors.new()).conversation.key
        ticket = Ticket(agents.first_name, key, request.query_params["person"])
        return PlainTextResponse(agents.talk_tickets.give(ticket))

    route = Route("/ticket", give)
    app.state.served.routes.append(route)  # Which is open therefore.
    app.router.routes.insert(0, route)


async def new_ticket(app: Any, person_id: str = "") -> str:
    """One for a new chat."""
    async with httpx.AsyncClient() as client:
        given = await client.get(f"{url_of(app)}ticket", params={"person": person_id})
    return given.text


async def first(socket: ClientConnection) -> dict[str, Any]:
    frame = json.loads(await socket.recv())
    assert isinstance(frame, dict)
    return frame


async def test_a_ticket_is_good_once_and_for_whom_it_was_made(app: Any, live: FakeLive) -> None:
    ticket = await new_ticket(app)
    async with talk(app, ticket=ticket) as socket:
        assert await first(socket) == {"line": {"hears": True}}
        live.enqueue(Spoken("Hello.", b"\1\2" * 100))
        await socket.send('{"content": {"parts": [{"text": "Hi"}]}}')
        sound = b""
        async for frame in socket:
            sound += frame if isinstance(frame, bytes) else b""
            if isinstance(frame, str) and json.loads(frame).get("turnComplete"):
                break
        assert sound == b"\1\2" * 100
    for wrong in (ticket, await new_ticket(app, "signed-in-ann"), "", None):
        async with talk(app, ticket=wrong) as socket:
            assert (await first(socket))["errorMessage"] == NO_TICKET


async def test_a_talk_on_a_visitors_key_asks_with_that_and_keeps_it_nowhere(
    app: Any, live: FakeLive, caplog: pytest.LogCaptureFixture
) -> None:
    ticket = await new_ticket(app)
    async with talk(app, ticket=ticket, key=OWN_KEY) as socket:
        await first(socket)
        live.enqueue("Hello.")
        await socket.send('{"content": {"parts": [{"text": "Hi"}]}}')
        async for frame in socket:
            if json.loads(frame).get("turnComplete"):
                break
        keys = {name.lower(): value for name, value in live.arrived().headers.items()}
        assert keys["x-goog-api-key"] == OWN_KEY
        await socket.send('{"close": true}')
        rest = [str(frame) async for frame in socket]
    loaded_agent = agents_of(app).first.loaded
    service = loaded_agent.runner.session_service
    sessions = await service.list_sessions(app_name="test")
    stored = [
        await service.get_session(app_name="test", user_id=session.user_id, session_id=session.id)
        for session in sessions.sessions
    ]
    assert len(stored) == 1
    assert not any(OWN_KEY in text for text in (*rest, caplog.text, *map(repr, stored)))
    # On the host's key is asked again who brings none.
    async with talk(app, ticket=await new_ticket(app)) as socket:
        await first(socket)
    keys = {name.lower(): value for name, value in live.arrived(2).headers.items()}
    assert keys["x-goog-api-key"] == "k" * 39


async def test_what_is_no_key_is_refused_in_a_sentence(app: Any) -> None:
    async with talk(app, ticket=await new_ticket(app), key="a b") as socket:
        assert (await first(socket))["errorCode"] == "no_key_form"


@pytest.mark.thorough
@pytest.mark.flaky(reruns=2)  # A busy machine holds up all that runs on it.
async def test_ten_talks_at_once_are_heard_without_a_gap(app: Any, live: FakeLive) -> None:
    all_there = asyncio.Barrier(10)
    lates = await asyncio.gather(*(late(app, live, all_there) for _ in range(10)))
    assert max(lates) < MAX_GAP, lates


async def late(app: Any, live: FakeLive, all_there: asyncio.Barrier) -> float:
    """How many seconds longer than the quickest piece of a voice the slowest takes through the app,
    while as much of another voice goes the other way."""
    ticket = await new_ticket(app)
    async with talk(app, ticket=ticket) as socket:
        await first(socket)
        await all_there.wait()
        speaking = asyncio.create_task(speak(socket))
        live.enqueue(Paced(100))
        await socket.send('{"content": {"parts": [{"text": "Hi"}]}}')
        taken: list[float] = []
        async for frame in socket:
            if isinstance(frame, bytes):
                taken.append(time.monotonic() - struct.unpack("d", frame[:8])[0])
            elif json.loads(frame).get("turnComplete"):
                break
        speaking.cancel()
    assert len(taken) == 100
    return max(taken) - min(taken)


async def speak(socket: ClientConnection) -> None:
    """A microphone's sound, as it comes."""
    while True:
        await socket.send(bytes(3200))
        await asyncio.sleep(0.1)


def test_tickets_end(monkeypatch: pytest.MonkeyPatch) -> None:
    def ticket(visitor: str) -> Ticket:
        return Ticket("helper", SessionKey("test", visitor, "session"), "")

    tickets = Tickets()
    old, new = tickets.give(ticket("ann")), tickets.give(ticket("ann"))
    assert (tickets.take(old, ""), tickets.take(new, "")) == (None, ticket("ann"))
    monkeypatch.setattr(talk_tickets, "TICKET_LIFE", -1.0)
    assert tickets.take(tickets.give(ticket("ann")), "") is None
    monkeypatch.setattr(talk_tickets, "TICKET_LIFE", 60.0)
    monkeypatch.setattr(talk_tickets, "MAX_TICKETS", 2)
    first, *others = (tickets.give(ticket(name)) for name in ("ann", "ben", "cid"))
    assert [tickets.take(ticket, "") is not None for ticket in (first, *others)] == [
        False,
        True,
        True,
    ]

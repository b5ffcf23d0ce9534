"""Talks over a WebSocket, in ADK's own messages: what passes, who may, and what is too much."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import httpx
import pytest
from google.adk.agents.live_request_queue import LiveRequest
from google.adk.events import Event
from google.genai import types
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from agent.limits import flow
from agent.models.offline import OfflineModel
from tests.support.app_setup import launched, loaded
from tests.support.fake_live import FakeLive, Hang, Heard, Spoken
from tests.support.talks import GEMINI_3, get_time

pytestmark = pytest.mark.slow

SOUND = bytes(range(250)) * 4


@pytest.fixture(scope="module")
def page() -> Iterator[str]:
    """A page with the offline model, that no visitor's browser opens."""
    model = OfflineModel(delay=0.005)
    with launched(loaded(model, tools=[get_time]), max_message_length=100) as url:
        yield url


@pytest.fixture
def live_page(live: FakeLive) -> Iterator[str]:
    with launched(loaded(GEMINI_3)) as url:
        yield url


@asynccontextmanager
async def talk(page: str, query: str = "", **headers: str) -> AsyncIterator[ClientConnection]:
    """A talk with the page's agent, which does not last for ever."""
    url = f"{page.rstrip('/').replace('http', 'ws', 1)}/run_live{query}"
    async with asyncio.timeout(30), connect(url, additional_headers=headers) as socket:
        yield socket


async def say(socket: ClientConnection, text: str) -> None:
    """What a program sends that is made for ADK's own server."""
    await socket.send(LiveRequest(content=types.UserContent(text)).model_dump_json())


async def until(socket: ClientConnection, is_so: Any) -> list[Event]:
    """ADK's events until one of them is so."""
    events: list[Event] = []
    async for frame in socket:
        events.append(Event.model_validate_json(frame))
        if is_so(events[-1]):
            return events
    raise AssertionError(f"The talk has ended: {events[-1:]}")


async def rest(socket: ClientConnection) -> list[Event]:
    events: list[Event] = []
    with suppress(ConnectionClosed):
        while True:
            events.append(Event.model_validate_json(await socket.recv()))
    return events


def is_over(event: Event) -> bool:
    return bool(event.turn_complete)


def said(events: list[Event]) -> str:
    """The words of the answers, each as a whole."""
    parts = [part for e in events if not e.partial and e.content for part in e.content.parts or []]
    return "".join(part.text or "" for part in parts if not part.thought)


async def test_a_program_made_for_adks_server_talks_types_and_interrupts(page: str) -> None:
    async with talk(page, "?modalities=TEXT") as socket:
        (begin,) = await until(socket, lambda event: event.custom_metadata)
        await say(socket, "/long")
        await until(socket, lambda event: event.partial)
        await say(socket, '/call get_time {"city": "Rome"}')
        events = await until(socket, lambda event: "noon in Rome" in said([event]))
        assert any(event.interrupted for event in events)
        assert any(event.get_function_calls() for event in events)
        await socket.send('{"close": true}')
        last = (await rest(socket))[-1]
    assert (last.error_code, socket.close_code) == ("talk_over", 1000)
    assert begin.custom_metadata
    session_id = begin.custom_metadata["session_id"]
    asked = {"query": "What did I say?", "session_id": session_id}
    async with httpx.AsyncClient(timeout=30) as client:
        answer = await client.post(f"{page}chat/stream", json=asked)
    assert "/long" in answer.text
    async with talk(page, f"?session_id={session_id}&modalities=TEXT") as socket:
        await say(socket, "What did I say?")
        assert "`/long`" in said(await until(socket, is_over))


async def test_a_voice_passes_byte_for_byte_both_ways(live: FakeLive, live_page: str) -> None:
    live.enqueue(Heard("Hi"), *[Spoken("word ", SOUND)] * 20)
    async with talk(live_page, "?push_to_talk=true") as socket:
        blob = types.Blob(data=SOUND, mime_type="audio/pcm;rate=16000")
        for request in (
            LiveRequest(activity_start=types.ActivityStart()),
            LiveRequest(blob=blob),
        ):
            await socket.send(request.model_dump_json(exclude_none=True))
        await socket.send(SOUND)
        await socket.send('{"activity_end": {}}')
        events = await until(socket, is_over)
    parts = [part for e in events for part in (e.content.parts or [] if e.content else [])]
    came = b"".join(part.inline_data.data or b"" for part in parts if part.inline_data)
    assert came == SOUND * 20
    assert live.arrived().sound == SOUND * 2
    texts = [e.output_transcription.text for e in events if e.output_transcription]
    assert texts[-1] == "word " * 20
    await asyncio.to_thread(live.arrived().is_closed.wait, 20)


async def test_who_is_gone_is_not_talked_to(live: FakeLive, live_page: str) -> None:
    live.enqueue(Spoken("Hello"), Hang())
    async with talk(live_page) as socket:
        await say(socket, "Hi")
        await until(socket, lambda event: event.output_transcription)
        socket.transport.abort()
    assert await asyncio.to_thread(live.arrived().is_closed.wait, 20)


async def test_nothing_of_the_servers_own_is_told_or_taken(live: FakeLive) -> None:
    answered = {"name": "pay", "response": {"result": "paid"}}
    wrong = [
        *("{not json", "[]", '{"blob": {"mimeType": "text/html", "data": "AAAA"}}'),
        *('{"state_delta": {"user:admin": true}}', '{"content": {"parts": []}}'),
        json.dumps({"content": {"parts": [{"function_response": answered}]}}),
    ]
    what = loaded(GEMINI_3)
    with launched(what) as page:
        async with talk(page) as socket:
            await until(socket, lambda event: event.custom_metadata)
            for frame in wrong:
                await socket.send(frame)
                assert (await until(socket, lambda _: True))[0].error_code == "wrong_frame"
            content = {"parts": [{"text": "Hi"}]}
            await socket.send(json.dumps({"content": content, "state_delta": {"admin": True}}))
            events = await until(socket, is_over)
        kept = await what.runner.session_service.list_sessions(app_name="test")
    assert live.arrived().said == ["Hi"]
    assert not any(event.live_session_resumption_update for event in events)
    (session,) = kept.sessions
    assert not [name for name in session.state if "admin" in name]


@pytest.mark.parametrize("wrong", ["x" * 300_000, b"\0" * 300_000])
async def test_a_frame_that_is_too_large_ends_the_talk(page: str, wrong: str | bytes) -> None:
    async with talk(page) as socket:
        await until(socket, lambda event: event.custom_metadata)
        await socket.send(wrong)
        assert (await rest(socket))[-1].error_code == "talk_too_much"
    assert socket.close_code == 1008


async def test_more_than_a_voice_ends_the_talk(page: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flow, "BURST", 10_000)
    async with talk(page) as socket:
        await until(socket, lambda event: event.custom_metadata)
        with suppress(ConnectionClosed):
            for _ in range(20):
                await socket.send(b"\0" * 5000)
        assert [event.error_code for event in await rest(socket)][-1] == "talk_too_much"
        assert socket.close_code == 1008


async def test_what_is_too_long_is_refused_and_the_talk_goes_on(page: str) -> None:
    async with talk(page, "?modalities=TEXT") as socket:
        await until(socket, lambda event: event.custom_metadata)
        await say(socket, "x" * 101)
        (refusal,) = await until(socket, lambda event: event.error_code)
        assert "at most 100" in (refusal.error_message or "")
        await say(socket, "Hello!")
        assert "Hello!" in said(await until(socket, is_over))


@pytest.mark.parametrize(
    ("query", "headers", "status"),
    [
        ("", {"Origin": "https://other.example"}, 403),
        ("", {"Origin": "null"}, 403),
        ("?app_name=nobody", {}, 422),
        ("?modalities=VIDEO", {}, 422),
        ("?session_id=00000000-0000-0000-0000-000000000000", {}, 404),
        ("/more", {}, 404),
        ("/../gradio_api/queue/data", {}, 404),
    ],
)
async def test_a_talk_that_cannot_begin_is_refused_with_a_sentence(
    page: str, query: str, headers: dict[str, str], status: int
) -> None:
    with pytest.raises(InvalidStatus) as refused:
        async with talk(page, query, **headers):
            pass
    assert refused.value.response.status_code == status
    if status != 404:
        assert b'{"detail":"' in refused.value.response.body


async def test_a_page_whose_name_leads_to_this_machine_may_not_talk(page: str) -> None:
    port = httpx.URL(page).port
    other = connect(f"ws://rebound.example:{port}/run_live", host="127.0.0.1", port=port)
    with pytest.raises(InvalidStatus) as refused:
        await other
    assert refused.value.response.status_code == 403


async def test_the_page_itself_may_talk(page: str) -> None:
    async with talk(page, Origin=page.rstrip("/")) as socket:
        assert await until(socket, lambda event: event.custom_metadata)


async def test_only_so_many_talks_are_held_and_nobody_talks_who_has_not_signed_in() -> None:
    with launched(loaded(OfflineModel()), max_talks=1) as page:
        async with talk(page) as socket:
            await until(socket, lambda event: event.custom_metadata)
            with pytest.raises(InvalidStatus) as refused:
                async with talk(page):
                    pass
        assert refused.value.response.status_code == 429
    with (
        launched(loaded(OfflineModel()), {"auth": ("ann", "a password")}) as page,
        pytest.raises(InvalidStatus) as refused,
    ):
        async with talk(page):
            pass
    assert refused.value.response.status_code == 401
    with launched(loaded(OfflineModel()), live=False) as page, pytest.raises(InvalidStatus) as off:
        async with talk(page):
            pass
    assert off.value.response.status_code == 409

"""Connections that bring no whole request: each has its time, and whoever has most makes room."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
import uvicorn

from agent.limits import connections
from agent.limits.connections import Connections, counted, most_files

HALF = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n"
WHOLE = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"

Connect: Any = Callable[..., Awaitable[Any]]


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Answers when the body is there; a stream without an end at /stream."""
    if scope["type"] != "http":
        return
    while (await receive()).get("more_body"):
        pass
    headers = [(b"content-length", b"2")] if scope["path"] != "/stream" else []
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    is_endless = scope["path"] == "/stream"
    await send({"type": "http.response.body", "body": b"Hi", "more_body": is_endless})
    if is_endless:
        await receive()


@asynccontextmanager
async def server(per_address: int = 0, total: int = 0) -> AsyncIterator[Callable[..., Any]]:
    """A real server; what is yielded connects to it, from an address, and sends something."""
    config = uvicorn.Config(app, port=0, log_level="warning", lifespan="off")
    config.load()
    both = Connections(per_address, total)
    config.http_protocol_class = counted(config.http_protocol_class, both)
    serving = uvicorn.Server(config)
    serving.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
    task = asyncio.create_task(serving._serve())
    for _ in range(1000):
        if serving.started:
            break
        await asyncio.sleep(0.01)  # uvicorn has nothing else to wait for.
    port = serving.servers[0].sockets[0].getsockname()[1]
    writers = []

    async def connect(sent: bytes, address: str = "127.0.0.1") -> asyncio.StreamReader:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(address, 0))
        writers.append(writer)
        writer.write(sent)
        await writer.drain()
        return reader

    yield connect
    for writer in writers:
        writer.close()
    serving.should_exit = True
    await task
    assert both._open == {}


async def answer(reader: asyncio.StreamReader) -> bytes:
    """The first line of the answer; b"" where the connection was closed without one."""
    async with asyncio.timeout(20):
        try:
            return await reader.readline()
        except ConnectionResetError:
            return b""


OK = b"HTTP/1.1 200 OK\r\n"


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "REQUEST_TIMEOUT", 0.3)
    monkeypatch.setattr(connections, "SWEEP_INTERVAL", 0.05)


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("sent", [b"", b"G", HALF, HALF + b"\r\n", HALF + b"\r\nHalf"])
async def test_a_request_that_does_not_come_in_whole_is_ended_and_told(
    sent: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    async with server() as connect:
        assert await answer(await connect(sent)) == b""
    assert "127.0.0.1 has sent no whole request in 0.3 seconds: connections of it are closed." in (
        caplog.messages
    )


@pytest.mark.usefixtures("quick")
async def test_a_stream_may_last(caplog: pytest.LogCaptureFixture) -> None:
    async with server() as connect:
        reader = await connect(WHOLE.replace(b"/", b"/stream", 1))
        assert await answer(reader) == OK
        await asyncio.sleep(0.6)  # Twice what a request may take: no event says that it stays open.
        assert not reader.at_eof()
    assert caplog.messages == []


async def test_an_address_has_so_many_connections_and_those_that_wait_make_room(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with server(per_address=3) as connect:
        first, *others = [await connect(HALF) for _ in range(3)]
        assert await answer(await connect(WHOLE)) == OK
        assert await answer(first) == b""
        assert await answer(await connect(WHOLE, "127.0.0.2")) == OK
        assert not any(other.at_eof() for other in others)
    assert caplog.messages == [
        "127.0.0.1 has too many connections (ADDRESS_CONNECTIONS): connections of it are closed."
    ]


async def test_where_none_waits_no_more_come_in() -> None:
    stream = WHOLE.replace(b"/", b"/stream", 1)
    async with server(per_address=2) as connect:
        for _ in range(2):
            assert await answer(await connect(stream)) == OK
        assert await answer(await connect(WHOLE)) == b""
        assert await answer(await connect(WHOLE, "127.0.0.2")) == OK


async def test_a_thousand_half_sent_requests_shut_nobody_out() -> None:
    async with server(total=50) as connect:
        for number in range(1000):
            await connect(HALF, f"127.0.0.{2 + number % 2}")
        assert await answer(await connect(WHOLE)) == OK


async def test_where_all_are_taken_whoever_has_most_makes_room_by_a_stream_too() -> None:
    stream = WHOLE.replace(b"/", b"/stream", 1)
    async with server(total=4) as connect:
        taken = [await connect(stream, "127.0.0.2") for _ in range(3)]
        other = await connect(stream, "127.0.0.3")
        for reader in (*taken, other):
            assert await answer(reader) == OK
        assert await answer(await connect(WHOLE)) == OK
        assert [await is_open(reader) for reader in (*taken, other)] == [False, True, True, True]


async def is_open(reader: asyncio.StreamReader) -> bool:
    """Whether more may come; what has come is read."""
    try:
        async with asyncio.timeout(0.1):
            await reader.read()
    except TimeoutError:
        return True
    except ConnectionResetError:
        return False
    return False


def test_there_is_a_number_of_files_that_this_process_may_open() -> None:
    assert most_files() >= connections.RESERVED_FILES


class Unknown:
    """A connection of another uvicorn, whose latest request is not to be found."""

    client = ("192.0.2.1", 1)
    transport = None


async def test_of_another_uvicorn_nothing_is_closed_that_may_be_at_work() -> None:
    both = Connections(0, 0)
    protocol = Unknown()
    both.add(protocol)
    assert not connections._waits(protocol)
    both._sweep()
    both.remove(protocol)

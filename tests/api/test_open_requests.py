"""How many requests one network address has open at once: streams among them."""

import asyncio
import logging
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import httpx
import pytest

from agent.api.open_requests import TOO_MANY, OpenRequests
from agent.models.offline import OfflineModel
from tests.support.app_setup import launched, loaded

# Here uvicorn believes it, since it comes from its own machine.
HERE, THERE = {"X-Forwarded-For": "192.0.2.1"}, {"X-Forwarded-For": "192.0.2.2"}


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with launched(loaded(OfflineModel(delay=0)), address_connections=3) as url:
        yield url


@pytest.mark.slow
def test_an_address_has_so_many_streams_and_others_have_theirs(
    url: str, caplog: pytest.LogCaptureFixture
) -> None:
    with httpx.Client(base_url=url, timeout=20) as client, ExitStack() as streams:
        lines: list[Iterator[str]] = []  # One that nobody holds closes its stream.
        for number in range(3):
            stream = client.stream("GET", f"gradio_api/heartbeat/{number}", headers=HERE)
            lines.append(streams.enter_context(stream).iter_lines())
            assert next(lines[-1]) == "data: ALIVE"
        for path in ("gradio_api/heartbeat/4", "healthz", "chat/stream?query=Hi"):
            refused = client.get(path, headers=HERE)
            assert (refused.status_code, refused.json()) == (429, {"detail": TOO_MANY})
            assert refused.headers["retry-after"] == "5"
        assert client.get("healthz", headers=THERE).status_code == 200
    told = [line for line in caplog.messages if "ADDRESS_CONNECTIONS" in line]
    assert told == ["192.0.2.1 has 3 requests open, and can have no more (ADDRESS_CONNECTIONS)."]


async def test_what_is_over_makes_room_however_it_ends() -> None:
    async def fails(scope: Any, receive: Any, send: Any) -> None:
        await asyncio.sleep(0)
        raise KeyError

    app = OpenRequests(fails, most=1)
    scope = {"type": "http", "client": ("192.0.2.1", 1), "headers": []}
    for _ in range(3):
        with pytest.raises(KeyError):
            await app(scope, None, None)  # type: ignore[arg-type]
    assert (dict(app._open), app._logged) == ({}, set())


async def test_0_is_any_number(caplog: pytest.LogCaptureFixture) -> None:
    count = 0

    async def counts(scope: Any, receive: Any, send: Any) -> None:
        nonlocal count
        count += 1
        if count < 50:
            await app(scope, receive, send)

    app = OpenRequests(counts, most=0)
    with caplog.at_level(logging.WARNING):
        await app({"type": "http", "client": ("192.0.2.1", 1), "headers": []}, None, None)  # type: ignore[arg-type]
    assert (count, caplog.messages) == (50, [])

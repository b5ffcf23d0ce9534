"""Counts that several replicas share in Redis; and when it dies, or hangs, or never was there."""

import asyncio
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest
from pydantic import SecretStr

from agent.chat.registry import Registry
from agent.core.notices import Notice
from agent.core.question import Question
from agent.core.settings import Settings
from agent.core.transcript import answer
from agent.core.visitor import Visitor
from agent.limits import counters as counts
from agent.limits.rate_limits import Limits
from tests.support.app_process import ROOT
from tests.support.app_setup import registry, until
from tests.support.limits import HERE, THERE, ask_as_new, lot, willing
from tests.support.redis_server import redis_at
from tests.support.scripted_model import ScriptedModel

PASSWORD = "open-sesame"

Replica = Callable[..., Registry]


@pytest.fixture
def redis(redis_port: int) -> Iterator[str]:
    with redis_at(redis_port):
        yield f"redis://127.0.0.1:{redis_port}"


@pytest.fixture
async def replica() -> AsyncIterator[Replica]:
    """Makes one of several processes with the same settings; closes their connections to Redis."""
    replicas: list[Registry] = []

    def start(store: str, model: ScriptedModel | None = None, **limits: int) -> Registry:
        what = model or willing()
        replicas.append(registry(what, limits_store=SecretStr(store), **limits))
        return replicas[-1]

    yield start
    for replica in replicas:  # An app leaves this to its own end.
        storage: Any = replica.limits._counts._store.storage
        await storage.bridge.get_connection().aclose()


def refused(text: str) -> bool:
    return text.startswith("That was a lot of messages")


# Together


@pytest.mark.parametrize(
    ("setting", "most"), [("address_per_minute", "2 a minute"), ("address_per_day", "2 a day")]
)
async def test_replicas_count_together(
    redis: str, replica: Replica, setting: str, most: str
) -> None:
    one, two = (replica(redis, **{setting: 2}) for _ in range(2))
    assert [await ask_as_new(where) for where in (one, two)] == ["Yes.", "Yes."]
    for where in (one, two):
        assert f"messages: {most} can be sent here" in await ask_as_new(where)
    assert await ask_as_new(two, THERE) == "Yes."


def words(notice: Notice | None) -> str:
    return notice.text if notice else ""


async def test_replicas_spend_one_budget(redis: str, replica: Replica) -> None:
    one, two = (replica(redis, daily_turns=2, daily_tokens=100).limits for _ in range(2))
    assert [await limits.why_offline() for limits in (one, two)] == [None, None]
    assert "is back in 24 hours" in words(await one.why_offline())
    await one.spend(100)
    assert "is back in 24 hours" in words(await two.why_offline())


ANOTHER = f"""
LIMITS = {{"ADDRESS_PER_DAY": "20", "VISITOR_PER_MINUTE": "0"}}

import asyncio
from agent.limits.rate_limits import LimitExceeded, Limits
from agent.core.environment import read_settings

async def ask(limits):
    try:
        async with limits.admit("somebody", "{HERE}", "Hi", 0):
            return "Yes."
    except LimitExceeded:
        return "No."

async def main():
    limits = Limits(read_settings({{"LIMITS_STORE": input(), **LIMITS}}))
    print(*await asyncio.gather(*(ask(limits) for _ in range(15))))

asyncio.run(main())
"""


def test_two_processes_let_through_just_as_many_as_one(redis: str) -> None:
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", ANOTHER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=ROOT,
            text=True,
        )
        for _ in range(2)
    ]
    said = [process.communicate(redis, timeout=60)[0] for process in processes]
    assert "".join(said).count("Yes.") == 20
    assert "".join(said).count("No.") == 10


async def test_a_restart_of_the_app_forgets_no_count(redis: str, replica: Replica) -> None:
    assert await ask_as_new(replica(redis, address_per_day=1)) == "Yes."
    assert await ask_as_new(replica(redis, address_per_day=1)) == lot("1 a day", "24 hours")


# When Redis fails


async def is_used_again(where: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    """After its interval Redis, which is new and knows nothing, counts to the limit of 2."""
    later = time.monotonic() + counts.REDIS_RETRY_INTERVAL
    monkeypatch.setattr(counts, "monotonic", lambda: later)
    told = [await ask_as_new(where) for _ in range(3)]
    assert [refused(text) for text in told] == [False, False, True]


async def test_a_redis_that_dies_is_replaced_by_memory_until_it_is_back(
    redis_port: int,
    replica: Replica,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.WARNING, "agent.limits.counters"):
        where = replica(f"redis://127.0.0.1:{redis_port}", address_per_day=2)
        with redis_at(redis_port):
            assert await ask_as_new(where) == "Yes."
        told = [await ask_as_new(where) for _ in range(4)]
        assert [refused(text) for text in told] == [False, False, True, True]
        assert len(caplog.records) == 1
        with redis_at(redis_port):
            await is_used_again(where, monkeypatch)


async def test_a_redis_that_dies_in_mid_turn_costs_no_answer_and_is_used_again(
    redis_port: int, replica: Replica, monkeypatch: pytest.MonkeyPatch
) -> None:
    halfway = asyncio.Event()
    model = ScriptedModel(scripts=[["Y", halfway, "es."], ["Yes."], ["Yes."]])
    store = f"redis://127.0.0.1:{redis_port}"
    where = replica(store, model, address_per_day=2, daily_tokens=10**6)
    with redis_at(redis_port):
        turn = where.open().ask(Question("Hi", visitor=Visitor(address=HERE))).turn
        await until(turn, "Y")
    halfway.set()
    assert answer(await turn.finish()) == "Yes."
    with redis_at(redis_port):
        await is_used_again(where, monkeypatch)


async def test_a_redis_without_a_free_connection_is_replaced_by_memory(
    redis_port: int, replica: Replica, caplog: pytest.LogCaptureFixture
) -> None:
    with (
        redis_at(redis_port, "--maxclients", "1"),
        socket.create_connection(("127.0.0.1", redis_port)),
    ):
        where = replica(f"redis://127.0.0.1:{redis_port}", address_per_day=2)
        told = [await ask_as_new(where) for _ in range(3)]
    assert [refused(text) for text in told] == [False, False, True]
    assert len([r for r in caplog.records if r.name == "agent.limits.counters"]) == 1


async def test_a_redis_that_stands_still_holds_no_turn_up_for_long(
    redis_port: int, replica: Replica, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(counts, "REDIS_TIMEOUT", 0.2)
    with redis_at(redis_port) as server:
        where = replica(f"redis://127.0.0.1:{redis_port}", address_per_day=2)
        assert await ask_as_new(where) == "Yes."
        server.send_signal(signal.SIGSTOP)
        told = await asyncio.gather(*(ask_as_new(where) for _ in range(5)))
        assert sorted(map(refused, told)) == [False, False, True, True, True]


@contextmanager
def listener(answer: bytes) -> Iterator[int]:
    """Something that accepts every connection, and says this on each, if anything."""
    connections: list[socket.socket] = []

    def accept() -> None:
        with suppress(OSError):
            while True:
                connections.append(server.accept()[0])
                connections[-1].sendall(answer)

    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=accept, daemon=True).start()
        yield int(server.getsockname()[1])
        server.shutdown(socket.SHUT_RDWR)
    for connection in connections:
        connection.close()


@pytest.mark.parametrize(
    "answer",
    [b"", b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\xff\x00\r\n" * 99, b"-LOADING wait\r\n" * 99],
    ids=["silence", "HTTP", "garbage", "an error"],
)
async def test_what_is_no_redis_harms_no_turn(
    answer: bytes, replica: Replica, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(counts, "REDIS_TIMEOUT", 0.2)
    with listener(answer) as port:
        where = replica(f"redis://127.0.0.1:{port}", address_per_day=2, daily_turns=99)
        told = [await ask_as_new(where) for _ in range(3)]
        assert [refused(text) for text in told] == [False, False, True]


@pytest.mark.parametrize(
    ("store", "cause"),
    [
        ("redis://somebody:{password}@127.0.0.1:{port}", "AuthenticationError"),
        ("redis://127.0.0.1:{port}?username=somebody&password={password}", "AuthenticationError"),
        ("redis://127.0.0.1:{port}/99", "ResponseError"),
        ("redis://127.0.0.1:{port}?no_such_option={password}", "TypeError"),
        ("redis://127.0.0.1:1", "ConnectionError"),
    ],
)
async def test_the_log_says_once_what_is_wrong_and_no_password(
    redis_port: int, replica: Replica, store: str, cause: str, caplog: pytest.LogCaptureFixture
) -> None:
    with redis_at(redis_port), caplog.at_level(logging.DEBUG):
        where = replica(store.format(password=PASSWORD, port=redis_port), address_per_day=1)
        assert await ask_as_new(where) == "Yes."
        assert refused(await ask_as_new(where))
    warnings = [r.getMessage() for r in caplog.records if r.name == "agent.limits.counters"]
    assert warnings == [f"The limits' store fails ({cause}): counting in memory."]
    assert PASSWORD not in caplog.text


# What a host reads


SENTENCE = (
    "LIMITS_STORE cannot be used: it should be an address such as redis://127.0.0.1:6379, and "
    'needs `pip install "limits[redis]"`.'
)


@pytest.mark.parametrize(
    "store",
    [
        *(
            f"127.0.0.1:6379/{PASSWORD}",
            f"http://:{PASSWORD}@127.0.0.1",
            f"redis://{PASSWORD}:port",
        ),
        *(f"redis://:{PASSWORD}@[::1", f"redis://:{PASSWORD}@h?socket_timeout=soon", "redis"),
        *(f"memcached://:{PASSWORD}@127.0.0.1", f"mongodb://:{PASSWORD}@127.0.0.1"),
        "memory://",
    ],
)
def test_a_wrong_address_is_one_sentence(store: str) -> None:
    with pytest.raises(ValueError, match="LIMITS_STORE") as caught:
        Limits(Settings(limits_store=SecretStr(store)))
    assert str(caught.value) == SENTENCE


def test_a_missing_package_is_the_same_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "redis", None)
    with pytest.raises(ValueError, match="LIMITS_STORE") as caught:
        Limits(Settings(limits_store=SecretStr("redis://127.0.0.1:6379")))
    assert str(caught.value) == SENTENCE


@pytest.mark.thorough
@pytest.mark.slow
def test_the_page_does_not_start_with_a_wrong_address() -> None:
    ended = subprocess.run(
        [sys.executable, "app.py"],
        cwd=ROOT,
        env={**os.environ, "LIMITS_STORE": f"http://:{PASSWORD}@127.0.0.1"},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert (ended.returncode, ended.stderr.strip()) == (1, SENTENCE)

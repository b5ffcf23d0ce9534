"""Small items in batches: none is lost, and none waits for more than a moment."""

import asyncio
import itertools
from collections.abc import AsyncGenerator, Iterable
from types import SimpleNamespace

import pytest

from agent.models import batching
from agent.models.batching import batch


async def coming(*steps: str | float | Exception) -> AsyncGenerator[str]:
    """Each as it comes: a text, seconds to wait, an exception."""
    for step in steps:
        match step:
            case str():
                yield step
            case Exception():
                raise step
            case _:
                await asyncio.sleep(step)


def join(texts: Iterable[str]) -> list[str]:
    return ["".join(texts)]


def batched(*steps: str | float | Exception) -> AsyncGenerator[str]:
    return batch(coming(*steps), join)


async def all_of(texts: AsyncGenerator[str]) -> list[str]:
    return [text async for text in texts]


async def first(number: int, texts: AsyncGenerator[str]) -> list[str]:
    async with asyncio.timeout(60):
        seen = [await anext(texts) for _ in range(number)]
    await texts.aclose()
    return seen


async def test_the_first_does_not_wait_and_neither_does_the_end() -> None:
    assert await all_of(batched("first ", 0.001, *"abcdef")) == ["first ", "abcdef"]


async def test_what_waits_for_more_does_not_wait_for_long() -> None:
    endless = batched("a", 0.001, "b", 0.001, "c", 3600.0)
    assert await first(2, endless) == ["a", "bc"]


async def test_what_comes_just_then_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batching, "GRACE", 60.0)
    endless = batch(coming("a", 0.001, "b", 1.0, "c", 3600.0), join, 0.5)
    assert await first(2, endless) == ["a", "bc"]


async def test_what_comes_after_a_silence_does_not_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = itertools.count(1)  # A second goes by between any two looks at it.
    fake = SimpleNamespace(monotonic=clock.__next__, thread_time=lambda: 0.0)
    monkeypatch.setattr(batching, "time", fake)
    endless = batched("a", 0.001, "b", 0.001, "c", 3600.0)
    assert await first(3, endless) == ["a", "b", "c"]


async def test_what_came_before_a_failure_comes_and_then_the_failure() -> None:
    texts = batched("a", 0.001, "b", "c", OSError("cut"))
    seen = [await anext(texts) for _ in range(2)]
    with pytest.raises(OSError, match="cut"):
        await all_of(texts)
    assert seen == ["a", "bc"]


@pytest.mark.parametrize("silence", [None, 3600.0], ids=["busy", "waiting"])
@pytest.mark.parametrize("cpu_slice", [batching.CPU_SLICE, 0.0], ids=["reading", "pausing"])
async def test_who_stops_reading_stops_what_is_read(
    monkeypatch: pytest.MonkeyPatch, silence: float | None, cpu_slice: float
) -> None:
    monkeypatch.setattr(batching, "CPU_SLICE", cpu_slice)
    said, closed = 0, asyncio.Event()

    async def endless() -> AsyncGenerator[str]:
        nonlocal said
        try:
            while True:
                said += 1
                yield "a"
                if silence:
                    await asyncio.sleep(silence)
        finally:
            closed.set()

    texts = batch(endless(), join)
    await anext(texts)
    before = said
    await texts.aclose()
    assert closed.is_set()
    assert said <= before + 1


async def test_a_burst_lets_others_have_their_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        batching, "CPU_SLICE", 0.0
    )  # The clock of a busy machine is not to be trusted.
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    other = asyncio.create_task(count())
    seen = await all_of(batched(*["x"] * 100))
    other.cancel()
    assert "".join(seen) == "x" * 100
    assert turns >= 100

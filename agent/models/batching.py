"""A stream's small items, several at a time: what is done for each afterwards is done less often.

A model whose answer comes in a burst gives nobody else a turn while it is read: the HTTP client
hands over hundreds of chunks without waiting once. So a stream is read in a task of its own, which
takes a breath now and then.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator
from contextlib import aclosing, suppress
from typing import TypeVar, cast

HOLD, LONGER = 0.038, 0.006
"""Seconds for which an item is held for more to join it, and then at most for one that comes just
then. The first is not held, nor what comes when nothing has come for as long, nor the end."""

WORK, BREATH = 0.005, 0.001
"""Seconds of CPU for which is read without a break, and of the break. A shorter one would not have
the event loop look for what else has come in."""

Item = TypeVar("Item")
Joined = TypeVar("Joined")


async def hold(
    items: AsyncGenerator[Item],
    join: Callable[[Iterable[Item]], Iterable[Joined]],
    seconds: float = HOLD,
) -> AsyncGenerator[Joined]:
    """What `join` makes of those that have come since the last time."""
    came: asyncio.Queue[Item | None] = asyncio.Queue()
    reading = asyncio.create_task(_read(items, came))
    given, last = 0.0, False
    try:
        while not last:
            batch = [await came.get()]
            if time.monotonic() - given < seconds:
                batch += await _more(came, reading, seconds)
            batch += _waiting(came)
            given, last = time.monotonic(), batch[-1] is None
            for joined in join(item for item in batch if item is not None):
                yield joined
        await reading
    finally:
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)


async def _more(
    came: asyncio.Queue[Item | None], reading: asyncio.Task[None], seconds: float
) -> list[Item | None]:
    """What comes in so many seconds, and after those at most one."""
    await asyncio.wait([reading], timeout=seconds)
    more = [*_waiting(came)]
    if not reading.done():
        with suppress(TimeoutError):
            async with asyncio.timeout(LONGER):
                more.append(await came.get())
    return more


async def _read(items: AsyncGenerator[Item], came: asyncio.Queue[Item | None]) -> None:
    since = time.thread_time()
    try:
        async with aclosing(items):
            async for item in items:
                came.put_nowait(item)
                if time.thread_time() - since > WORK:
                    await _breathe(items)
                    since = time.thread_time()
    finally:
        came.put_nowait(None)


async def _breathe(items: AsyncGenerator[Item]) -> None:
    try:
        await asyncio.sleep(BREATH)
    except asyncio.CancelledError:
        # It is to meet whoever waits for more: google-genai hangs up only when an exception goes
        # through it, or else as garbage.
        cast("asyncio.Task[None]", asyncio.current_task()).cancel()
        await anext(items, None)
        raise


def _waiting(came: asyncio.Queue[Item | None]) -> Iterator[Item | None]:
    while not came.empty():
        yield came.get_nowait()

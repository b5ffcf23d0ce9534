"""A stream's small items in batches, so that the work that each causes is done less often.

An HTTP client that has received hundreds of chunks at once hands them over without awaiting
anything, and no other task runs meanwhile. So a stream is read in a task of its own, which sleeps
now and then.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator
from contextlib import aclosing, suppress
from typing import TypeVar, cast

# Seconds for which an item waits for others, and after these at most for one more: about as long as
# a turn's watchers wait between two looks (chat/turn.py), and so that of chunks sent every 10, 20
# or 40 ms the one that is due after 40 ms comes along: without that, words at 50 a second are seen
# up to 82 ms late, and with it 43. The first item does not wait, nor does one before which nothing
# has come for as long, nor the end.
MAX_DELAY = 0.038
GRACE = 0.006

# Seconds of CPU for which the stream is read without a pause, so that other visitors wait no
# longer; and the first words of 2,000 that come at once are seen after 30 ms instead of 50.
CPU_SLICE = 0.005

# Seconds of the pause. In one of 0 seconds the event loop would not look for new input.
PAUSE_LENGTH = 0.001

Item = TypeVar("Item")
Batch = TypeVar("Batch")


async def batch(
    items: AsyncGenerator[Item],
    join: Callable[[Iterable[Item]], Iterable[Batch]],
    max_delay: float = MAX_DELAY,
) -> AsyncGenerator[Batch]:
    """What `join` makes of the items that have come since the last time.

    Closing this generator closes `items`. What `items` raises is raised after what came before.

    Args:
        items: The stream.
        join: Makes one or more of several items.
        max_delay: Seconds for which an item waits for others; 0 joins only what comes at once.
    """
    queue: asyncio.Queue[Item | None] = asyncio.Queue()
    reader = asyncio.create_task(_read(items, queue))
    yielded_at, has_ended = 0.0, False
    try:
        while not has_ended:
            received = [await queue.get()]
            if time.monotonic() - yielded_at < max_delay:
                received += await _wait_for_more(queue, reader, max_delay)
            received += _drain(queue)
            yielded_at, has_ended = time.monotonic(), received[-1] is None
            for joined in join(item for item in received if item is not None):
                yield joined
        await reader
    finally:
        reader.cancel()
        await asyncio.gather(reader, return_exceptions=True)


async def _wait_for_more(
    queue: asyncio.Queue[Item | None], reader: asyncio.Task[None], seconds: float
) -> list[Item | None]:
    """What comes in so many seconds, and at most one item within `GRACE` after these."""
    await asyncio.wait([reader], timeout=seconds)
    more = [*_drain(queue)]
    if not reader.done():
        with suppress(TimeoutError):
            async with asyncio.timeout(GRACE):
                more.append(await queue.get())
    return more


async def _read(items: AsyncGenerator[Item], queue: asyncio.Queue[Item | None]) -> None:
    """Put every item into the queue, and None at the end."""
    started = time.thread_time()
    try:
        async with aclosing(items):
            async for item in items:
                queue.put_nowait(item)
                if time.thread_time() - started > CPU_SLICE:
                    await _pause(items)
                    started = time.thread_time()
    finally:
        queue.put_nowait(None)


async def _pause(items: AsyncGenerator[Item]) -> None:
    try:
        await asyncio.sleep(PAUSE_LENGTH)
    except asyncio.CancelledError:
        # google-genai closes its connection when an exception passes through it, and otherwise
        # only as garbage. So the cancellation is raised where `items` waits for its next item.
        cast("asyncio.Task[None]", asyncio.current_task()).cancel()
        await anext(items, None)
        raise


def _drain(queue: asyncio.Queue[Item | None]) -> Iterator[Item | None]:
    while not queue.empty():
        yield queue.get_nowait()

"""A turn's answer for programs: as numbered deltas, in chunks, as a whole, into several sinks."""

import asyncio
import inspect
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from typing import NamedTuple, TypeAlias

from agent.chat.turn import Turn
from agent.core.deltas import Delta, deltas, words
from agent.core.transcript import Transcript, notices

# Seconds of silence after which a program is told that the answer is still on its way.
HEARTBEAT_INTERVAL = 1.0

# Takes one chunk: a function or an async function.
Sink: TypeAlias = Callable[[str], Awaitable[object] | object]


class Answer(NamedTuple):
    """An answer when its turn is over; or what a turn has said since it was replied to."""

    # All that was said, also when the turn failed or took too long.
    text: str
    chunks: list[str]
    # Why the answer is not whole, in plain sentences; empty when it is.
    notices: list[str]


class DeltaLog:
    """A turn's deltas in order, the same for all who read them: a reader that was cut off goes on
    by the number of the last delta that it has. A turn that goes on after a reply has the deltas
    since then."""

    def __init__(self, turn: Turn) -> None:
        self.turn = turn
        self.deltas: list[Delta] = []
        self._read_up_to: Transcript = ()

    async def read(
        self, after: int = 0, heartbeat: float = HEARTBEAT_INTERVAL
    ) -> AsyncGenerator[tuple[int, Delta | None], None]:
        """The deltas beyond the first `after`, each with its number, which counts from 1; and the
        last number with None, where there has been nothing new for `heartbeat` seconds."""
        told_at = time.monotonic()
        async with aclosing(self.turn.watch()) as transcripts:
            async for transcript in transcripts:
                self.deltas += deltas(self._read_up_to or self.turn.earlier, transcript)
                self._read_up_to = transcript
                is_silent = len(self.deltas) <= after and not self.turn.over
                if is_silent and time.monotonic() - told_at >= heartbeat:
                    told_at = time.monotonic()
                    yield after, None
                while len(self.deltas) > after:
                    after += 1
                    yield after, self.deltas[after - 1]
                    told_at = time.monotonic()


async def chunks(turn: Turn) -> AsyncGenerator[str, None]:
    """The answer's text, piece by piece as it comes.

    The pieces together are the answer. Only where an agent takes its words back and begins anew
    does its answer come again, below what cannot be unsaid here.
    """
    async with aclosing(DeltaLog(turn).read()) as numbered:
        async for _, delta in numbered:
            if delta and (text := words(delta)):
                yield text


async def collect(turn: Turn) -> Answer:
    """Wait for the whole answer."""
    pieces = [chunk async for chunk in chunks(turn)]
    text = "".join(map(words, deltas(turn.earlier, turn.transcript)))
    reasons = notices(turn.transcript[len(turn.earlier) :])
    return Answer(text, pieces, reasons)


async def tee(turn: Turn, *sinks: Sink) -> None:
    """Give every chunk to every sink, each at its own pace: a slow one holds up no other.

    Raises:
        ExceptionGroup: what sinks raised, when all the others have had the whole answer.
    """
    ends = await asyncio.gather(*(_feed(sink, turn) for sink in sinks), return_exceptions=True)
    if errors := [end for end in ends if isinstance(end, Exception)]:
        raise ExceptionGroup("Not every sink took the answer.", errors)


async def _feed(sink: Sink, turn: Turn) -> None:
    async with aclosing(chunks(turn)) as pieces:
        async for chunk in pieces:
            result = sink(chunk)
            if inspect.isawaitable(result):
                await result

"""A turn's answer for programs: in chunks, as a whole, into several sinks at once."""

import asyncio
import inspect
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from typing import NamedTuple, TypeAlias

from agent.changes import Log, Rewrite
from agent.transcript import Text, answer, clean, notices
from agent.turn import Turn

Sink: TypeAlias = Callable[[str], Awaitable[object] | object]
"""Takes one chunk: a function or an async function."""


class Answer(NamedTuple):
    """An answer when its turn is over."""

    text: str
    """All that was said, also when the turn failed or took too long."""

    chunks: list[str]

    notices: list[str]
    """Why the answer is not whole, in plain sentences; empty when it is."""


async def chunks(turn: Turn) -> AsyncGenerator[str, None]:
    """The answer's text, piece by piece as it comes.

    The pieces together are the answer. Only where an agent takes its words back and begins anew
    does its answer come again, below what cannot be unsaid here.
    """
    async with aclosing(Log(turn).read()) as changes:
        async for _, change in changes:
            if isinstance(change, Rewrite):
                yield "\n\n" + change.text
            elif isinstance(change, Text):
                yield change.text


async def collect(turn: Turn) -> Answer:
    """Wait for the whole answer."""
    pieces = [chunk async for chunk in chunks(turn)]
    return Answer(clean(answer(turn.transcript)), pieces, notices(turn.transcript))


async def pour(turn: Turn, *sinks: Sink) -> None:
    """Give every chunk to every sink, each at its own pace: a slow one holds up no other.

    Raises:
        ExceptionGroup: what sinks raised, when all the others have had the whole answer.
    """
    ends = await asyncio.gather(*(_fill(sink, turn) for sink in sinks), return_exceptions=True)
    if errors := [end for end in ends if isinstance(end, Exception)]:
        raise ExceptionGroup("Not every sink took the answer.", errors)


async def _fill(sink: Sink, turn: Turn) -> None:
    async with aclosing(chunks(turn)) as pieces:
        async for chunk in pieces:
            taken = sink(chunk)
            if inspect.isawaitable(taken):
                await taken

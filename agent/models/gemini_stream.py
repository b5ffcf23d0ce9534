"""Gemini's small events as fewer, larger ones, before google-genai reads them.

What google-genai and ADK do for each event costs fifty times as much as to look into it. So those
that differ in their words alone become one on their way in, where httpx lets whoever asks for it
have a hand in what it has received (its "event hooks").
"""

import json
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Iterator
from contextlib import aclosing, suppress
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import httpx

from agent.models.batching import hold


@dataclass(frozen=True)
class Event:
    """One of a stream's."""

    lines: str
    """As it came."""

    words: str = ""
    tokens: Any = None
    """How many there have been so far, if it tells."""

    frame: tuple[Any, ...] = ()
    """What is around the words, from the inside out; nothing, where there is more than words."""


async def lighten(response: object) -> None:
    """Have httpx hand over the same words in fewer events, if they come in events."""
    # google-genai may be told to use another client (`GOOGLE_GENAI_HTTP_CLIENT`).
    if isinstance(response, httpx.Response) and _is_stream(response):
        received = httpx.Response(200, headers=response.headers, stream=response.stream)
        response.headers.pop("content-encoding", None)  # What is handed over is decoded.
        response.stream = LightStream(received)


def _is_stream(response: httpx.Response) -> bool:
    kind: str = response.headers.get("content-type", "")
    return kind.startswith("text/event-stream")


HOOKS = {"response": [lighten]}
"""httpx's option `event_hooks`."""


class LightStream(httpx.AsyncByteStream):
    """What has been received, lighter."""

    def __init__(self, received: httpx.Response) -> None:
        self._received = received

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async with aclosing(hold(events(self._received), joined)) as fewer:
            async for event in fewer:
                yield event

    async def aclose(self) -> None:
        """Hang up."""
        await self._received.aclose()


async def events(received: httpx.Response) -> AsyncGenerator[Event]:
    """Each as soon as the empty line comes that ends it."""
    lines = ""
    async for line in received.aiter_lines():
        lines += f"{line}\n"
        if not line:
            yield parsed(lines)
            lines = ""
    if lines:
        yield Event(lines)


def parsed(lines: str) -> Event:
    """An event, and what is in it."""
    with suppress(ValueError):
        match json.loads(lines.removeprefix("data: ")):
            case {
                "candidates": [
                    {"content": {"parts": [{"text": str(words), **part}], **content}, **candidate}
                ],
                **answer,
            } if part.keys() <= {"thought"}:
                tokens = answer.pop("usageMetadata", None)
                return Event(lines, words, tokens, (part, content, candidate, answer))
    return Event(lines)


def joined(events: Iterable[Event]) -> Iterator[bytes]:
    """One for each run of those that differ in their words alone."""
    for frame, run in groupby(events, lambda event: event.frame):
        same = list(run)
        lines = [_one(same)] if frame and len(same) > 1 else [event.lines for event in same]
        yield "".join(lines).encode()


def _one(run: list[Event]) -> str:
    """The latest, with the words of all, and as many tokens as the latest count."""
    part, content, candidate, answer = run[-1].frame
    part = {"text": "".join(event.words for event in run), **part}
    candidate = {"content": {"parts": [part], **content}, **candidate}
    tokens = [{"usageMetadata": event.tokens} for event in run if event.tokens]
    answer = {"candidates": [candidate], **answer, **(tokens[-1] if tokens else {})}
    return f"data: {json.dumps(answer)}\n\n"

"""Gemini's small events as fewer, larger ones, before google-genai reads them.

What google-genai and ADK do for each event costs fifty times as much as to look into it here. So
events that differ in their text alone become one as they come in, in an event hook of the HTTP
library. Without it, 2,000 chunks that come at once take six times the CPU.
"""

import json
from collections.abc import AsyncGenerator, Iterable, Iterator, Sequence
from contextlib import aclosing, suppress
from itertools import groupby
from typing import Any, NamedTuple

from agent.core.stream_record import stream_record
from agent.models import pages_read
from agent.models.batching import batch
from agent.models.genai_internals import log_unknown_client, replace_body


class ServerSentEvent(NamedTuple):
    """An event of a stream. A tuple, because there are thousands."""

    # As it came.
    raw: str

    text: str = ""

    # How many tokens there have been so far, if it says so.
    usage: Any = None

    # Where there is more than text: how much of that is in it, see `text_sizes`.
    sizes: Sequence[tuple[int, bool]] = ()

    # What is around the text, from the inside out; empty where there is more than text, such as a
    # signature (`thoughtSignature`), which belongs to its own part.
    frame: tuple[Any, ...] = ()


class StreamHook:
    """An event hook that coalesces the streams of one model's client.

    Whether the client calls it, and with a response that it knows, shows at the first answer.
    """

    def __init__(self) -> None:
        # Whether answers go through it, as far as is known.
        self.is_effective = True
        self._was_called = False

    async def __call__(self, response: Any) -> None:
        """Have the same text come in fewer events, if it comes in events."""
        self._was_called = True
        kind = getattr(response, "headers", {}).get("content-type", "")
        if kind.startswith("text/event-stream"):
            if not replace_body(response, coalesced):
                self._give_up()
        elif kind.startswith("application/json"):
            replace_body(response, noted)

    def answer_has_come(self) -> None:
        """Notice, when a response of the model's is there, if it has not gone through here."""
        if not self._was_called:
            self._give_up()

    def _give_up(self) -> None:
        self.is_effective = False
        log_unknown_client()


def coalesced(response: Any) -> AsyncGenerator[bytes]:
    """The body of an HTTP response with fewer events."""
    return batch(read_events(response), coalesce_events)


async def noted(response: Any) -> AsyncGenerator[bytes]:
    """The body of an HTTP response that is no stream, whose arrival the turn's record notes."""
    async with aclosing(response.aiter_bytes()) as pieces:
        body = b"".join([piece async for piece in pieces])
    pages_read.note(body.decode(errors="replace"))
    if record := stream_record.get():
        record.responses += 1
        with suppress(ValueError):
            record.add_chunks(text_sizes(json.loads(body)))
    yield body


async def read_events(response: Any) -> AsyncGenerator[ServerSentEvent]:
    """Each event of an HTTP response, as soon as the empty line comes that ends it; the turn's
    record notes when that is."""
    raw, record = "", stream_record.get()
    if record:
        record.responses += 1
    async with aclosing(_read_lines(response)) as lines:
        async for line in lines:
            raw += line.decode(errors="replace") + "\n"
            if not line:
                event = parse_event(raw)
                pages_read.note(raw)
                if record:
                    if event.text:
                        record.add_chunk(len(event.text), bool(event.frame[0].get("thought")))
                    elif event.sizes:
                        record.add_chunks(event.sizes)
                yield event
                raw = ""
    if raw:
        yield ServerSentEvent(raw)


async def _read_lines(response: Any) -> AsyncGenerator[bytes]:
    """Lines that end with LF or CRLF; httpx ends one at U+2028 as well, which JSON may hold."""
    pieces: list[bytes] = []
    async with aclosing(response.aiter_bytes()) as chunks:
        async for chunk in chunks:
            end_of_first, *others = chunk.split(b"\n")
            pieces.append(end_of_first)
            for start_of_next in others:
                yield b"".join(pieces).removesuffix(b"\r")
                pieces = [start_of_next]
    if any(pieces):
        yield b"".join(pieces)


def parse_event(raw: str) -> ServerSentEvent:
    """An event with what is in it, if that is one part of text in one candidate."""
    with suppress(ValueError):
        parsed = json.loads(raw.removeprefix("data: "))
        match parsed:
            case {
                "candidates": [
                    {"content": {"parts": [{"text": str(text), **part}], **content}, **candidate}
                ],
                **answer,
            } if part.keys() <= {"thought"}:
                usage = answer.pop("usageMetadata", None)
                frame = part, content, candidate, answer
                return ServerSentEvent(raw, text, usage, frame=frame)
        return ServerSentEvent(raw, sizes=text_sizes(parsed))
    return ServerSentEvent(raw)


def text_sizes(answer: Any) -> list[tuple[int, bool]]:
    """How many characters of thoughts and of text there are in what Gemini has sent, if any; and
    whether they are thoughts."""
    sizes = {True: 0, False: 0}
    match answer:
        case {"candidates": [{"content": {"parts": [*parts]}}, *_]}:
            for part in parts:
                match part:
                    case {"text": str(text)}:
                        sizes[bool(part.get("thought"))] += len(text)
    return [(size, is_thought) for is_thought, size in sizes.items() if size]


def coalesce_events(events: Iterable[ServerSentEvent]) -> Iterator[bytes]:
    """One event for each run of those that differ in their text alone; the others as they came."""
    for frame, run in groupby(events, lambda event: event.frame):
        same = list(run)
        if frame and len(same) > 1:
            yield _one_event(same).encode()
        else:
            yield "".join(event.raw for event in same).encode()


def _one_event(run: list[ServerSentEvent]) -> str:
    """The text of all, in the latest's frame, with as many tokens as the latest count."""
    part, content, candidate, answer = run[-1].frame
    part = {"text": "".join(event.text for event in run), **part}
    candidate = {"content": {"parts": [part], **content}, **candidate}
    usages = [{"usageMetadata": event.usage} for event in run if event.usage]
    answer = {"candidates": [candidate], **answer, **(usages[-1] if usages else {})}
    return f"data: {json.dumps(answer)}\n\n"

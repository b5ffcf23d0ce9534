"""How an answer came: when each chunk of the model's arrived, and each of ADK's events.

Chunks are noted where the model's HTTP answer is read (agent/models/gemini_stream.py), before some
of them are joined to larger ones. A record is bounded, and lives as long as its turn: nothing of it
is stored.
"""

import time
from array import array
from collections.abc import Iterable, Iterator
from contextvars import ContextVar
from itertools import pairwise
from typing import Any, NamedTuple

from google.adk.events import Event

from agent.core.language import N_

# The longest answer that MAX_OUTPUT_TOKENS allows by default has 4,096 tokens, and no chunk has
# less than one. So many chunks take 45 KB.
MAX_CHUNKS = 5_000

# Events have names and kinds beside their figures: 200 take about 40 KB.
MAX_EVENTS = 200

# How the fields of a part, and of an event's actions, are called in a record.
PART_KINDS = {
    "function_call": N_("tool call"),
    "function_response": N_("tool result"),
    "inline_data": N_("file"),
    "file_data": N_("file"),
    "executable_code": N_("code"),
    "code_execution_result": N_("code result"),
}
ACTION_KINDS = {
    "state_delta": N_("state"),
    "artifact_delta": N_("file"),
    "transfer_to_agent": N_("hand-over"),
    "requested_tool_confirmations": N_("approval"),
    "requested_auth_configs": N_("sign-in"),
}


class Arrivals:
    """Texts, in the order in which they came."""

    def __init__(self) -> None:
        # Seconds since the question, characters, and whether it is a thought. Arrays, because a
        # stream has thousands of them.
        self.times, self.sizes, self.thoughts = array("d"), array("i"), array("b")
        # How many more there were.
        self.left_out = 0

    def add(self, at: float, size: int, is_thought: bool) -> None:
        """Note a text that has just come."""
        if len(self.times) < MAX_CHUNKS:
            self.times.append(at)
            self.sizes.append(size)
            self.thoughts.append(is_thought)
        else:
            self.left_out += 1

    def __iter__(self) -> Iterator[tuple[float, int, bool]]:
        """Each text, as it was added."""
        for at, size, is_thought in zip(self.times, self.sizes, self.thoughts, strict=True):
            yield at, size, bool(is_thought)

    def characters(self, thoughts: bool = False) -> int:
        """How many the answer has; or what the model has said to itself."""
        return sum(size for _, size, is_thought in self if is_thought == thoughts)

    def count(self, thoughts: bool = False) -> int:
        """How many of these texts there are."""
        return sum(is_thought == thoughts for _, _, is_thought in self)

    @property
    def first_text(self) -> float | None:
        """When the answer began, in seconds since the question."""
        return next((at for at, _, is_thought in self if not is_thought), None)

    @property
    def longest_gap(self) -> float | None:
        """The most seconds between two texts; None where all came at once."""
        return max((after - before for before, after in pairwise(self.times)), default=0.0) or None


class EventRow(NamedTuple):
    """One of ADK's events."""

    # Seconds since the question.
    at: float
    author: str
    is_partial: bool
    # What is in it, such as "text" or "tool call".
    kinds: tuple[str, ...]
    # Of text and thoughts.
    characters: int
    # What the model has reported so far for this call of it; None where it has not.
    tokens_in: int | None
    tokens_out: int | None


class StreamRecord:
    """How one answer came.

    Args:
        began: When the question came, in seconds of `time.monotonic`.
    """

    def __init__(self, began: float) -> None:
        self.is_streamed = True
        # The model's own chunks, as they came over HTTP.
        self.chunks = Arrivals()
        # How many HTTP answers of the model's there were.
        self.responses = 0
        # The texts of ADK's events.
        self.texts = Arrivals()
        self.events: list[EventRow] = []
        # How many more there were.
        self.events_left_out = 0
        # How long the run took; None while it goes on.
        self.seconds: float | None = None
        self._began = began
        # Whose partials have come, and their whole not yet.
        self._open: set[tuple[str, str | None]] = set()

    def add_chunk(self, size: int, is_thought: bool, at: float | None = None) -> None:
        """Note that the model has just sent so many characters. What comes after the run, such as a
        summary of the chat, is no part of the answer."""
        if self.seconds is None:
            self.chunks.add((at or time.monotonic()) - self._began, size, is_thought)

    def add_chunks(self, sizes: Iterable[tuple[int, bool]]) -> None:
        """Note what the model has sent at once: how many characters, and whether of thoughts."""
        now = time.monotonic()
        for size, is_thought in sizes:
            self.add_chunk(size, is_thought, now)

    def add_event(self, event: Event) -> None:
        """Note an event of ADK's that has just come."""
        at, texts = time.monotonic() - self._began, _texts(event)
        if len(self.events) < MAX_EVENTS:
            self.events.append(_row(event, at, sum(size for size, _ in texts)))
        else:
            self.events_left_out += 1
        if event.author == "user" or not texts:
            return
        source = event.author, event.branch
        if event.partial or source not in self._open:  # A whole repeats its partials.
            for size, is_thought in texts:
                self.texts.add(at, size, is_thought)
        if event.partial:
            self._open.add(source)
        else:
            self._open.discard(source)

    def end(self) -> None:
        """Note that the run is over."""
        self.seconds = time.monotonic() - self._began

    def has_all_chunks(self, calls: int) -> bool:
        """Whether all of the answer was seen as it came over HTTP.

        Args:
            calls: How often a model was called.
        """
        is_whole = self.chunks.characters() >= self.texts.characters()
        return bool(self.responses) and self.responses >= calls and is_whole


# The running turn's, shared by all agents in it.
stream_record: ContextVar[StreamRecord | None] = ContextVar("stream_record", default=None)


def _row(event: Event, at: float, characters: int) -> EventRow:
    tokens_in = tokens_out = None
    if usage := event.usage_metadata:
        tokens_in = usage.prompt_token_count
        tokens_out = (usage.candidates_token_count or 0) + (usage.thoughts_token_count or 0)
    kinds = tuple(dict.fromkeys(_kinds(event)))
    return EventRow(at, event.author, bool(event.partial), kinds, characters, tokens_in, tokens_out)


def _texts(event: Event) -> list[tuple[int, bool]]:
    """How many characters of thoughts and of text there are, if any; and whether they are
    thoughts."""
    sizes = {True: 0, False: 0}
    for part in event.content.parts or [] if event.content else []:
        sizes[bool(part.thought)] += len(part.text or "")
    return [(size, is_thought) for is_thought, size in sizes.items() if size]


def _kinds(event: Event) -> Iterator[str]:
    for part in event.content.parts or [] if event.content else []:
        if part.text:
            yield N_("thought") if part.thought else N_("text")
        else:
            yield from _set_fields(part, PART_KINDS.items())
    if not event.partial:
        yield from _set_fields(event.actions, ACTION_KINDS.items())
    if event.error_code:
        yield N_("error")


def _set_fields(value: Any, kinds: Iterable[tuple[str, str]]) -> Iterator[str]:
    return (kind for name, kind in kinds if getattr(value, name, None))

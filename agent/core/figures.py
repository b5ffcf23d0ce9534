"""What is measured of a turn: its times, its chunks, its tokens."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any, TypeAlias

from google.adk.events import Event
from google.genai.types import GenerateContentResponseUsageMetadata

# Under which name an event's `custom_metadata` holds what was measured of its turn until then.
MEASURED = "adk_chat_page_figures"

# What the built-in offline model reports as its version.
OFFLINE_VERSION = "offline"

# An event's author and branch.
Source: TypeAlias = tuple[str, str | None]


@dataclass
class Figures:
    """What the stream of one answer measured, as the agent's reader saw it."""

    # Seconds from the start of the turn to the first chunk of text; None without one.
    first_token: float | None = None
    # Seconds from the start of the turn to its end, without those in which it waited for a person.
    total: float = 0.0
    chunks: int = 0
    characters: int = 0
    smallest_chunk: int = 0
    largest_chunk: int = 0

    def count(self, text: str, elapsed: float) -> None:
        """Count one chunk, `elapsed` seconds after the start."""
        size = len(text)
        self.first_token = round(elapsed, 3) if self.first_token is None else self.first_token
        self.smallest_chunk = min(self.smallest_chunk or size, size)
        self.largest_chunk = max(self.largest_chunk, size)
        self.chunks += 1
        self.characters += size


@dataclass
class Usage:
    """Tokens, as the model itself reports them, of all its calls in one turn."""

    prompt: int = 0
    answer: int = 0
    # The models that have answered, as they call themselves, the first one first.
    models: tuple[str, ...] = ()
    # What the visitor had chosen for them (agent/core/choices.py).
    chosen: Mapping[str, Any] = field(default_factory=dict)
    # What calls that are still running have reported so far.
    _running: dict[Source, GenerateContentResponseUsageMetadata] = field(default_factory=dict)

    def count(self, event: Event) -> None:
        """Add the tokens that an event reports of its model call. A partial's are those of the call
        so far, and come again."""
        if event.model_version and event.model_version not in self.models:
            self.models = (*self.models, event.model_version)
        source, reported = (event.author, event.branch), event.usage_metadata
        if event.partial:
            self._running |= {source: reported} if reported else {}
            return
        # The event by which ADK ends a call that was cut off reports nothing itself.
        running = self._running.pop(source, None)
        if whole := reported or running:
            self._add(whole)

    def so_far(self) -> "Usage":
        """A copy that counts calls which were cut off, too, as far as their models have reported
        them."""
        whole = replace(self, _running={})
        for reported in self._running.values():
            whole._add(reported)
        return whole

    def after(self, event: Event) -> "Usage":
        """A copy that counts this event, too."""
        copy = replace(self, _running=dict(self._running))
        copy.count(event)
        return copy.so_far()

    def _add(self, reported: GenerateContentResponseUsageMetadata) -> None:
        self.prompt += reported.prompt_token_count or 0
        self.answer += reported.candidates_token_count or 0
        self.answer += reported.thoughts_token_count or 0


def to_stored(figures: Figures, usage: Usage) -> dict[str, Any]:
    """What is stored with a turn's events, as `custom_metadata` of one."""
    stored = {
        "first": figures.first_token,
        "total": figures.total,
        "prompt": usage.prompt,
        "answer": usage.answer,
        "models": list(usage.models),
    }
    return {MEASURED: stored}


def of_events(events: Sequence[Event]) -> tuple[Figures, Usage]:
    """The figures of a stored turn, from all its events.

    They are those that were measured while it ran, and stored with its latest event. Earlier
    versions have stored none; then ADK's own tokens and times are added up, and when the first
    words came is not known.
    """
    for event in reversed(events):
        match (event.custom_metadata or {}).get(MEASURED):
            case {
                "first": None | float() | int() as first,
                "total": float() | int() as total,
                "prompt": int(prompt),
                "answer": int(answer),
                "models": list(models),
            }:
                return Figures(first, total), Usage(prompt, answer, tuple(map(str, models)))
    figures, usage = Figures(), Usage()
    for before, event in pairwise(events):
        usage.count(event)
        if event.author != "user":  # To wait for a person is none of its time.
            figures.total += max(0.0, event.timestamp - before.timestamp)
    # What was said elsewhere, and only stored here, took no time here.
    return (figures if usage.prompt or usage.answer else Figures()), usage

"""One run of the agent, in a task of its own; whoever wants to see it watches.

The turn folds each ADK event into its transcript and keeps only the latest one. A watcher takes
whatever is latest whenever it is ready for more, so a slow one never has a backlog, and one that
leaves takes nothing with it. Stop, timeouts and failures all end the turn in one place.
"""

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Coroutine, Iterator
from contextlib import aclosing, contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from google.adk.events import Event

from agent.core import transcript
from agent.core.errors import OTHERWISE, PlainError, explain
from agent.core.settings import Settings
from agent.core.transcript import Notice, Picture, Text, ToolCall, Transcript

log = logging.getLogger(__name__)

PACE = 0.04
"""Seconds between two looks of a watcher; more when showing what it took costs more."""

SOON = 0.2
"""Seconds of silence that nobody need be told of: so long a watcher waits for the first words."""

HEARTBEAT = 1.0
"""Seconds of silence after which a watcher is given the same again, and so can notice that its
own reader has gone: Gradio closes a generator only when it yields (gradio/queueing.py)."""

ABORT_GRACE = 0.2
"""Seconds ADK has to end an aborted run by itself before its task is cancelled."""

ABORTED = "INVOCATION_ABORTED"
"""ADK's code for the event that seals a run we stopped (adk/events/_abort_events.py)."""


@dataclass
class Figures:
    """What the stream of one answer measured, as the agent's reader saw it."""

    first_token: float | None = None
    """Seconds from the start of the turn to the first chunk of text."""

    total: float = 0.0
    """Seconds from the start of the turn to its end."""

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
class Past:
    """What one turn has left in the session."""

    invocation_id: str | None = None
    """None until the run has begun."""

    live: int = 0
    """How many stored events are this turn's."""

    void: int = 0
    """How many events were stored after it and then rewound."""

    figures: Figures = field(default_factory=Figures)


@dataclass
class Usage:
    """Tokens, as the model itself reports them, of all its calls in one turn."""

    prompt: int = 0
    answer: int = 0

    def count(self, event: Event) -> None:
        """Add one model call's; a partial's are of the call so far, and come again."""
        if (reported := event.usage_metadata) and not event.partial:
            self.prompt += reported.prompt_token_count or 0
            self.answer += reported.candidates_token_count or 0
            self.answer += reported.thoughts_token_count or 0


class Turn:
    """One message's answer, from its start to its end.

    A turn is begun with the coroutine that does its work, which calls `follow` with the events of
    its run. Nothing that happens in the turn raises out of it: a failure is told by a notice at
    the transcript's end.
    """

    def __init__(self, settings: Settings) -> None:
        self.transcript: Transcript = ()
        self.version = 0
        self.figures = Figures()
        self.past = Past(figures=self.figures)
        self.usage = Usage()
        self.failure: BaseException | str | None = None
        """What kept the turn from a good end: an exception, or an ADK event's error code."""
        self.abort = asyncio.Event()
        """For `Runner.run_async`, as its `abort_signal`."""
        self.admitted = asyncio.Event()
        """Set when the run begins, or has been refused before: then the turn is over."""
        self._settings = settings
        self._began = time.monotonic()
        self._changed, self._ended = asyncio.Event(), asyncio.Event()
        self._error_code: str | None = None
        self._tool_is_final = self._has_streamed = self._is_followed = False
        self._reason: PlainError | None = None
        self._watchers = 0
        self._seen = self._told = 0.0
        self._task: asyncio.Task[None] | None = None
        self._clock: asyncio.TimerHandle | None = None
        self._leaving: asyncio.TimerHandle | None = None

    @property
    def elapsed(self) -> float:
        """Seconds since the turn began."""
        return time.monotonic() - self._began

    @property
    def waiting(self) -> float | None:
        """Seconds since the turn began, if nothing comes at the moment and more is expected."""
        is_silent = self.elapsed - self._told >= SOON
        return self.elapsed if is_silent and not self.over else None

    @property
    def over(self) -> bool:
        """Whether the turn has ended: its transcript changes no more."""
        return self._ended.is_set()

    @property
    def abandoned(self) -> bool:
        """Whether it runs on though all who watched it have left."""
        return bool(self._leaving and not self._watchers and not self.over)

    def begin(self, work: Coroutine[Any, Any, None]) -> "Turn":
        """Start the turn's own task; it ends with `work`."""
        self._task = asyncio.create_task(self._live(work))
        return self

    async def follow(self, events: AsyncGenerator[Event, None]) -> None:
        """Fold the run's events in as they come, and end the run when it stands still.

        What the run raises is the turn's `failure`, and goes no further.
        """
        raised = await self._raised(self._fold(events))
        self._is_followed = True  # It can no longer be stopped.
        self.failure = raised or self._error_code or (None if self._has_answer() else "EMPTY")

    async def _fold(self, events: AsyncGenerator[Event, None]) -> None:
        self.admitted.set()
        try:
            self._restart_timer()
            async with aclosing(events):
                async for event in events:
                    self._take(event)
                    self._restart_timer()
        finally:
            self._cancel_clock()
            self.figures.total = round(self.elapsed, 3)

    def add_notice(self, notice: Notice) -> None:
        """Add a sentence of the app's own."""
        self._publish((*self.transcript, notice))

    def wake(self) -> None:
        """Give every watcher the same again, for one that has a reason of its own to leave."""
        self._publish(self.transcript)

    def stop(self, reason: PlainError | None = None) -> None:
        """End the run now; what was said stays. Stopping twice, or too late, does nothing."""
        if self._reason or self._is_followed or self.over or self._task is None:
            return
        self._reason = reason or PlainError("Stopped.")
        self.abort.set()
        self._cancel_clock()
        # An agent of a class of its own may look at the signal only between its events.
        self._clock = asyncio.get_running_loop().call_later(ABORT_GRACE, self._task.cancel)

    async def finish(self) -> Transcript:
        """Wait for the end; the whole transcript."""
        await self._ended.wait()
        return self.transcript

    async def watch(self) -> AsyncGenerator[Transcript, None]:
        """The latest transcript, again and again until the end, at the watcher's own pace."""
        with self._watching():
            if not (self.transcript or self.over):
                await _wait(self._changed, SOON)
            while True:
                version, given = self.version, self.elapsed
                yield self.transcript
                self._seen = self.elapsed
                if self.over and version == self.version:
                    return
                await self._rest(self._seen - given)
                await self._news(version)

    async def _rest(self, cost: float) -> None:
        """Leave half of the time to others; but the first words and the last are never held."""
        if self.transcript:
            await _wait(self._ended, max(PACE, cost))

    async def _news(self, version: int) -> None:
        if version == self.version:
            await _wait(self._changed, HEARTBEAT)

    @contextmanager
    def _watching(self) -> Iterator[None]:
        """While inside, somebody watches. When the last one has left, the turn ends after a time
        of grace, counted from the last sign of that watcher."""
        self._watchers += 1
        if self._leaving:
            self._leaving.cancel()
        try:
            yield
        finally:
            self._watchers -= 1
            if not (self._watchers or self.over):
                grace = self._seen + self._settings.leave_grace - self.elapsed
                self._leaving = asyncio.get_running_loop().call_later(
                    max(0.0, grace), self.stop, PlainError("Stopped: nobody was here.")
                )

    async def _live(self, work: Coroutine[Any, Any, None]) -> None:
        last: Transcript = ()
        try:
            raised = await self._raised(work)
            self.failure = self.failure or raised
            if self.failure:
                last = (Notice(explain(self.failure)),)
        finally:
            self._ended.set()
            self.admitted.set()
            self._publish((*transcript.close(self.transcript), *last))
            # Each of these holds the visitor's request, in its context.
            self._task = self._clock = self._leaving = None

    async def _raised(self, work: Coroutine[Any, Any, None]) -> BaseException | None:
        """Do the work; what kept it from its end, if anything did."""
        try:
            await work
        except asyncio.CancelledError:
            return self._reason or PlainError("Stopped: the app was shut down.")
        except Exception as error:
            if not (self._reason or isinstance(error, PlainError)):
                _log(error)
            return self._reason or error
        return None if self._is_followed else self._reason

    def _has_answer(self) -> bool:
        """Whether there is something to see; a tool alone counts where ADK calls that final."""
        shown = [e for e in self.transcript if isinstance(e, Text | Picture | ToolCall)]
        match shown[-1:]:
            case [Text(text=text)]:
                return bool(text.strip())
            case [ToolCall()]:
                return self._tool_is_final
        return bool(shown)

    def _take(self, event: Event) -> None:
        if event.author == "user":
            return
        self._count(event)
        self.usage.count(event)
        if not event.partial and (event.content or event.error_code):
            self._error_code = None if event.error_code == ABORTED else event.error_code
        if event.get_function_calls() or event.get_function_responses():
            self._tool_is_final = event.is_final_response()
        self._publish(transcript.add(self.transcript, event))

    def _count(self, event: Event) -> None:
        """Count the event's text; a whole that repeats its partials is no chunk of its own."""
        text = _text(event)
        if text and (event.partial or not self._has_streamed):
            self.figures.count(text, self.elapsed)
        self._has_streamed = bool(event.partial)

    def _publish(self, latest: Transcript) -> None:
        self.transcript, self._told = latest, self.elapsed
        self.version += 1
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    def _restart_timer(self) -> None:
        """Set the clock to the moment at which patience ends, unless the end has begun."""
        if not self._reason:
            self._cancel_clock()
            seconds, reason = min(self._limits(), key=lambda limit: limit[0])
            self._clock = asyncio.get_running_loop().call_later(seconds, self.stop, reason)

    def _cancel_clock(self) -> None:
        if self._clock:
            self._clock.cancel()

    def _limits(self) -> Iterator[tuple[float, PlainError]]:
        """Seconds from now, and what to say then."""
        limits = self._settings
        yield (
            limits.turn_timeout - self.elapsed,
            PlainError(
                f"The answer took longer than {_seconds(limits.turn_timeout)} and was ended here. "
                "Try again, or ask for something shorter."
            ),
        )
        if not any(not isinstance(entry, Notice) for entry in self.transcript):
            yield (
                limits.first_token_timeout,
                PlainError(
                    f"No answer came within {_seconds(limits.first_token_timeout)}. "
                    "Your message was not lost: try again."
                ),
            )
        elif not transcript.busy_with_tools(self.transcript):
            yield (
                limits.gap_timeout,
                PlainError(
                    f"The answer stood still for {_seconds(limits.gap_timeout)} and was cut off. "
                    "Try again for a full answer."
                ),
            )


def _log(error: Exception) -> None:
    """One line for what the table explains; the traceback for what only the agent's author can."""
    unknown = explain(error) == OTHERWISE
    level = logging.ERROR if unknown else logging.WARNING
    log.log(level, "%s: %s", type(error).__name__, explain(error), exc_info=unknown)


def _seconds(number: float) -> str:
    return f"{number:g} second" + "s" * (number != 1)


async def _wait(event: asyncio.Event, seconds: float) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()


def _text(event: Event) -> str:
    parts = event.content.parts or [] if event.content else []
    return "".join(part.text for part in parts if part.text and not part.thought)

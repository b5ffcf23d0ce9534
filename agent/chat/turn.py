"""One message's answer, from its start to its end, for any number of watchers.

A turn folds each ADK event into its transcript, and keeps only the latest one. A watcher takes the
latest whenever it is ready for more: a slow one never has a backlog, and one that leaves takes
nothing with it.
"""

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Callable, Container, Coroutine, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Any, cast

from google.adk.events import Event

from agent.chat.ending import Ending, results_in, words_of
from agent.core import transcript, waiting
from agent.core.containment import contain_tasks, in_turn, is_being_cancelled
from agent.core.errors import (
    BUDGET_SPENT,
    TOO_MANY_CALLS,
    UNKNOWN,
    explain,
    limits_behind,
    log_failure,
)
from agent.core.figures import Figures, Usage
from agent.core.files import File
from agent.core.history import TurnRecord, changes_user, may_answer_earlier, turn_id_of
from agent.core.notices import Notice, PlainError
from agent.core.question import Screen
from agent.core.settings import Settings
from agent.core.silence import Silence
from agent.core.stream_record import StreamRecord, stream_record
from agent.core.transcript import Text, Transcript
from agent.limits.budget import TokenUsage

log = logging.getLogger(__name__)

# Seconds between two looks of a watcher; more when showing what it took costs more.
WATCH_INTERVAL = 0.04

# Seconds of silence that nobody need be told of: so long a watcher waits for the first words.
SILENCE = 0.2

# Seconds of silence after which a watcher is given the same again, and so can notice that its own
# reader has gone: Gradio closes a generator only when it yields (gradio/queueing.py).
REPEAT_INTERVAL = 1.0

# Seconds ADK has to end an aborted run by itself before its task is cancelled; and to store the
# question first, where it has not yet. That takes milliseconds, but for a store with much to do.
ABORT_TIMEOUT, QUESTION_TIMEOUT = 0.2, 2.0


class Turn:
    """A turn, driven by a conversation's coroutine, the `work`.

    1. `start` gives the turn a task of its own, where `_drive` does the work.
    2. The work calls `resume` if the turn goes on after a pause, and then `run`: now the turn is
       `admitted`. One that is refused before goes on to 5 at once.
    3. `run` does the agent's run, which gives each event to `add`, until its end, a failure, a
       timeout or `stop`. Nothing of that raises out of `run`: it is the turn's `failure`.
    4. The work stores what was said; now the turn can no longer be stopped.
    5. `_drive` closes the transcript, with a notice of the failure: the turn is `over`.
    """

    def __init__(self, settings: Settings) -> None:
        # See `turn_id_of`; None until the run has begun.
        self.id: str | None = None
        # The ADK session it belongs to; "" until that is found.
        self.session_id = ""
        # The time of its first event, in seconds since 1970.
        self.asked_at = 0.0
        # Whether it has changed state or files that belong to the user, not to the session.
        self.changes_user = False
        # Whether it has changed what stands above it, such as by closing what was asked there.
        self.changes_earlier = False
        # What the page shows above it; None until its session agrees with that.
        self.screen: Screen | None = None
        # The turn that its visitor has left for this one; None once the session is without that.
        self.replaces: Turn | None = None
        self.transcript: Transcript = ()
        self.version = 0
        # Its branches, as they have begun.
        self.branches: list[str] = []
        self.figures = Figures()
        self.usage = Usage()
        # What its models have been asked for and have given, as far as it may cost something.
        self.spent = TokenUsage(settings.max_llm_calls)
        # How many events of it are in the session's store.
        self.events = 0
        # Its transcript, and how many seconds it had taken, when it began to wait for a person.
        self.earlier: Transcript = ()
        self._seconds_before = 0.0
        # What kept the turn from a good end: an exception, or an ADK event's error code.
        self.failure: BaseException | str | None = None
        # For `Runner.run_async`, as its `abort_signal`.
        self.abort = asyncio.Event()
        # Set when the run begins, or has been refused before: then the turn is over.
        self.admitted = asyncio.Event()
        self._known: Container[str] = ()
        self._settings = settings
        self._began = time.monotonic()
        # When its chunks and events came.
        self.record = StreamRecord(self._began)
        self._changed, self._ended = asyncio.Event(), asyncio.Event()
        self._ending = Ending()
        self._has_streamed = self._has_run = False
        self._stop_reason: PlainError | None = None
        self._watchers = 0
        self._watched_at = self._published_at = self._heard_at = 0.0
        self._task: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._leave_timer: asyncio.TimerHandle | None = None

    @property
    def elapsed(self) -> float:
        """Seconds since the turn began."""
        return time.monotonic() - self._began

    @property
    def seconds(self) -> float:
        """How many it has taken until now, without those in which it waited for a person."""
        return round(self._seconds_before + self.elapsed, 3)

    @property
    def silence(self) -> Silence | None:
        """How long nothing has come, if nothing comes at the moment and more is expected."""
        lasts = self.elapsed - self._published_at
        if lasts < SILENCE or self.over:
            return None
        return Silence(self.elapsed, lasts, time.time())

    @property
    def over(self) -> bool:
        """Whether the turn has ended: its transcript changes no more."""
        return self._ended.is_set()

    @property
    def is_stopping(self) -> bool:
        """Whether it has been told to end, and is about to."""
        return self._stop_reason is not None and not self.over

    @property
    def abandoned(self) -> bool:
        """Whether it runs on though all who watched it have left."""
        return bool(self._leave_timer and not self._watchers and not self.over)

    @property
    def is_waiting(self) -> bool:
        """Whether its agent waits for somebody, so that the turn goes on later."""
        return waiting.is_waiting(self.transcript)

    def measured(self, record: TurnRecord) -> TurnRecord:
        """A record of it, with its figures."""
        return replace(record, figures=self.figures, usage=self.usage.so_far())

    # For the conversation, which drives the turn.

    def start(self, work: Coroutine[Any, Any, None]) -> "Turn":
        """Start the turn's own task; the turn is over when `work` is."""
        self._task = asyncio.create_task(self._drive(work))
        return self

    async def _drive(self, work: Coroutine[Any, Any, None]) -> None:
        in_turn.set(True)
        contain_tasks(asyncio.get_running_loop())
        last: Transcript = (Notice(UNKNOWN),)
        try:
            raised = await self._failure_of(work)
            self.failure = self.failure or raised
            last = (explain(self.failure),) if self.failure else ()
            if last and (limits := limits_behind(last[0], self._settings)):
                # That a message was refused is told only where the host logs more than warnings.
                level = logging.WARNING if self.id else logging.INFO
                log.log(level, "%s (%s)", last[0].english, limits)
        finally:
            self._ended.set()
            self.admitted.set()
            self._publish((*transcript.close(self.transcript), *last))
            # Each of these holds the visitor's request, in its context.
            self._task = self._timer = self._leave_timer = None

    def resume(self, record: TurnRecord) -> None:
        """Go on from there: the turn has waited for a person, who has answered now; again with what
        has been stored for that."""
        self.id, self.asked_at, self.events = record.id, record.asked_at, record.events
        self.changes_user, self.figures = record.changes_user, replace(record.figures)
        self.earlier, self._seconds_before = self.earlier or record.transcript, record.figures.total
        self._publish(record.transcript)

    async def run(
        self,
        work: Coroutine[Any, Any, None],
        known: Container[str] = (),
        is_streamed: bool = True,
    ) -> None:
        """The agent's run: `work` gives the turn its events, and is ended when it stands still.

        What it raises is the turn's `failure`, and goes no further, so that the run can be stored.

        Args:
            work: The run.
            known: The invocations of the turns before.
            is_streamed: Whether models give their answers in pieces, or whole.
        """
        self._known, self.record.is_streamed = known, is_streamed
        stream_record.set(self.record)  # In the turn's own task, and so for this turn alone.
        self.admitted.set()
        self._restart_timer()
        try:
            raised = await self._failure_of(work)
        finally:
            self._cancel_timer()
            self.record.end()
            self.figures.total = self.seconds
        self._has_run = True  # It can no longer be stopped.
        empty = "EMPTY" if self.spent.calls or self.spent.free_calls else "NO_ANSWER"
        latest = self.transcript[len(self.earlier) :]
        has_end = self._ending.has_answer(latest) or self.is_waiting
        self.failure = raised or self._ending.error_code or (None if has_end else empty)
        is_said = any(isinstance(entry, Text | File) for entry in self.transcript)
        if not (self.failure or self.is_waiting or is_said):
            self.add_notice(Notice("no_words"))

    async def _failure_of(self, work: Coroutine[Any, Any, None]) -> BaseException | None:
        """Do the work; what kept it from its end, if anything did."""
        try:
            await work
        except GeneratorExit:  # The turn's task is closed.
            raise
        except BaseException as error:
            if isinstance(error, asyncio.CancelledError) and is_being_cancelled():
                return self._stop_reason or PlainError("cancelled")
            if not (self._stop_reason or isinstance(error, PlainError)):
                log_failure(error, log)
            return self._stop_reason or error
        return None if self._has_run else self._stop_reason

    def add(self, event: Event, described: Callable[[Transcript], Transcript] = tuple) -> None:
        """Fold one of the run's events in; `described` adds what is known of artifacts."""
        if self.id is None and self.is_stopping:
            self._cancel_task_in(ABORT_TIMEOUT)  # The question is stored now.
        self.id = self.id or turn_id_of(event, self._known)
        self.asked_at = self.asked_at or event.timestamp
        self.events += not event.partial
        self.changes_user = self.changes_user or (not event.partial and changes_user(event))
        self.changes_earlier |= may_answer_earlier(event, self.id)
        self.record.add_event(event)
        latest = transcript.add(self.transcript, event)
        latest = described(latest) if event.actions.artifact_delta else latest
        if event.author == "user":
            if latest != self.transcript:  # A person's reply.
                self._publish(latest)
        else:
            text = words_of(event) or results_in(latest[len(self.transcript) :])
            if text and (event.partial or not self._has_streamed):
                self.figures.count(text, self.elapsed)  # A whole repeats its partials.
            self._has_streamed = bool(event.partial)
            self.usage.count(event)
            if not event.partial:
                self.spent.end_call(event.author)
                self._ending.note(event, self.transcript)
                if event.error_code in (TOO_MANY_CALLS, BUDGET_SPENT):
                    self.stop(PlainError(explain(event.error_code).code))
            self._publish(latest)
        self._heard_at = self.elapsed
        self._restart_timer()

    def add_notice(self, notice: Notice) -> None:
        """Add a sentence of the app's own."""
        self._publish((*self.transcript, notice))

    # For those who watch it.

    def stop(
        self, reason: PlainError | None = None, question_timeout: float = QUESTION_TIMEOUT
    ) -> None:
        """End the run now; what was said stays. Stopping twice, or too late, does nothing.

        Args:
            reason: What the visitor is told.
            question_timeout: Seconds for the question to be stored, if it is not yet.
        """
        if self._stop_reason or self._has_run or self.over or self._task is None:
            return
        self._stop_reason = reason or PlainError("stopped")
        self.abort.set()
        # An agent of a class of its own may look at the signal only between its events.
        self._cancel_task_in(ABORT_TIMEOUT if self.id else question_timeout)

    async def finish(self) -> Transcript:
        """Wait for the end; the whole transcript."""
        await self._ended.wait()
        return self.transcript

    async def ids(self) -> tuple[str, ...]:
        """Wait for the end; its id, and the ids of the turns that it replaces and that may still be
        in the session."""
        turn, ids = cast("Turn | None", self), []
        while turn:
            await turn.finish()
            ids.append(turn.id)
            turn = turn.replaces
        return tuple(filter(None, ids))

    async def watch(self) -> AsyncGenerator[Transcript, None]:
        """The latest transcript, again and again until the end, at the watcher's own pace.

        The watcher rests as long as it has taken to show what it was given, so that half of the
        time is left to others; but the first words and the last are never held back.
        """
        with self._watching():
            if not (self.transcript or self.over):
                await _wait(self._changed, SILENCE)
            while True:
                version, given_at = self.version, self.elapsed
                yield self.transcript
                self._watched_at = self.elapsed
                if self.over and version == self.version:
                    return
                if self.transcript:
                    await _wait(self._ended, max(WATCH_INTERVAL, self._watched_at - given_at))
                if version == self.version:
                    await _wait(self._changed, REPEAT_INTERVAL)

    def wake(self) -> None:
        """Give every watcher the same again: one of them may have a reason of its own to leave."""
        self._publish(self.transcript)

    @contextmanager
    def _watching(self) -> Iterator[None]:
        """While inside, somebody watches. When the last one has left, the turn ends after a time
        of grace, counted from the last sign of that watcher."""
        self._watchers += 1
        if self._leave_timer:
            self._leave_timer.cancel()
        try:
            yield
        finally:
            self._watchers -= 1
            if not (self._watchers or self.over):
                grace = self._watched_at + self._settings.leave_grace - self.elapsed
                self._leave_timer = asyncio.get_running_loop().call_later(
                    max(0.0, grace), self.stop, PlainError("unwatched")
                )

    def _publish(self, latest: Transcript) -> None:
        self.transcript, self._published_at = latest, self.elapsed
        self.version += 1
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    def _restart_timer(self) -> None:
        """Set the timer to the first of the timeouts, unless the end has begun."""
        if self._stop_reason:
            return
        self._cancel_timer()
        seconds, reason = min(self._timeouts(), key=lambda timeout: timeout[0])
        if seconds <= 0:
            self.stop(reason)
        else:  # By then a model may have been called, or have ended.
            self._timer = asyncio.get_running_loop().call_later(seconds, self._restart_timer)

    def _cancel_task_in(self, seconds: float) -> None:
        self._cancel_timer()
        if self._task:
            self._timer = asyncio.get_running_loop().call_later(seconds, self._task.cancel)

    def _cancel_timer(self) -> None:
        if self._timer:
            self._timer.cancel()

    def _timeouts(self) -> Iterator[tuple[float, PlainError]]:
        """Seconds from now to each timeout, and what to say then."""
        limit = self._settings.turn_timeout
        yield limit - self.elapsed, PlainError("turn_timeout", limit=limit)
        # A model that does not stream is silent until it has said all.
        if transcript.busy_with_tools(self.transcript) or not self.record.is_streamed:
            return
        is_first = all(isinstance(entry, Notice) for entry in self.transcript)
        code = "first_token_timeout" if is_first else "gap_timeout"
        limit = getattr(self._settings, code)
        # Only a model's silence is one: else a node, a callback or an agent of a class of its own
        # is at work.
        since = self.spent.waiting_since
        silence = 0.0 if since is None else self.elapsed - max(self._heard_at, since - self._began)
        yield limit - silence, PlainError(code, limit=limit)


async def _wait(event: asyncio.Event, seconds: float) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()

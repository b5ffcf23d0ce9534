"""A talk: one turn in which both sides speak at any time, until one of them ends it.

It is a turn as any other to those that watch it, stop it or store it. Its person's words go to
ADK's run by a queue. What ADK does not watch over is watched over here: that the words are taken,
that something comes back, how long it all lasts, and what it costs (`_timeouts`).
"""

import asyncio
import time
from collections.abc import (
    AsyncGenerator,
    Awaitable,
    Callable,
    Collection,
    Container,
    Coroutine,
    Iterator,
)
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from google.adk.agents import LiveRequestQueue
from google.adk.agents.live_request_queue import LiveRequest
from google.adk.events import Event
from google.genai import types

from agent.chat.ending import words_of
from agent.chat.live_line import TalkLine
from agent.chat.sealing import cut_event
from agent.chat.turn import ABORT_TIMEOUT, QUESTION_TIMEOUT, Turn
from agent.core import talk, transcript
from agent.core.errors import explain
from agent.core.figures import OFFLINE_VERSION
from agent.core.history import changes_user
from agent.core.notices import Notice, PlainError
from agent.core.settings import Settings
from agent.core.silence import Silence
from agent.core.text import clean
from agent.core.transcript import Text, Thought, ToolCall, Transcript

# Seconds in which ADK must have taken what was said: it takes it at once, but for a store or a
# network that is slow. Afterwards nobody reads the queue any more, and ADK does not say so.
TAKE_TIMEOUT = 8.0

# The code of the notice that is given then, where nothing else says why.
NOT_HEARD = "talk_not_heard"

# Events that one who listens may be behind: 40 s of a voice at 25 pieces a second.
MAX_BEHIND = 1000


@dataclass(frozen=True)
class TalkOptions:
    """How a talk is to be held."""

    # Whether the agent speaks; else it writes.
    has_voice: bool = False
    # Whether the person says when they begin and end to speak; else the model listens for that.
    push_to_talk: bool = False


class TalkQueue(LiveRequestQueue):
    """What a person says, on its way to ADK's run.

    Args:
        on_done: Called when ADK is done with a request: it has stored its words, and sent them.
    """

    def __init__(self, on_done: Callable[[LiveRequest], None]) -> None:
        super().__init__()
        self._on_done = on_done
        self._taken: LiveRequest | None = None
        self._taken_at = 0.0
        # When what is not taken yet was put in, in seconds of `time.monotonic`.
        self._put: list[float] = []

    @property
    def size(self) -> int:
        """How many requests wait."""
        return len(self._put)

    @property
    def waits_since(self) -> float | None:
        """Since when the oldest request waits to be taken, or to be done with, in seconds of
        `time.monotonic`; None without one."""
        if self._taken:
            return self._taken_at
        return self._put[0] if self._put else None

    def put(self, request: LiveRequest) -> None:
        """Put a request in."""
        self._put.append(time.monotonic())
        self.send(request)

    def send_content(self, content: types.Content, partial: bool = False) -> None:
        """What ADK itself puts in: a tool's result."""
        self.put(LiveRequest(content=content))

    async def get(self) -> LiveRequest:
        """The next request; by then ADK is done with the one before."""
        if done := self._taken:
            self._taken = None
            self._on_done(done)
        self._taken, self._taken_at = await super().get(), time.monotonic()
        if not self._taken.close:
            del self._put[:1]
        return self._taken


class LiveTurn(Turn):
    """A talk, driven by the coroutine that it is started with (agent/chat/talk.py)."""

    def __init__(self, settings: Settings, options: TalkOptions) -> None:
        super().__init__(settings)
        self.options = options
        self.queue = TalkQueue(self._taken)
        self.line = TalkLine(self._line_was_lost, self._line_opened)
        # Set when the model is connected, so that it is known whether that hears a voice.
        self.line_opened = asyncio.Event()
        # Whether a person's words may be sent on; raises LimitExceeded where not.
        self.admit: Callable[[str], Awaitable[None]] | None = None
        # The agent that it begins with, and what of the session's state is set then.
        self.agent_name = ""
        self.begin_state: dict[str, Any] = {}
        # Stores an event while ADK runs: nobody else may write in its session.
        self.store: Callable[[Event], Awaitable[object]] | None = None
        self._has_told_deaf = False
        # Since when an answer is owed, and when words have come last, in seconds of the talk.
        self._owed_since: float | None = None
        self._words_at = 0.0
        self._listeners: list[asyncio.Queue[Event | None]] = []

    @property
    def is_answering(self) -> bool:
        """Whether words of the agent's are to come, as far as anybody knows."""
        is_owed = self._owed_since is not None or _grows(self.transcript)
        return is_owed or transcript.busy_with_tools(self.transcript)

    @property
    def silence(self) -> Silence | None:
        """How long nothing has come, as of any turn, if somebody waits for the agent."""
        return super().silence if self.is_answering else None

    # For the person who talks.

    async def say(self, text: str) -> None:
        """Send typed words, once the talk has begun; an answer that is on its way ends by them.

        Raises:
            LimitExceeded: if a limit forbids it; the talk goes on.
        """
        await self.admitted.wait()
        if not (text := clean(text)).strip():
            return
        if self.admit:
            await self.admit(text)
        if not (self.over or self.is_stopping):
            self._publish(talk.say(self.transcript, text, is_final=False))
            self._expect_answer()
            self.send(LiveRequest(content=types.UserContent(text)))

    def send(self, request: LiveRequest) -> None:
        """Send a piece of a voice, or a sign that somebody begins or ends to speak."""
        if self.over or self.is_stopping:
            return
        if request.blob and self.line.is_open and not (self.line.hears or self._has_told_deaf):
            self._has_told_deaf = True
            self.add_notice(Notice("talk_words_only"))
        if request.activity_end:
            self._expect_answer()
        self.queue.put(request)
        if self.queue.size == 1:
            self._restart_timer()

    def end(self) -> None:
        """The person ends the talk."""
        self.stop(PlainError("talk_over"))

    def stop(
        self, reason: PlainError | None = None, question_timeout: float = QUESTION_TIMEOUT
    ) -> None:
        """End it now; what was said stays."""
        self.queue.close()
        super().stop(reason, min(question_timeout, ABORT_TIMEOUT))

    async def listen(self) -> AsyncGenerator[Event, None]:
        """ADK's events from now on, whole and in order, until the end. Who is too slow for them
        ends the talk: a voice that comes too late is of no use, and cannot be left out."""
        with self._listening() as queue, self._watching():
            while (event := await queue.get()) is not None:
                yield event
                self._watched_at = self.elapsed

    @contextmanager
    def _listening(self) -> Iterator[asyncio.Queue[Event | None]]:
        queue = asyncio.Queue[Event | None]()
        self._listeners.append(queue)
        if self.over:
            queue.put_nowait(None)
        try:
            yield queue
        finally:
            self._listeners.remove(queue)

    # For the conversation, which drives it.

    async def _drive(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await super()._drive(work)
        finally:
            for queue in self._listeners:
                queue.put_nowait(None)

    async def run(
        self,
        work: Coroutine[Any, Any, None],
        known: Container[str] = (),
        is_streamed: bool = True,
    ) -> None:
        """The run, which is ended when it stands still. One that ends by itself was ended by the
        model's server."""
        await super().run(self._until_end(work), known, is_streamed)
        if not isinstance(self.failure, BaseException):
            self.failure = PlainError("talk_line_closed")

    async def _until_end(self, work: Coroutine[Any, Any, None]) -> None:
        """What kept the words from being taken comes out only when the run is ended."""
        try:
            await work
        except Exception:
            if self._stop_reason and self._stop_reason.notice.code == NOT_HEARD:
                self._stop_reason = None
            raise

    def add(self, event: Event, described: Callable[[Transcript], Transcript] = tuple) -> None:
        """Fold one of the run's events in, and pass it on to those who listen."""
        for queue in self._listeners:
            if queue.qsize() >= MAX_BEHIND:
                self.stop(PlainError("talk_too_much"))
            else:
                queue.put_nowait(event)
        self.id = self.id or event.invocation_id
        self.events += not event.partial
        self.changes_user |= not event.partial and changes_user(event)
        self.record.add_event(event)
        self._count(event)
        latest = talk.add(self.transcript, event)
        latest = described(latest) if event.actions.artifact_delta else latest
        self._note_words(event)
        if latest != self.transcript:
            self._publish(latest)
        if event.actions.requested_tool_confirmations:
            self.add_notice(Notice("not_in_talk"))
        self._heard_at = self.elapsed
        self._restart_timer()

    def know_stored(self, texts: Collection[str]) -> None:
        """Know what of the typed words the session has: ADK stores them before it sends them."""
        self._publish(talk.settle_known(self.transcript, texts))

    def _count(self, event: Event) -> None:
        spoken = event.output_transcription
        if spoken and event.partial and spoken.text:
            self.figures.count(spoken.text, self.elapsed)
        elif event.partial and (written := words_of(event)):
            self.figures.count(written, self.elapsed)
        if event.usage_metadata and not event.partial and event.model_version != OFFLINE_VERSION:
            self.spent.add_call(event.usage_metadata)
        self.usage.count(event)
        # Of what a person says plugins are told, and count it; not of what is done by tools.
        code = event.error_code
        if event.get_function_responses():
            code = code or self.spent.admit(event.author)
        if code:
            self.stop(PlainError(explain(code).code))

    def _note_words(self, event: Event) -> None:
        """Note who is to speak now."""
        latest = self.transcript[-1] if self.transcript else None
        if talk.words_of(event):
            self._words_at = self.elapsed
            if not _grows(self.transcript):
                self._expect_answer()
        elif event.content or event.output_transcription:
            self._words_at, self._owed_since = self.elapsed, None
        elif event.turn_complete and not isinstance(latest, ToolCall):
            self._owed_since = None  # Gemini 2.5 also completes a turn that only calls a tool.
        if event.get_function_responses():
            self._expect_answer()

    def _expect_answer(self) -> None:
        self._words_at = self._owed_since = self.elapsed
        self._restart_timer()

    def _taken(self, request: LiveRequest) -> None:
        parts = (request.content.parts or []) if request.content else []
        is_result = any(part.function_response for part in parts)
        if request.content and not is_result:
            self._publish(talk.settle(self.transcript))
        self._restart_timer()

    async def _line_was_lost(self) -> None:
        """Of an answer nothing more comes: what was heard of it is stored now, in its place, when
        nobody else stores anything."""
        latest = talk.cut(self.transcript)
        if latest == self.transcript and self._owed_since is None:
            return
        self._owed_since = None
        self._publish((*latest, Notice("talk_line_back")))
        texts = [text for text in transcript.unstored(latest) if isinstance(text, Text)]
        if self.store:
            for text in texts:
                await self.store(cut_event(text, self.id or ""))
        self._publish(talk.stored(self.transcript, texts))

    def _line_opened(self) -> None:
        self.line_opened.set()
        if self._owed_since is not None:  # It is owed from now on.
            self._owed_since = self.elapsed
        self._restart_timer()

    def _timeouts(self) -> Iterator[tuple[float, PlainError]]:
        """Seconds from now to each timeout, and what to say then."""
        settings, now = self._settings, self.elapsed
        if settings.talk_timeout:
            limit = settings.talk_timeout
            yield limit - now, PlainError("talk_timeout", limit=limit)
        else:
            yield 3600.0, PlainError("talk_timeout", limit=0)
        if not self.line.is_open:
            return  # It has a timeout of its own.
        if waits_since := self.queue.waits_since:
            waited = time.monotonic() - waits_since
            yield TAKE_TIMEOUT - waited, PlainError(NOT_HEARD)
        if transcript.busy_with_tools(self.transcript):
            limit, began = settings.turn_timeout, _latest_call(self.transcript)
            waited = time.time() - began
            yield limit - waited, PlainError("talk_tool_timeout", limit=limit)
            return
        if self._owed_since is not None:
            limit, since = settings.first_token_timeout, self._owed_since
            yield limit - (now - since), PlainError("talk_no_answer", limit=limit)
        elif _grows(self.transcript):
            limit = settings.gap_timeout
            yield limit - (now - self._heard_at), PlainError("talk_no_answer", limit=limit)
        if limit := settings.talk_silence:
            yield limit - (now - self._words_at), PlainError("talk_silent", limit=limit)


def _grows(latest: Transcript) -> bool:
    """Whether a text or a thought has begun that is not whole yet."""
    return any(isinstance(entry, Text | Thought) and entry.state == "open" for entry in latest)


def _latest_call(latest: Transcript) -> float:
    calls = [e.began for e in latest if isinstance(e, ToolCall) and e.seconds is None]
    return max(calls, default=0.0)

"""One visitor's ADK session, kept equal to what the visitor sees.

What the page shows says only *how many* turns are kept: words never flow from the browser into
the session. If the page shows fewer turns than the session holds (Retry, Undo, Edit, Clear),
the session is rewound before the next turn.
"""

import asyncio
import math
import uuid
from collections.abc import AsyncGenerator, AsyncIterator, Iterable
from contextlib import aclosing, asynccontextmanager
from dataclasses import asdict, dataclass, field
from typing import Any

from google.adk.agents.run_config import RunConfig, StreamingMode, ToolThreadPoolConfig
from google.adk.errors.session_not_found_error import SessionNotFoundError
from google.adk.events import Event
from google.adk.runners import Runner
from google.adk.sessions import Session
from google.adk.sessions.base_session_service import BaseSessionService, GetSessionConfig
from google.genai import types

from agent import transcript
from agent.failures import LOST, PlainError
from agent.settings import Settings
from agent.transcript import Notice, Text, Transcript
from agent.turn import Figures, Turn

FIGURES = "temp:stream_figures"
"""Where in the session state an agent's tools find the figures of the finished turns. ADK drops
what begins with "temp:" at the end of a turn."""

LATEST = 21
"""Figures are given of this many turns, the running one included, which has none yet."""

BUSY = "One moment: the message before is still being answered. Send this one again afterwards."

NO_MESSAGE = "Please type a message first."

FORGETTING: set[asyncio.Task[None]] = set()
"""asyncio keeps no hold of its tasks; these may not vanish half-way."""

BUSY_AFTER = 1.0
"""Seconds a new turn waits for the one before, which may just be stopping."""


@dataclass
class Past:
    """One turn on the visitor's screen, and what it left in the session."""

    invocation_id: str | None = None
    """None where nothing was stored: the turn was refused, or has been forgotten."""

    live: int = 0
    """How many stored events are this turn's."""

    void: int = 0
    """How many events were stored after it and then rewound."""

    figures: Figures = field(default_factory=Figures)


class Conversation:
    """Ask, stop, forget. Lives on the event loop that it was made on."""

    def __init__(self, runner: Runner, settings: Settings, streaming: bool = True) -> None:
        self.runner = runner
        self.settings = settings
        self.streaming = streaming
        self.user_id = str(uuid.uuid4())
        self.session_id: str | None = None
        self.turns: list[Past] = []
        self._turn: Turn | None = None
        self._lock = asyncio.Lock()

    def ask(
        self, message: str | None, kept: int | None = None, told: Iterable[types.Content] = ()
    ) -> Turn:
        """Begin the turn that answers `message`.

        Args:
            message: What the visitor says; None, which an empty form may send, is an empty one.
            kept: How many turns the visitor still sees before it; None means all.
            told: What was said elsewhere, for a new conversation that goes on from there.
        """
        turn = Turn(self.settings)
        return turn.begin(self._answer(turn, transcript.clean(message or ""), kept, told))

    async def stop(self) -> Transcript:
        """Stop the running turn, if there is one; the latest turn's transcript, once it is over."""
        if self._turn is None:
            return ()
        self._turn.stop()
        return await self._turn.finish()

    async def forget(self) -> None:
        """Stop, and delete everything that was said."""
        await self.stop()
        if self.session_id:
            await self._store.delete_session(**self._key)
        self._lose()

    def forget_soon(self) -> None:
        """Forget in a task of its own, where nobody can wait for it."""
        task = asyncio.ensure_future(self.forget())
        FORGETTING.add(task)
        task.add_done_callback(FORGETTING.discard)

    async def _answer(
        self, turn: Turn, message: str, kept: int | None, told: Iterable[types.Content]
    ) -> None:
        async with self._alone(turn):
            try:
                await self._recall(told)
                await self._agree(turn, kept)
                self.turns.append(past := Past(figures=turn.figures))
                await self._run(turn, past, message)
            except SessionNotFoundError:
                self._lose()
                raise

    @asynccontextmanager
    async def _alone(self, turn: Turn) -> AsyncIterator[None]:
        """One turn at a time: two at once would mix their events in the session."""
        try:
            async with asyncio.timeout(BUSY_AFTER):
                await self._lock.acquire()
        except TimeoutError:
            self.turns.append(Past())
            raise PlainError(BUSY) from None
        try:
            self._turn = turn
            yield
        finally:
            self._lock.release()

    async def _recall(self, told: Iterable[types.Content]) -> None:
        """Store what was said elsewhere; each content of the user's begins a turn."""
        session = None
        for content in told:
            session = session or await self._open()
            if content.role == "user" or not self.turns:
                self.turns.append(Past(invocation_id=f"e-{uuid.uuid4()}"))
            await self._store.append_event(session, self._recalled(content))
            self.turns[-1].live += 1

    def _recalled(self, content: types.Content) -> Event:
        author = "user" if content.role == "user" else self.runner.agent.name
        return Event(
            invocation_id=self.turns[-1].invocation_id or "", author=author, content=content
        )

    async def _agree(self, turn: Turn, kept: int | None) -> None:
        """Make the session end where the screen does."""
        unknown = (kept or 0) - len(self.turns)
        if unknown > 0:
            self.turns += [Past() for _ in range(unknown)]
            turn.say(Notice(LOST))
        if kept is not None:
            await self._rewind(kept)

    async def _rewind(self, kept: int) -> None:
        dropped = self.turns[kept:]
        if first := next((past.invocation_id for past in dropped if past.invocation_id), None):
            await self.runner.rewind_async(**self._visitor, rewind_before_invocation_id=first)
            for past in self.turns[:kept][-1:]:
                past.void += 1 + sum(past.live + past.void for past in dropped)
        del self.turns[kept:]

    async def _run(self, turn: Turn, past: Past, message: str) -> None:
        if not message.strip():
            raise PlainError(NO_MESSAGE)
        if self.session_id is None:
            await self._open()
        try:
            await turn.follow(self._events(turn, past, message))
        finally:
            await self._seal(turn, past)

    async def _open(self) -> Session:
        self.session_id = str(uuid.uuid4())
        return await self._store.create_session(**self._key)

    async def _events(self, turn: Turn, past: Past, message: str) -> AsyncGenerator[Event, None]:
        events = self.runner.run_async(
            **self._visitor,
            new_message=types.UserContent(message),
            state_delta={FIGURES: [asdict(past.figures) for past in self.turns[-LATEST:-1]]},
            run_config=self._run_config(),
            yield_user_message=True,
            abort_signal=turn.abort,
        )
        async with aclosing(events):
            async for event in events:
                past.invocation_id = event.invocation_id
                past.live += not event.partial
                yield event

    async def _seal(self, turn: Turn, past: Past) -> None:
        """Store what was shown of an answer whose whole never came, so that it is remembered."""
        for text in transcript.unstored(turn.transcript):
            session = await self._store.get_session(
                **self._key, config=GetSessionConfig(num_recent_events=0)
            )
            if session:
                await self._store.append_event(session, _interrupted(past, text))
                past.live += 1

    def _lose(self) -> None:
        self.session_id = None
        self.turns = [Past() for _ in self.turns]

    def _run_config(self) -> RunConfig:
        limits = self.settings
        return RunConfig(
            streaming_mode=StreamingMode.SSE if self.streaming else StreamingMode.NONE,
            max_llm_calls=limits.max_llm_calls,
            http_options=types.HttpOptions(
                timeout=math.ceil(limits.turn_timeout * 1000),
                retry_options=types.HttpRetryOptions(
                    attempts=1 + limits.request_retries, initial_delay=0.5, max_delay=8
                ),
            ),
            tool_thread_pool_config=ToolThreadPoolConfig(max_workers=limits.tool_threads),
            get_session_config=GetSessionConfig(num_recent_events=self._window()),
        )

    def _window(self) -> int:
        """How many recent events hold the latest whole turns that fit into `history_events`."""
        live = stored = 0
        for past in reversed(self.turns[:-1]):
            live += past.live
            if live > self.settings.history_events:
                break
            stored += past.live + past.void
        return stored

    @property
    def _store(self) -> BaseSessionService:
        return self.runner.session_service

    @property
    def _visitor(self) -> dict[str, Any]:
        return {"user_id": self.user_id, "session_id": self.session_id}

    @property
    def _key(self) -> dict[str, Any]:
        return {"app_name": self.runner.app_name, **self._visitor}


def _interrupted(past: Past, text: Text) -> Event:
    author, branch = text.source
    return Event(
        invocation_id=past.invocation_id or "",
        author=author,
        branch=branch,
        content=types.ModelContent(text.text),
        interrupted=True,
    )

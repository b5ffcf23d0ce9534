"""One ADK session of one visitor, kept equal to what the visitor sees.

What the page shows says only *how many* turns are kept: words never flow from the browser into
the session. If the page shows fewer turns than the session holds (Retry, Undo, Edit, Clear),
the session is rewound before the next turn.
"""

import asyncio
import math
import uuid
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Iterator
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import asdict, dataclass, replace
from typing import Any

from google.adk.agents.run_config import RunConfig, StreamingMode, ToolThreadPoolConfig
from google.adk.errors import StaleSessionError
from google.adk.errors.session_not_found_error import SessionNotFoundError
from google.adk.events import Event
from google.adk.runners import Runner
from google.adk.sessions import Session
from google.adk.sessions.base_session_service import BaseSessionService, GetSessionConfig
from google.adk.telemetry.context import TelemetryConfig
from google.genai import types

from agent.chat.turn import Figures, Past, Turn
from agent.core import transcript
from agent.core.errors import LOST, PlainError, explain
from agent.core.history import NAME, TITLE, TurnRecord, name_event, notices_event, recall
from agent.core.settings import Settings
from agent.core.text import clean
from agent.core.transcript import Notice, Picture, Text, Transcript
from agent.core.visitor import visitor_id
from agent.limits.budget import TokenUsage, token_usage, use_offline
from agent.limits.rate_limits import Limits
from agent.stores.cleanup import delete_artifacts
from agent.stores.fallback import UNSTORED, StoreUnavailable
from agent.stores.lease import lease
from agent.stores.share_links import ShareLinks

FIGURES = "temp:stream_figures"
"""Where in the session state an agent's tools find the figures of the finished turns. ADK drops
what begins with "temp:" at the end of a turn."""

LATEST = 21
"""Figures are given of this many turns, the running one included, which has none yet."""

BUSY = "One moment: the message before is still being answered. Send this one again afterwards."

GONE_ON = (
    "This chat has gone on in another window, or the app has restarted. All of it is shown here "
    "now, and your message is back in the box: please send it again."
)

NOT_STORED = (
    "This conversation cannot be stored at the moment: it works, but will be gone when the app "
    "restarts."
)

NO_MESSAGE = "Please type a message first."

CUT_SHORT = "This answer was cut short when the app was shut down. Try again for a whole one."

FORGETTING: set[asyncio.Task[None]] = set()
"""asyncio keeps no hold of its tasks; these may not vanish half-way."""

TITLE_LENGTH = 40
"""How many characters a conversation's name has at the most."""

BUSY_AFTER = 1.0
"""Seconds a new turn waits for the one before, which may just be stopping."""

SEALING = 30.0
"""Seconds that storing may take before and after an answer."""


class GoneOn(PlainError):
    """There is something new, which was said in another process."""


@dataclass(frozen=True)
class Question:
    """What the visitor says."""

    message: str | None
    """None, which an empty form may send, is an empty one."""

    kept: int | None = None
    """How many turns the visitor still sees before it; None means all."""

    told: Iterable[types.Content] = ()
    """What was said elsewhere, for a new conversation that goes on from there."""

    address: str | None = None
    """From where; None where nobody counts by that."""

    @property
    def text(self) -> str:
        """What the model may be told."""
        return clean(self.message or "")


class Conversation:
    """Ask, stop, recall, forget. Lives on the event loop that it was made on.

    Args:
        runner: Runs the agent, and stores what is said.
        settings: The host's.
        user_id: Whose conversation it is; a new visitor's without one.
        session_id: An ADK session of that user's, to `recall`; without one, a new one begins.
        limits: What the visitor may do; whatever there is, without.
        streaming: Whether answers come in pieces.
        is_stored: Whether the session is known to be in the store.
    """

    def __init__(
        self,
        runner: Runner,
        settings: Settings,
        user_id: str | None = None,
        session_id: str | None = None,
        limits: Limits | None = None,
        streaming: bool = True,
        is_stored: bool = False,
    ) -> None:
        self.runner = runner
        self.settings = settings
        self.session_id = session_id or str(uuid.uuid4())
        self.user_id = user_id or visitor_id(self.session_id)
        self.turns: list[Past] = []
        self.turn: Turn | None = None
        """The latest one, running or over."""
        self._title = ""
        self._name = ""
        self._asked = Question(None)
        self._limits = limits
        self.streaming = streaming
        self._is_stored = is_stored
        self._as_of: float | None = None
        """The store's time of what is known here; None where that has to be looked up."""
        self._has_told = False
        self._lock = asyncio.Lock()

    def ask(
        self,
        message: str | None,
        kept: int | None = None,
        told: Iterable[types.Content] = (),
        address: str | None = None,
    ) -> Turn:
        """Begin the turn that answers `message`; the rest as in `Asked`."""
        turn = Turn(self.settings)
        return turn.begin(self.answer(turn, Question(message, kept, told, address)))

    @property
    def is_running(self) -> bool:
        """Whether an answer is on its way."""
        return bool(self.turn and not self.turn.over)

    @property
    def latest_id(self) -> str | None:
        """The latest turn's invocation; None before the first, and before its run has begun."""
        return self.turns[-1].invocation_id if self.turns else None

    @property
    def title(self) -> str:
        """What the visitor knows it by, once it has been recalled or begun."""
        return self._name or self._title or "…"

    async def session(self) -> Session | None:
        """The session as it is stored."""
        return await self._store.get_session(**self._key)

    async def recall(self) -> list[TurnRecord]:
        """The turns as they are stored; last the one that is running, as far as it has come."""
        session = await self.session()
        turns = recall(session.events if session else ())
        if self.turn and self.is_running:
            earlier = [turn for turn in turns if turn.invocation_id != self.turn.past.invocation_id]
            running = TurnRecord(self.latest_id or "", self._asked.text, self.turn.transcript)
            return [*map(_ended, earlier), running]
        self._learn(session, turns)
        return [_ended(turn) for turn in turns]

    async def refresh(self) -> None:
        """Learn what was said in another process since this one looked, if anything was."""
        if not self.is_running:
            await self._catch_up(await self._look())

    async def undo(self, invocation_id: str) -> None:
        """Forget the latest turn, if it is this one."""
        async with self._lock, self._leased():
            await self._catch_up(await self._look())
            if self.latest_id == invocation_id:
                await self._keep(len(self.turns) - 1)
                await self._note()

    async def rename(self, name: str) -> None:
        """Call the conversation something else than its first words, once it has some."""
        async with self._lock, self._leased():
            await self._catch_up(await self._look())
            if self.turns and (name := shortened(name)):
                self._name = name
                await self._store_event(self.turns[-1], name_event(self.latest_id or "", name))
                await self._note()

    async def stop(self, reason: PlainError | None = None) -> Transcript:
        """Stop the running turn, if there is one; the latest turn's transcript, once it is over."""
        if self.turn is None:
            return ()
        self.turn.stop(reason)
        return await self.turn.finish()

    async def forget(self) -> None:
        """Stop, and delete everything that was said."""
        await self.stop()
        if self._is_stored:
            await self._store.delete_session(**self._key)
            await delete_artifacts(self.runner, self._key)
            with suppress(StoreUnavailable):  # A link to what is no more opens nothing.
                await ShareLinks(self.runner).revoke(self.user_id, self.session_id)
        self._lose()

    def forget_soon(self) -> None:
        """Forget in a task of its own, where nobody can wait for it."""
        task = asyncio.ensure_future(self.forget())
        FORGETTING.add(task)
        task.add_done_callback(FORGETTING.discard)

    async def answer(self, turn: Turn, asked: Question) -> None:
        """The work of a turn, which has been begun with it."""
        async with self._alone(turn), self._leased():
            self._asked = asked
            await self._check(asked)
            try:
                await self._take_over(asked.told)
                await self._agree(turn, asked.kept)
                async with self._admitted(asked):
                    await self._run(turn, asked.text)
            except SessionNotFoundError:
                self._lose()
                raise
            finally:
                await self._note()

    async def _check(self, asked: Question) -> None:
        """Whoever says how much is kept must have seen all of it."""
        if await self._catch_up(await self._look()) and asked.kept is not None:
            raise GoneOn(GONE_ON)

    async def _catch_up(self, session: Session | None) -> bool:
        """Whether the store held something that this process did not know."""
        if session is None or session.last_update_time == self._as_of:
            return False
        had_known = self._as_of is not None
        whole = await self.session()
        self._learn(whole, recall(whole.events if whole else ()))
        return had_known

    def _learn(self, session: Session | None, turns: list[TurnRecord]) -> None:
        self._is_stored = session is not None
        self._as_of = session.last_update_time if session else None
        state = session.state if session else {}
        self._title, self._name = str(state.get(TITLE, "")), str(state.get(NAME, ""))
        self.turns = list(_pasts(turns, self.turns))

    async def _look(self) -> Session | None:
        """The session without its events, if it is in the store."""
        if not self._is_stored:
            return None
        config = GetSessionConfig(num_recent_events=0)
        return await self._store.get_session(**self._key, config=config)

    async def _note(self) -> None:
        """What the store holds now is what is known here; nobody else may have written."""
        self._as_of = None
        failure = self.turn.failure if self.turn else None
        if isinstance(failure, StaleSessionError):
            return
        with suppress(Exception):  # Then it is looked up before the next turn.
            # ADK may have stored more of a run that was cut off than it had time to tell us of.
            session = await (self.session() if failure else self._look())
            if failure:
                self._learn(session, recall(session.events if session else ()))
            elif session:
                self._as_of = session.last_update_time

    def _warn(self, turn: Turn, session: Session | None) -> None:
        """Say once that the conversation is not stored."""
        if session and session.state.get(UNSTORED) and not self._has_told:
            self._has_told = True
            turn.add_notice(Notice(NOT_STORED))

    @asynccontextmanager
    async def _leased(self) -> AsyncIterator[None]:
        """One turn at a time on all machines."""
        if not getattr(self._store, "is_shared", False):
            yield
            return
        seconds = self.settings.turn_timeout + SEALING
        async with lease(self._store, self.runner.app_name, self.session_id, seconds):
            yield

    @asynccontextmanager
    async def _alone(self, turn: Turn) -> AsyncIterator[None]:
        """One turn at a time: two at once would mix their events in the session."""
        try:
            async with asyncio.timeout(BUSY_AFTER):
                await self._lock.acquire()
        except TimeoutError:
            raise PlainError(BUSY) from None
        try:
            self.turn = turn
            yield
        finally:
            self._lock.release()

    @asynccontextmanager
    async def _admitted(self, asked: Question) -> AsyncIterator[None]:
        if not asked.text.strip():
            raise PlainError(NO_MESSAGE)
        if self._limits is None:
            yield
            return
        who, turns = (self.user_id, asked.address), len(self.turns)
        async with self._limits.admit(*who, asked.text, turns):
            yield

    async def _take_over(self, told: Iterable[types.Content]) -> None:
        """Store what was said elsewhere; each content of the user's begins a turn."""
        session = None
        for content in told:
            session = session or await self._open()
            if content.role == "user" or not self.turns:
                self.turns.append(Past(invocation_id=f"e-{uuid.uuid4()}"))
            await self._store.append_event(session, self._taken_over(content))
            self.turns[-1].live += 1

    def _taken_over(self, content: types.Content) -> Event:
        author = "user" if content.role == "user" else self.runner.agent.name
        return Event(
            invocation_id=self.turns[-1].invocation_id or "", author=author, content=content
        )

    async def _agree(self, turn: Turn, kept: int | None) -> None:
        """Make the session end where the screen does."""
        if kept is None:
            return
        if kept > len(self.turns):
            turn.add_notice(Notice(LOST))
        await self._keep(kept)

    async def _keep(self, kept: int) -> None:
        dropped = self.turns[kept:]
        if dropped:
            await self._rewind(dropped[0])
            for past in self.turns[:kept][-1:]:
                past.void += 1 + sum(past.live + past.void for past in dropped)
        del self.turns[kept:]

    async def _rewind(self, first: Past) -> None:
        await self.runner.rewind_async(
            **self._visitor, rewind_before_invocation_id=first.invocation_id or ""
        )

    async def _run(self, turn: Turn, message: str) -> None:
        if not self._is_stored:
            await self._open()
        await self._choose_payer(turn)
        self.turns.append(past := turn.past)
        token_usage.set(spent := TokenUsage(self.settings.max_llm_calls))
        await turn.follow(self._events(turn, past, message))
        if self._limits:
            await self._limits.spend(spent.tokens)
        if past.invocation_id is None:
            self.turns.remove(past)
        if isinstance(turn.failure, SessionNotFoundError):
            self._lose()
        elif past.invocation_id:
            await self._seal(turn, past)

    async def _open(self) -> Session:
        session = await self._store.create_session(**self._key)
        self._is_stored = True
        return session

    async def _choose_payer(self, turn: Turn) -> None:
        """The agent's own model costs the host; the offline one nobody."""
        if self._limits and (reason := await self._limits.why_offline()):
            use_offline.set(True)  # In the turn's own task, and so for this turn alone.
            turn.add_notice(Notice(reason))

    async def _events(self, turn: Turn, past: Past, message: str) -> AsyncGenerator[Event, None]:
        self._title = self._title if past is not self.turns[0] else shortened(message)
        figures = [asdict(past.figures) for past in self.turns[-LATEST:-1]]
        events = self.runner.run_async(
            **self._visitor,
            new_message=types.UserContent(message),
            # What it is called each time, because a rewind takes that away too.
            state_delta={FIGURES: figures, TITLE: self._title, NAME: self._name},
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
        """Store what was shown and ADK has not: words whose whole never came, so that the agent
        remembers them, and the app's own sentences, so that they are seen again."""
        if isinstance(turn.failure, StaleSessionError):
            return  # Somebody else's turn goes on, and would fail by what is stored now.
        with suppress(StoreUnavailable):
            self._warn(turn, await self._look())
        for event in self._unstored(turn, past):
            await self._store_event(past, event)

    async def _store_event(self, past: Past, event: Event) -> None:
        if session := await self._look():
            await self._store.append_event(session, event)
            past.live += 1

    def _unstored(self, turn: Turn, past: Past) -> Iterator[Event]:
        for text in transcript.unstored(turn.transcript):
            yield _interrupted(past, text)
        notices = [text for text in transcript.notices(turn.transcript) if text != LOST]
        notices += [explain(turn.failure)] if turn.failure else []
        if notices:
            yield notices_event(past.invocation_id or "", self.runner.agent.name, notices)

    def _lose(self) -> None:
        self._is_stored = False
        self._as_of = None
        self.turns = []

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
            telemetry=TelemetryConfig(),  # Else ADK reads the environment anew for each event.
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


def shortened(text: str) -> str:
    """The first words, on one line."""
    line = " ".join(clean(text).split())
    return line if len(line) <= TITLE_LENGTH else line[: TITLE_LENGTH - 1] + "…"


def _interrupted(past: Past, text: Text) -> Event:
    author, branch = text.source
    return Event(
        invocation_id=past.invocation_id or "",
        author=author,
        branch=branch,
        content=types.ModelContent(text.text),
        interrupted=True,
    )


def _pasts(turns: Iterable[TurnRecord], known: Iterable[Past]) -> Iterator[Past]:
    """What the session holds now, with the figures of those turns that were run here."""
    figures = {past.invocation_id: past.figures for past in known}
    for turn in turns:
        measured = figures.get(turn.invocation_id) or Figures()
        yield Past(turn.invocation_id, turn.live, turn.void, measured)


def _ended(turn: TurnRecord) -> TurnRecord:
    """The turn as one that is over; if nothing tells how it ended, the app did in its midst."""
    whole = transcript.close(turn.transcript)
    shown = [e for e in whole if isinstance(e, Text | Picture | Notice)]
    is_cut = transcript.busy_with_tools(turn.transcript) or not shown
    return replace(turn, transcript=(*whole, Notice(CUT_SHORT)) if is_cut else whole)

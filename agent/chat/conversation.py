"""One conversation of one visitor, kept equal to what the visitor sees.

What the page shows says only *how many* turns are kept: words never flow from the browser into
the session. If the page shows fewer turns than the session holds (Retry, Undo, Edit, Clear),
the session is rewound before the next turn.
"""

import asyncio
import uuid
from collections.abc import AsyncIterator, Collection
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import asdict, replace
from functools import partial

from google.adk.errors import StaleSessionError
from google.adk.runners import Runner
from google.adk.sessions import Session
from google.genai import types

from agent.chat.compaction import until_answered
from agent.chat.live import LiveTurn, TalkOptions
from agent.chat.message import message
from agent.chat.own_keys import on_its_key
from agent.chat.run_config import run_config, streams
from agent.chat.run_context import enter
from agent.chat.sealing import missing_events
from agent.chat.session_sync import SessionSync
from agent.chat.talk import LANGUAGE, Talk, record_of
from agent.chat.tool_failures import tool_faults
from agent.chat.turn import Turn
from agent.chat.usage import count_when_over
from agent.core.adk_internals import SessionNotFoundError
from agent.core.history import (
    NAME,
    TITLE,
    TurnRecord,
    ended,
    kept_turns,
    latest_since,
    name_event,
    short_title,
)
from agent.core.language import language
from agent.core.notices import Notice, PlainError
from agent.core.question import Question
from agent.core.settings import Settings
from agent.core.transcript import Transcript
from agent.core.visitor import SessionKey, Visitor, visitor_id
from agent.limits.budget import TokenUsage
from agent.limits.rate_limits import LimitExceeded, Limits
from agent.stores.fallback import UNSTORED, StoreUnavailable

# Where in the session state an agent's tools find the figures of so many turns before. ADK drops
# what begins with "temp:" at the end of a turn.
FIGURES, FIGURES_OF = "temp:stream_figures", 20

# Seconds a new turn waits for the one before, which may just be stopping.
BUSY_TIMEOUT = 1.0

# Seconds that storing may take before and after an answer.
STORING_TIMEOUT = 30.0

# Seconds a new turn waits for ADK to sum up the turns before; then it does without. Chosen, not
# measured: who reads an answer and types seldom waits at all.
COMPACTION_TIMEOUT = 5.0

# asyncio keeps no hold of its tasks; these must not vanish half-way.
_forgetting: set[asyncio.Task[None]] = set()


class Conversation:
    """Ask, stop, look back, forget. Lives on the event loop that it was made on.

    Args:
        runner: Runs the agent, and stores what is said.
        settings: The host's.
        user_id: Whose conversation it is; a new visitor's without one.
        session_id: An ADK session of that user's; without one, a new one begins.
        limits: What the visitor may do; whatever there is, without.
        is_stored: Whether the session is known to be in the store.
    """

    def __init__(
        self,
        runner: Runner,
        settings: Settings,
        user_id: str | None = None,
        session_id: str | None = None,
        limits: Limits | None = None,
        is_stored: bool = False,
    ) -> None:
        session_id = session_id or str(uuid.uuid4())
        self.key = SessionKey(runner.app_name, user_id or visitor_id(session_id), session_id)
        self.runner = runner
        self.settings = settings
        # The latest turn, running or over.
        self.turn: Turn | None = None
        self._question = Question()
        self._limits = limits
        self._session = SessionSync(runner, self.key, is_stored)
        self._has_warned = False
        self._lock = asyncio.Lock()
        # What the latest turn has cost, and what goes on after it where ADK compacts the session.
        self._spent = TokenUsage()
        self._compaction: asyncio.Task[None] | None = None

    @property
    def user_id(self) -> str:
        """The ADK user whose conversation it is."""
        return self.key.user_id

    @property
    def session_id(self) -> str:
        """The ADK session."""
        return self.key.session_id

    @property
    def turns(self) -> list[TurnRecord]:
        """The turns that are over, as far as this process knows."""
        return self._session.turns

    @property
    def is_running(self) -> bool:
        """Whether an answer is on its way."""
        return bool(self.turn and not self.turn.over)

    @property
    def title(self) -> str:
        """What the visitor knows it by, once its history has been read, or begun."""
        return self._session.name or self._session.title or "…"

    async def session(self) -> Session | None:
        """The ADK session as it is stored."""
        return await self._session.read()

    def ask(self, question: Question | str) -> Turn:
        """Begin the turn that answers a question."""
        turn = Turn(self.settings)
        asked = Question(question) if isinstance(question, str) else question
        return turn.start(self.answer(turn, asked))

    async def answer(self, turn: Turn, question: Question) -> None:
        """Answer a question in a turn that has been begun: the whole way, from the limits to what
        is stored."""
        turn.session_id = self.session_id
        if self._limits:
            count_when_over(turn, question.visitor.user_id or self.user_id, self._limits.usage)
            # Before anything is taken back for a question that is not answered.
            self._limits.check_open(turn.is_stopping)
        on_key = on_its_key(turn, question, self.settings)
        async with on_key as question, self._one_at_a_time(turn):
            self._question = question
            await self.end_compaction(COMPACTION_TIMEOUT)
            await self._session.refresh()
            kept = self._agree(turn, question)
            try:
                if done := await self._session.cut(kept):
                    turn.add_notice(Notice("stays_done", {"what": "; ".join(done)}))
                turn.replaces = None
                await self._session.take_over(question.earlier, self.runner.agent.name)
                async with self._admitted(turn, question):
                    await self._run(turn, question)
            except SessionNotFoundError:
                self._session.lose()
                raise
            except LimitExceeded:
                self._question = Question()  # Nothing is kept of what is refused.
                raise
            finally:
                await self._session.settle(turn.failure)

    def talk(self, options: TalkOptions, visitor: Visitor) -> LiveTurn:
        """Begin a talk, in which both sides speak at any time until one ends it."""
        turn = LiveTurn(self.settings, options)
        turn.start(self._talk(turn, visitor))
        return turn

    async def _talk(self, turn: LiveTurn, visitor: Visitor) -> None:
        turn.session_id = self.session_id
        if self._limits:
            count_when_over(turn, visitor.user_id or self.user_id, self._limits.usage)
        on_key = on_its_key(turn, Question(visitor=visitor), self.settings)
        async with on_key, self._one_at_a_time(turn):
            self._question, self._spent = Question(), turn.spent
            await self.end_compaction(COMPACTION_TIMEOUT)
            await self._session.refresh()
            count, seal = partial(self._count_tokens, turn.spent), partial(self._seal, turn)
            run = Talk(self.runner, self._session, self.settings, self._limits, count, seal)
            try:
                await run.run(turn, visitor)
            finally:
                await self._session.settle(turn.failure)

    def _agree(self, turn: Turn, question: Question) -> int:
        """How many of the turns are kept, for the session to end where the screen does."""
        turns = self._session.turns
        if question.above is None:
            return len(turns)
        kept, turn.screen = kept_turns(question.screen, question.above, turns)
        if question.resumes and turn.screen:  # The turn that waits is the page's latest.
            turn.screen = replace(turn.screen, turn_ids=turn.screen.turn_ids[:-1])
        if kept > len(turns):
            turn.add_notice(Notice("not_remembered"))
        return kept

    @asynccontextmanager
    async def _admitted(self, turn: Turn, question: Question) -> AsyncIterator[None]:
        if not (question.text.strip() or question.files or question.resumes):
            raise PlainError("no_message")
        if self._limits is None:
            yield
            return
        text, turns = question.text, len(self._session.turns)
        if question.is_checked:
            text, turns = "", 0
        # A question may be asked apart from its visitor's chats (agent/chat/comparison.py).
        user_id = question.visitor.user_id or self.user_id
        asked = user_id, question.visitor.address, text, turns
        async with self._limits.admit(*asked, turn.is_stopping, question.resumes):
            yield

    async def _run(self, turn: Turn, question: Question) -> None:
        """Run the agent, and store what was shown of its answer and is not stored yet."""
        session = self._session
        self._question, content = await message(session, turn, question, self.settings)
        if content is None:
            return
        # The agent's own model costs the host; the offline one nobody.
        about = question.resumes, turn.spent.is_on_own_key
        if self._limits and (reason := await self._limits.why_offline(*about)):
            turn.spent.is_offline = True
            turn.add_notice(reason)
        if not session.turns:
            session.title = short_title(question.text or question.files[0].shown_name)
        self._spent = turn.spent
        enter(turn, self.user_id, self.settings, question.options)
        is_streamed = streams(self.settings, question.options)
        work = self._answer(turn, question, content)
        await turn.run(work, session.invocations, is_streamed)
        await self._count_tokens(turn.spent)
        if isinstance(turn.failure, SessionNotFoundError):
            session.lose()
        elif turn.id:
            session.record(turn.measured(record_of(turn, self._question)))
            if not isinstance(turn.failure, StaleSessionError):
                # Else somebody else's turn goes on, and would fail by what is stored now.
                await self._seal(turn)

    async def _answer(self, turn: Turn, question: Question, content: types.Content) -> None:
        """One run of ADK's, until the agent has answered."""
        run = self._events(turn, question, content)
        if self.runner.app and self.runner.app.events_compaction_config:
            if task := await until_answered(run, self.session_id):
                self._compaction = task
                task.add_done_callback(self._compacted)  # It holds the visitor's request.
        else:
            await run
        if missing := sorted(tool_faults.get().missing):
            turn.add_notice(Notice("tools_left_out", {"tools": ", ".join(missing)}))

    def _compacted(self, _: asyncio.Task[None]) -> None:
        self._compaction = None

    async def _events(self, turn: Turn, question: Question, content: types.Content) -> None:
        """ADK's events of one run, given to the turn as they come."""
        session, settings = self._session, self.settings
        figures = [asdict(earlier.figures) for earlier in session.turns[-FIGURES_OF:]]
        since = latest_since(session.turns, settings.history_events)
        if since and question.resumes:  # ADK looks there for what is answered.
            since = min(since, turn.asked_at)
        events = self.runner.run_async(
            user_id=self.user_id,
            session_id=self.session_id,
            new_message=content,
            # What it is called each time, because a rewind takes that away too.
            state_delta={
                FIGURES: figures,
                LANGUAGE: language(),
                TITLE: session.title,
                NAME: session.name,
            },
            run_config=run_config(settings, question.options, since),
            yield_user_message=True,
            abort_signal=turn.abort,
        )
        async with aclosing(events):
            async for event in events:
                await session.artifacts.look_up([event])
                turn.add(event, session.artifacts.described)
                if not event.partial:
                    await self._count_tokens(turn.spent)
        await self._count_tokens(turn.spent)  # What compaction has taken.

    async def _count_tokens(self, spent: TokenUsage) -> None:
        """Count what a turn has spent since the last time; once the day's tokens are spent, it
        calls no model any more."""
        tokens = spent.take_uncounted()
        if self._limits and tokens and not spent.is_on_own_key:
            spent.is_budget_spent = await self._limits.spend(tokens)

    async def end_compaction(self, seconds: float = 0.0) -> None:
        """Let ADK's compaction come to its end for so long; then it is given up."""
        if (task := self._compaction) and not task.done():
            await asyncio.wait({task}, timeout=seconds)
            task.cancel()
            await asyncio.wait({task})
        if self._spent.summaries:
            self._spent.summaries = 0
            self._session.outdate()

    async def _seal(self, turn: Turn) -> None:
        """Store what was shown and ADK has not: words whose whole never came, so that the agent
        remembers them, and the app's own notices, so that they are seen again."""
        session = None
        with suppress(StoreUnavailable):
            session = await self._session.look()
            if session and session.state.get(UNSTORED) and not self._has_warned:
                self._has_warned = True
                turn.add_notice(Notice("not_stored"))
        for event in missing_events(turn, self.runner.agent.name):
            await self._session.append(event, session)

    async def history(self) -> list[TurnRecord]:
        """The turns as they are stored; last the one that is running, as far as it has come."""
        session = await self._session.read()
        if not (self.turn and self.is_running):
            return [ended(turn) for turn in self._session.learn(session)]
        id = self.turn.id or ""
        earlier = [ended(turn) for turn in self._session.records(session) if turn.id != id]
        return [*earlier, record_of(self.turn, self._question)]

    async def refresh(self) -> None:
        """Learn what was said in another process, if anything was.

        Raises:
            StoreUnavailable: if that cannot be looked up.
        """
        if not self.is_running:
            await self._session.refresh()

    async def undo(self, turn_ids: Collection[str]) -> None:
        """Forget the latest turns, as far as they are among these."""
        async with self._changed():
            kept = len(self._session.turns)
            while kept and self._session.turns[kept - 1].id in turn_ids:
                kept -= 1
            await self._session.cut(kept)

    async def rename(self, name: str) -> None:
        """Call the conversation something else than its first words, once it has some."""
        async with self._changed():
            if self._session.turns and (name := short_title(name)):
                self._session.name = name
                await self._session.append(name_event(self._session.latest_id, name))

    async def stop(self, reason: PlainError | None = None) -> Transcript:
        """Stop the running turn, if there is one; the latest turn's transcript, once it is over."""
        if self.turn is None:
            return ()
        self.turn.stop(reason)
        return await self.turn.finish()

    async def forget(self) -> None:
        """Stop, and delete everything that was said."""
        await self.stop()
        await self.end_compaction()
        await self._session.delete()

    def forget_soon(self) -> None:
        """Forget in a task of its own, where nobody can wait for it."""
        task = asyncio.ensure_future(self.forget())
        _forgetting.add(task)
        task.add_done_callback(_forgetting.discard)

    @asynccontextmanager
    async def _one_at_a_time(self, turn: Turn) -> AsyncIterator[None]:
        """Two turns at once would mix their events in the session, here or on another machine."""
        is_stopping = self.turn and self.turn.is_stopping
        try:
            async with asyncio.timeout(STORING_TIMEOUT if is_stopping else BUSY_TIMEOUT):
                await self._lock.acquire()
        except TimeoutError:
            raise PlainError("talking" if isinstance(self.turn, LiveTurn) else "busy") from None
        try:
            self.turn = turn
            async with self._session.leased(self.settings.turn_timeout + STORING_TIMEOUT):
                yield
        finally:
            self._lock.release()

    @asynccontextmanager
    async def _changed(self) -> AsyncIterator[None]:
        """A change of the session between its turns."""
        lease = self._session.leased(self.settings.turn_timeout + STORING_TIMEOUT)
        async with self._lock, lease:
            await self.end_compaction()
            await self._session.refresh()
            yield
            await self._session.settle(self.turn.failure if self.turn else None)

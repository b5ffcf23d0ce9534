"""One conversation of one visitor, kept equal to what the visitor sees.

What the page shows says only *how many* turns are kept: words never flow from the browser into
the session. If the page shows fewer turns than the session holds (Retry, Undo, Edit, Clear),
the session is rewound before the next turn.
"""

import asyncio
import uuid
from collections.abc import AsyncIterator, Collection
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import replace
from functools import partial

from google.adk.errors import StaleSessionError
from google.adk.runners import Runner
from google.adk.sessions import Session
from google.genai import types

from agent.chat.admission import admitted, count_on_key
from agent.chat.compaction import until_answered
from agent.chat.live import LiveTurn, TalkOptions
from agent.chat.message import message
from agent.chat.own_keys import on_its_key
from agent.chat.run_config import run_config, streams, turn_state
from agent.chat.run_context import enter
from agent.chat.sealing import missing_events
from agent.chat.session_sync import SessionSync
from agent.chat.talk import Talk
from agent.chat.tool_failures import tool_faults
from agent.chat.turn import Turn
from agent.chat.turn_record import record_of
from agent.chat.usage import count_when_over
from agent.core.adk_internals import SessionNotFoundError
from agent.core.history import (
    TurnRecord,
    ended,
    kept_turns,
    latest_since,
    name_event,
    short_title,
)
from agent.core.notices import Notice, PlainError
from agent.core.question import Question
from agent.core.settings import Settings
from agent.core.transcript import Transcript
from agent.core.visitor import SessionKey, Visitor, visitor_id
from agent.limits.budget import TokenUsage
from agent.limits.rate_limits import LimitExceeded, Limits
from agent.stores.fallback import UNSTORED, StoreUnavailable

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

    How a turn goes (agent/chat/turn.py has its own side of it):

    1. `ask` begins it; its task then does all that follows, by `answer`. A registry begins a turn
       itself, and calls `answer`.
    2. `answer` lets no two turns run at the same time (`_one_at_a_time`), and has the session
       rewound to the turns that the page shows (`_agree_with_page`).
    3. `admitted` lets it run within the limits.
    4. `_run_and_keep` makes of the question what ADK is given, and runs the agent. Then it keeps
       the turn's record, and stores what ADK has not stored (`_seal`).
    5. In between, `_run_until_answered` is one run of ADK's, whose compaction may take longer than
       the answer; `_pass_events` gives the run's events to the turn.

    A talk goes the same way by `talk`, `_talk` and agent/chat/talk.py.

    Args:
        runner: Runs the agent, and stores what is said.
        settings: The host's.
        user_id: The visitor; without one, a new one.
        session_id: An ADK session of that user's; without one, a new one.
        limits: What the visitor may do; without them, everything.
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
        self._sync = SessionSync(runner, self.key, is_stored)
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
        return self._sync.turns

    @property
    def is_running(self) -> bool:
        """Whether an answer is on its way."""
        return bool(self.turn and not self.turn.over)

    @property
    def title(self) -> str:
        """What the visitor knows it by, once its history has been read, or begun."""
        return self._sync.name or self._sync.title or "…"

    async def session(self) -> Session | None:
        """The ADK session as it is stored."""
        return await self._sync.read()

    def ask(self, question: Question | str) -> Turn:
        """Begin the turn that answers a question."""
        turn = Turn(self.settings)
        if isinstance(question, str):
            question = Question(question)
        return turn.start(self.answer(turn, question))

    async def answer(self, turn: Turn, question: Question) -> None:
        """Answer a question in a turn that has been begun: the whole way, from the limits to what
        is stored. The turn tells what is raised here."""
        turn.session_id = self.session_id
        if self._limits:
            count_when_over(turn, question.visitor.user_id or self.user_id, self._limits.usage)
            # Before anything is taken back for a question that is not answered.
            self._limits.check_open(turn.is_stopping)
        on_key = on_its_key(turn, question, self.settings)
        async with on_key as question, self._one_at_a_time(turn):
            self._question = question
            await self.end_compaction(COMPACTION_TIMEOUT)
            await self._sync.refresh()
            kept = self._agree_with_page(turn, question)
            try:
                if done := await self._sync.cut(kept):
                    turn.add_notice(Notice("stays_done", {"what": "; ".join(done)}))
                turn.replaces = None
                await self._sync.take_over(question.earlier, self.runner.agent.name)
                turns = len(self._sync.turns)
                async with admitted(turn, question, self._limits, self.user_id, turns):
                    await self._run_and_keep(turn, question)
            except SessionNotFoundError:
                self._sync.lose()
                raise
            except LimitExceeded:
                self._question = Question()  # Nothing is kept of what is refused.
                raise
            finally:
                await self._sync.settle(turn.failure)

    def talk(self, options: TalkOptions, visitor: Visitor) -> LiveTurn:
        """Begin a talk, in which both sides speak at any time until one ends it."""
        turn = LiveTurn(self.settings, options)
        turn.start(self._talk(turn, visitor))
        return turn

    async def _talk(self, turn: LiveTurn, visitor: Visitor) -> None:
        """Hold the talk: the whole way, as `answer`."""
        turn.session_id = self.session_id
        if self._limits:
            count_when_over(turn, visitor.user_id or self.user_id, self._limits.usage)
        on_key = on_its_key(turn, Question(visitor=visitor), self.settings)
        async with on_key, self._one_at_a_time(turn):
            self._question, self._spent = Question(), turn.spent
            await self.end_compaction(COMPACTION_TIMEOUT)
            await self._sync.refresh()
            count, seal = partial(self._count_tokens, turn.spent), partial(self._seal, turn)
            run = Talk(self.runner, self._sync, self.settings, self._limits, count, seal)
            try:
                await run.run(turn, visitor)
            finally:
                await self._sync.settle(turn.failure)

    def _agree_with_page(self, turn: Turn, question: Question) -> int:
        """How many of the turns are kept, for the session to end where the page does."""
        turns = self._sync.turns
        if question.above is None:
            return len(turns)
        kept, turn.screen = kept_turns(question.screen, question.above, turns)
        if question.resumes and turn.screen:  # The turn that waits is the page's latest.
            turn.screen = replace(turn.screen, turn_ids=turn.screen.turn_ids[:-1])
        if kept > len(turns):
            turn.add_notice(Notice("not_remembered"))
        return kept

    async def _run_and_keep(self, turn: Turn, question: Question) -> None:
        """Run the agent, and store what was shown of its answer and is not stored yet."""
        sync = self._sync
        self._question, content = await message(sync, turn, question, self.settings)
        if content is None:
            return
        await count_on_key(turn, self._limits, question.resumes)
        if not sync.turns:
            sync.title = short_title(question.text or question.files[0].shown_name)
        self._spent = turn.spent
        enter(turn, self.user_id, self.settings, question.options)
        is_streamed = streams(self.settings, question.options)
        work = self._run_until_answered(turn, question, content)
        await turn.run(work, sync.invocations, is_streamed)
        await self._count_tokens(turn.spent)
        if isinstance(turn.failure, SessionNotFoundError):
            sync.lose()
        elif turn.id:
            sync.keep(turn.measured(record_of(turn, self._question)))
            if not isinstance(turn.failure, StaleSessionError):
                # Else somebody else's turn goes on, and would fail by what is stored now.
                await self._seal(turn)

    async def _run_until_answered(
        self, turn: Turn, question: Question, content: types.Content
    ) -> None:
        """One run of ADK's, until the agent has answered."""
        run = self._pass_events(turn, question, content)
        if self.runner.app and self.runner.app.events_compaction_config:
            if task := await until_answered(run, self.session_id):
                self._compaction = task
                task.add_done_callback(self._drop_compaction)  # It holds the visitor's request.
        else:
            await run
        if missing := sorted(tool_faults.get().missing):
            turn.add_notice(Notice("tools_left_out", {"tools": ", ".join(missing)}))

    def _drop_compaction(self, _: asyncio.Task[None]) -> None:
        self._compaction = None

    async def _pass_events(self, turn: Turn, question: Question, content: types.Content) -> None:
        """Run the agent, and give ADK's events to the turn as they come."""
        sync, settings = self._sync, self.settings
        since = latest_since(sync.turns, settings.history_events)
        if since and question.resumes:  # ADK looks there for what is answered.
            since = min(since, turn.asked_at)
        events = self.runner.run_async(
            user_id=self.user_id,
            session_id=self.session_id,
            new_message=content,
            state_delta=turn_state(sync),
            run_config=run_config(settings, question.options, since),
            yield_user_message=True,
            abort_signal=turn.abort,
        )
        async with aclosing(events):
            async for event in events:
                await sync.artifacts.look_up([event])
                turn.add(event, sync.artifacts.described)
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
            self._sync.outdate()

    async def _seal(self, turn: Turn) -> None:
        """Store what was shown and ADK has not stored (`missing_events`)."""
        session = None
        with suppress(StoreUnavailable):
            session = await self._sync.look()
            if session and session.state.get(UNSTORED) and not self._has_warned:
                self._has_warned = True
                turn.add_notice(Notice("not_stored"))
        for event in missing_events(turn, self.runner.agent.name):
            await self._sync.append(event, session)

    async def history(self) -> list[TurnRecord]:
        """The turns as they are stored, and at last the one that is running, as far as it is."""
        session = await self._sync.read()
        if not (self.turn and self.is_running):
            return [ended(record) for record in self._sync.learn(session)]
        id = self.turn.id or ""
        earlier = [ended(record) for record in self._sync.records(session) if record.id != id]
        return [*earlier, record_of(self.turn, self._question)]

    async def refresh(self) -> None:
        """Learn what was said in another process, if anything was.

        Raises:
            StoreUnavailable: if that cannot be looked up.
        """
        if not self.is_running:
            await self._sync.refresh()

    async def undo(self, turn_ids: Collection[str]) -> None:
        """Forget the latest turns, as far as they are among these."""
        async with self._between_turns():
            kept = len(self._sync.turns)
            while kept and self._sync.turns[kept - 1].id in turn_ids:
                kept -= 1
            await self._sync.cut(kept)

    async def rename(self, name: str) -> None:
        """Call the conversation something else than its first words, once it has some."""
        async with self._between_turns():
            if self._sync.turns and (name := short_title(name)):
                self._sync.name = name
                await self._sync.append(name_event(self._sync.latest_id, name))

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
        await self._sync.delete()

    def forget_soon(self) -> None:
        """Forget in a task of its own, for callers who cannot wait."""
        task = asyncio.ensure_future(self.forget())
        _forgetting.add(task)
        task.add_done_callback(_forgetting.discard)

    @asynccontextmanager
    async def _one_at_a_time(self, turn: Turn) -> AsyncIterator[None]:
        """While inside, no other turn runs, here or on another machine: two turns at once would mix
        their events in the session.

        Raises:
            PlainError: if another one runs on for `BUSY_TIMEOUT`.
        """
        is_stopping = self.turn and self.turn.is_stopping
        try:
            async with asyncio.timeout(STORING_TIMEOUT if is_stopping else BUSY_TIMEOUT):
                await self._lock.acquire()
        except TimeoutError:
            raise PlainError("talking" if isinstance(self.turn, LiveTurn) else "busy") from None
        try:
            self.turn = turn
            async with self._sync.leased(self.settings.turn_timeout + STORING_TIMEOUT):
                yield
        finally:
            self._lock.release()

    @asynccontextmanager
    async def _between_turns(self) -> AsyncIterator[None]:
        """While inside, the session may be changed, and no turn runs."""
        lease = self._sync.leased(self.settings.turn_timeout + STORING_TIMEOUT)
        async with self._lock, lease:
            await self.end_compaction()
            await self._sync.refresh()
            yield
            await self._sync.settle(self.turn.failure if self.turn else None)

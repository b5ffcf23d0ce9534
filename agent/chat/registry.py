"""All conversations with one agent: those in use are held here, and every one is in ADK's store.

A conversation is a session of one visitor, an ADK user. Both ids are random and made here; who
knows them holds the conversation.
"""

import asyncio
import logging
from contextlib import suppress
from contextvars import Context
from dataclasses import dataclass, replace
from itertools import islice
from uuid import uuid4
from weakref import WeakSet

from google.adk.sessions import Session

from agent.chat.conversation import Conversation
from agent.chat.loader import LoadedAgent
from agent.chat.streams import DeltaLog
from agent.chat.turn import Turn
from agent.chat.visitors import Visitors
from agent.core.notices import Notice, PlainError
from agent.core.question import Question, Screen
from agent.core.settings import Settings
from agent.core.visitor import SessionKey, is_session_id, is_visitor_id, visitor_id
from agent.stores.fallback import StoreUnavailable
from agent.stores.feedback import Feedback
from agent.stores.preferences import Preferences
from agent.stores.retention import Retention
from agent.stores.share_links import ShareLinks

log = logging.getLogger(__name__)

# Seconds for which an idle conversation is held here; after that the store alone has it.
HOLD_TIME = 300.0

# Seconds in which pages can still be told how their answers ended.
LAST_WORDS = 0.3


@dataclass
class ActiveConversation:
    """A conversation in use, and the log of the latest turn that a program reads."""

    conversation: Conversation
    log: DeltaLog | None = None
    # How many turns were begun here: the latest one's number.
    turns: int = 0
    # Lets go of it when it has been idle for long.
    timer: asyncio.TimerHandle | None = None

    def ask(self, question: Question) -> DeltaLog:
        """Begin a turn, and end the one before, which nobody reads any more."""
        if self.log:
            self.log.turn.stop()
        self.log = DeltaLog(self.conversation.ask(question))
        self.turns += 1
        return self.log

    def take_back(self, refused: DeltaLog, earlier: DeltaLog | None) -> None:
        """Have the earlier answer be the latest again, because the question after it was refused:
        it can still be taken up. Nothing is done where another question has come since.

        Args:
            refused: What `ask` has given for the question that was refused.
            earlier: The `log` before that.
        """
        if self.log is refused:
            self.log = earlier
            self.turns -= 1

    @property
    def is_busy(self) -> bool:
        """Whether an answer is running that somebody reads, or is about to."""
        return bool(self.log and not self.log.turn.over and not self.log.turn.abandoned)

    @property
    def is_running(self) -> bool:
        """Whether an answer is on its way, or has just been asked for."""
        return self.conversation.is_running or bool(self.log and not self.log.turn.over)


class Registry:
    """Ask, open, find, forget. Lives on the event loop of the server.

    Args:
        loaded: The agent.
        settings: The host's.
        visitors: Those of all agents on show; without them this one's own.

    Raises:
        ValueError: for settings that cannot be used, with a sentence for the host.
    """

    def __init__(
        self, loaded: LoadedAgent, settings: Settings, visitors: Visitors | None = None
    ) -> None:
        self.loaded = loaded
        self.settings = settings
        self.visitors = visitors or Visitors(settings)
        self.limits = self.visitors.limits.of_agent(loaded.costs)
        self.links = ShareLinks(loaded.runner)
        self.feedback = Feedback(loaded.runner)
        self.preferences = Preferences(loaded.runner)
        # Of one that could not be loaded nobody knows it, nor is anything of its own said by it.
        self.agent_name = "" if loaded.why_not_loaded else loaded.runner.agent.name
        if loaded.why_not_loaded:
            self.limits.close("being_mended")
        self._runner = loaded.runner
        # The longest unused first.
        self._active: dict[SessionKey, ActiveConversation] = {}
        # Those that were begun here, and may not be in their conversation yet.
        self._turns: WeakSet[Turn] = WeakSet()
        # The server's, from the first conversation on.
        self.loop: asyncio.AbstractEventLoop | None = None
        self._retention = Retention(
            loaded.runner, settings, self._forget_stored, self.limits.address_of
        )

    def ask(self, question: Question, session_id: str | None, replaces: Turn | None = None) -> Turn:
        """Begin the turn that answers a visitor's question in this session; in a new one where
        there is none, or none any more, or it cannot be looked up.

        Args:
            question: What is asked.
            session_id: The session's id.
            replaces: A turn that the visitor has left for it, which may still be about to end.
        """
        turn = Turn(self.settings)
        turn.replaces = replaces
        self._turns.add(turn)
        return turn.start(self._answer(turn, question, session_id))

    async def _answer(self, turn: Turn, question: Question, session_id: str | None) -> None:
        user_id = question.visitor.user_id
        if turn.replaces:
            gone = (*question.screen.gone, *await turn.replaces.ids())
            question = replace(question, screen=replace(question.screen, gone=gone))
        try:
            active = await self.find(user_id, session_id) if session_id else None
            conversation = (active or self.open(user_id)).conversation
            await conversation.refresh()
        except StoreUnavailable:
            above = question.above or 0
            if above:
                turn.add_notice(Notice("not_recalled"))
            question = replace(question, screen=Screen((None,) * above))
            conversation = self.open(user_id).conversation
        await conversation.answer(turn, question)

    def open(self, user_id: str | None = None) -> ActiveConversation:
        """A new conversation. Without a user id it is a new visitor's, whom the session's id alone
        finds again."""
        session_id = str(uuid4())
        self._retention.count_new()
        return self._hold(self._conversation(user_id or visitor_id(session_id), session_id))

    async def find(self, user_id: str, session_id: str) -> ActiveConversation | None:
        """The visitor's conversation, if there is one.

        Raises:
            StoreUnavailable: if that cannot be looked up.
        """
        if not (is_visitor_id(user_id) and is_session_id(session_id)):
            return None
        key = self.key(user_id, session_id)
        if key not in self._active:
            conversation = self._conversation(user_id, session_id)
            if not await conversation.history():
                return None
            self._hold(conversation)
        self._restart_timer(key)
        return self._active[key]

    def key(self, user_id: str, session_id: str) -> SessionKey:
        """What names a session of this app."""
        return SessionKey(self._runner.app_name, user_id, session_id)

    async def is_stored(self, user_id: str, session_id: str) -> bool:
        """Whether the visitor's conversation is in the store."""
        if not (is_visitor_id(user_id) and is_session_id(session_id)):
            return False
        key = self.key(user_id, session_id)
        return await self._runner.session_service.get_session(**key._asdict()) is not None

    async def chats(self, user_id: str) -> list[Session]:
        """The visitor's conversations, the newest first; without what was said in them."""
        if not is_visitor_id(user_id):
            return []
        listed = await self._runner.session_service.list_sessions(
            app_name=self._runner.app_name, user_id=user_id
        )
        return sorted(listed.sessions, key=lambda chat: chat.last_update_time, reverse=True)

    @property
    def store_unavailable(self) -> bool:
        """Whether the store did not tell what it holds, so that not all is known."""
        return bool(getattr(self._runner.session_service, "fails", False))

    async def forget_visitor(self, user_id: str) -> None:
        """Delete all that the visitor has ever said.

        Raises:
            StoreUnavailable: if not all of it is known.
        """
        chats = await self.chats(user_id)
        if self.store_unavailable:
            raise StoreUnavailable
        held = [key for key in self._active if key.user_id == user_id]
        for key in {*held, *(self.key(user_id, chat.id) for chat in chats)}:
            await self.forget(key)
        await self.feedback.forget_visitor(user_id)
        await self.preferences.forget_visitor(user_id)

    async def forget(self, key: SessionKey, keeps_feedback: bool = False) -> None:
        """Stop a visitor's conversation, held here or not, and delete all that was said in it, and
        of it."""
        if active := self._let_go(key):
            await active.conversation.forget()
        elif is_visitor_id(key.user_id):
            await self._conversation(*key[1:], is_stored=True).forget()
        if not keeps_feedback:
            await self._forget_feedback(key)

    def forget_soon(self, key: SessionKey) -> None:
        """Stop a conversation that is held here, and delete all that was said in it, in a task of
        its own: for callers who cannot wait."""
        if active := self._let_go(key):
            active.conversation.forget_soon()

    def begin(self) -> None:
        """Delete from now on what is kept for too long, as the first conversation does."""
        self._retention.begin()

    def retire(self) -> None:
        """Leave the store to another registry, which has taken over. Turns that run go on to their
        end, which is stored."""
        self._retention.end()

    async def close(self) -> None:
        """Let no turn begin any more, and stop those that run, within the settings'
        `shutdown_timeout`; what was asked and said is stored."""
        seconds = max(0.0, self.settings.shutdown_timeout - LAST_WORDS)
        self.limits.close()
        await self._retention.close()
        turns = {*self._turns, *(active.conversation.turn for active in self._active.values())}
        turns |= {active.log.turn for active in self._active.values() if active.log}
        running = [turn for turn in turns if turn and not turn.over]
        for turn in running:
            turn.stop(PlainError("shut_down"), question_timeout=seconds)
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await asyncio.gather(*(turn.finish() for turn in running))
        await asyncio.gather(
            *(active.conversation.end_compaction() for active in self._active.values())
        )
        if late := sum(not turn.over for turn in running):
            log.warning(
                "%s of %s answers had not ended after SHUTDOWN_TIMEOUT=%g. What they had said may "
                "not be stored.",
                *(late, len(running), self.settings.shutdown_timeout),
            )
        await asyncio.sleep(LAST_WORDS)

    async def _forget_stored(self, session: Session) -> None:
        """Delete a conversation that is in the store, unless it is being answered here."""
        key = self.key(session.user_id, session.id)
        active = self._active.get(key)
        if active and active.is_running:
            return
        self._let_go(key)
        await self._conversation(session.user_id, session.id, is_stored=True).forget()
        await self._forget_feedback(key)

    async def _forget_feedback(self, key: SessionKey) -> None:
        """Delete what was said of a conversation that is deleted."""
        with suppress(StoreUnavailable):  # Then it is deleted when it is old.
            await self.feedback.forget_chat(key.user_id, key.session_id)

    def _conversation(self, user_id: str, session_id: str, is_stored: bool = False) -> Conversation:
        return Conversation(
            self._runner, self.settings, user_id, session_id, self.limits, is_stored
        )

    def _hold(self, conversation: Conversation) -> ActiveConversation:
        """Hold no more than the host wants, but all that run: the longest idle ones go first."""
        self._retention.begin()
        active = self._active.setdefault(conversation.key, ActiveConversation(conversation))
        self._restart_timer(conversation.key)
        others = list(self._active.items())[:-1]
        surplus = max(0, 1 + len(others) - (self.settings.max_conversations or len(others) + 1))
        for key in list(islice((key for key, other in others if not other.is_running), surplus)):
            self._let_go(key)
        return active

    def _restart_timer(self, key: SessionKey) -> None:
        active = self._active[key] = self._active.pop(key)  # As the latest in use.
        if active.timer:
            active.timer.cancel()
        seconds = min(HOLD_TIME, self.settings.session_idle)
        self.loop = asyncio.get_running_loop()
        # Not in the visitor's context, which holds the request.
        active.timer = self.loop.call_later(seconds, self._let_go_if_idle, key, context=Context())

    def _let_go_if_idle(self, key: SessionKey) -> None:
        if self._active[key].is_running:
            self._restart_timer(key)
        else:
            self._let_go(key)

    def _let_go(self, key: SessionKey) -> ActiveConversation | None:
        active = self._active.pop(key, None)
        if active and active.timer:
            active.timer.cancel()
        return active

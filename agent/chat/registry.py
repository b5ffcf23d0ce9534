"""All conversations of one app: those in use are held here, and every one is in ADK's store.

A conversation is a session of one visitor, an ADK user. Both ids are random and made here; who
knows them holds the conversation.
"""

import asyncio
import re
from contextvars import Context
from dataclasses import dataclass
from itertools import islice
from uuid import uuid4

from google.adk.sessions import Session

from agent.chat.conversation import Conversation
from agent.chat.loader import LoadedAgent
from agent.chat.streams import DeltaLog
from agent.core.errors import PlainError
from agent.core.settings import Settings
from agent.core.visitor import is_visitor_id, visitor_id
from agent.limits.rate_limits import Limits
from agent.stores.fallback import StoreUnavailable
from agent.stores.retention import Retention
from agent.stores.share_links import ShareLinks

HOLD = 300.0
"""Seconds for which an idle conversation is held here; after that the store alone has it."""

MET = 10_000
"""How many visitors' names are remembered here."""

SESSION_ID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"

CLOSING = 3.0
"""Seconds that closing may take."""

LAST_WORDS = 0.3
"""Seconds in which pages can still be told how their answers ended."""

SHUT_DOWN = "The app was shut down, which cut this answer off. Try again for a whole one."


@dataclass
class ActiveConversation:
    """A conversation in use, and the log of its latest turn."""

    conversation: Conversation
    log: DeltaLog | None = None
    turns: int = 0
    """How many turns were begun here: the latest one's number."""

    def ask(self, query: str, address: str | None = None) -> DeltaLog:
        """Begin a turn, and end the one before, which nobody reads any more."""
        if self.log:
            self.log.turn.stop()
        self.log = DeltaLog(self.conversation.ask(query, address=address))
        self.turns += 1
        return self.log

    @property
    def is_busy(self) -> bool:
        """Whether an answer is running that somebody reads, or is about to."""
        return bool(self.log and not self.log.turn.over and not self.log.turn.abandoned)

    @property
    def is_running(self) -> bool:
        """Whether an answer is on its way, or has just been asked for."""
        return self.conversation.is_running or bool(self.log and not self.log.turn.over)


class Registry:
    """Open, find, forget. Lives on the event loop of the server.

    Raises:
        ValueError: for settings that cannot be used, with a sentence for the host.
    """

    def __init__(self, loaded: LoadedAgent, settings: Settings) -> None:
        self.settings = settings
        self.limits = Limits(settings, costs=loaded.costs)
        self.links = ShareLinks(loaded.runner)
        self._runner = loaded.runner
        self._visits: dict[str, ActiveConversation] = {}
        self._met: dict[str, None] = {}
        self._clocks: dict[str, asyncio.TimerHandle] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        """The server's, from the first conversation on."""
        self._retention = Retention(loaded.runner, settings, self._outlive)

    def open(self, user_id: str | None = None) -> ActiveConversation:
        """A new conversation; where no visitor is named, of one who has no other, and is found
        by the session's id alone."""
        session_id = str(uuid4())
        self._retention.count_new()
        return self._hold(self._conversation(user_id or visitor_id(session_id), session_id))

    def new_visitor(self) -> str:
        """A new visitor's name, which is remembered for a while, though nothing is stored of one
        who has not said anything."""
        user_id = visitor_id(uuid4())
        self._met[user_id] = None
        for oldest in list(islice(self._met, max(0, len(self._met) - MET))):
            del self._met[oldest]
        return user_id

    def has_met(self, user_id: str) -> bool:
        """Whether this is a name that was given here."""
        return user_id in self._met

    async def find(self, user_id: str, session_id: str) -> ActiveConversation | None:
        """The visitor's conversation, if there is such a one."""
        if not (is_visitor_id(user_id) and re.fullmatch(SESSION_ID, session_id)):
            return None
        if session_id not in self._visits:
            conversation = self._conversation(user_id, session_id)
            if not await conversation.recall():
                return None
            self._hold(conversation)
        visit = self._visits[session_id]
        self._restart_timer(session_id)
        return visit if visit.conversation.user_id == user_id else None

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
        for chat in chats:
            if await self.find(user_id, chat.id):
                await self.forget(chat.id)

    async def forget(self, session_id: str) -> None:
        """Stop a conversation that is held here, and delete all that was said in it."""
        if visit := self._let_go(session_id):
            await visit.conversation.forget()

    def forget_soon(self, session_id: str) -> None:
        """The same in a task of its own, where nobody can wait for it."""
        if visit := self._let_go(session_id):
            visit.conversation.forget_soon()

    def retire(self) -> None:
        """Another registry has taken over: turns that run go on to their end, and no more."""
        self._retention.end()

    async def close(self) -> None:
        """Let no turn begin any more, and stop those that run; what was said is stored."""
        self.limits.close()
        visits = list(self._visits.values())
        await asyncio.gather(*(v.conversation.stop(PlainError(SHUT_DOWN)) for v in visits))
        await asyncio.sleep(LAST_WORDS)

    def close_from_outside(self) -> None:
        """Close from another thread than the server's, and wait for it."""
        if self._loop:
            asyncio.run_coroutine_threadsafe(self.close(), self._loop).result(CLOSING)

    async def _outlive(self, session: Session) -> None:
        """Delete a stored conversation, unless it is being answered."""
        visit = self._visits.get(session.id)
        if visit and visit.is_running:
            return
        self._let_go(session.id)
        await self._conversation(session.user_id, session.id, is_stored=True).forget()

    def _conversation(self, user_id: str, session_id: str, **more: bool) -> Conversation:
        return Conversation(self._runner, self.settings, user_id, session_id, self.limits, **more)

    def _hold(self, conversation: Conversation) -> ActiveConversation:
        self._retention.begin()
        visit = self._visits.setdefault(conversation.session_id, ActiveConversation(conversation))
        self._restart_timer(conversation.session_id)
        self._make_room()
        return visit

    def _make_room(self) -> None:
        """Hold no more than the host wants, but all that run: the longest idle ones go first."""
        held = len(self._visits)
        surplus = held - (self.settings.max_conversations or held)
        others = islice(self._visits.items(), held - 1)
        idle = (session_id for session_id, visit in others if not visit.is_running)
        for session_id in list(islice(idle, max(0, surplus))):
            self._let_go(session_id)

    def _restart_timer(self, session_id: str) -> None:
        if clock := self._clocks.get(session_id):
            clock.cancel()
        seconds = min(HOLD, self.settings.session_idle)
        self._loop = asyncio.get_running_loop()
        self._visits[session_id] = self._visits.pop(session_id)  # As the latest in use.
        # Not in the visitor's context, which holds the request.
        self._clocks[session_id] = self._loop.call_later(
            seconds, self._let_go_if_idle, session_id, context=Context()
        )

    def _let_go_if_idle(self, session_id: str) -> None:
        if self._visits[session_id].is_running:
            self._restart_timer(session_id)
        else:
            self._let_go(session_id)

    def _let_go(self, session_id: str) -> ActiveConversation | None:
        if clock := self._clocks.pop(session_id, None):
            clock.cancel()
        return self._visits.pop(session_id, None)

"""What one page has been shown of a conversation.

A page tells us only how many messages it shows. Which turns those are is known here: so a page
that has not seen the newest ones, because they came from another window, never takes them away,
and a message that was refused counts for nothing.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing, suppress
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from google.adk.sessions import Session

from agent.chat.conversation import GONE_ON, Conversation, GoneOn, Question
from agent.chat.registry import Registry
from agent.chat.turn import Past, Turn
from agent.core.history import TurnRecord
from agent.core.transcript import Notice, Transcript
from agent.core.visitor import is_visitor_id
from agent.render import export
from agent.stores.fallback import StoreUnavailable
from agent.stores.share_links import SharedChat

NOT_RECALLED = (
    "What was said above cannot be recalled at the moment, because the place where it is stored "
    "does not answer. This is a new conversation."
)


LATEST = 50
"""How many turns a page begins with; when it shows twice as many, it begins anew. Each update costs
Gradio as much as all that is on the page."""


Ready: TypeAlias = Callable[[], Awaitable[None]]
"""Waits until a page can take more."""


async def at_once() -> None:
    """For a page that always can."""


@dataclass
class PageState:
    """One page of one visitor. It changes as the page does."""

    registry: Registry
    user_id: str = ""
    """A new visitor's without one."""

    session_id: str | None = None
    """None until the first message."""

    shown: list[Past] = field(default_factory=list)
    """What answered each message on the page; without an invocation where nothing is stored."""

    hidden: int = 0
    """How many turns come before those."""

    unsent: str = ""
    """A message that came when the page was behind: it has to catch up, and gives it back."""

    _turn: Turn | None = None
    _stopped: object = None
    """The number of the message at whose answer Stop was pressed, which may not have begun."""

    _times_turned: int = 0

    def __post_init__(self) -> None:
        self.user_id = self.user_id or self.registry.new_visitor()

    def turn_to(self, session_id: str | None) -> None:
        """Show another conversation, or with None a new one. Whoever follows an answer here leaves
        it."""
        self.session_id, self.shown, self.hidden = session_id, [], 0
        self._times_turned += 1
        if self._turn:
            self._turn.wake()
            self._turn = None

    def leave(self) -> None:
        """End the answer that is running, and show no more of it."""
        self._times_turned += 1
        if self._turn:
            self._turn.stop()
            self._turn.wake()

    async def follow(self, turn: Turn, ready: Ready) -> AsyncGenerator[Transcript, None]:
        """The turn's transcripts, the latest whenever the page is `ready` for it, as long as it
        shows that conversation."""
        self._turn, since = turn, self._times_turned
        async with aclosing(follow(turn)) as transcripts:
            async for _ in transcripts:
                await ready()
                if self._times_turned != since:
                    return
                yield turn.transcript

    def ask(self, message: str, count: int, address: str, number: object = None) -> Turn:
        """Begin the answer to a message below the `count` that the page shows; by its number it
        can be stopped before."""
        self._turn = turn = Turn(self.registry.settings)
        turn.begin(self._ask(turn, message, count, address))
        if number is not None and number == self._stopped:
            turn.stop()
        return turn

    async def replay(
        self, ready: Ready = at_once
    ) -> AsyncGenerator[tuple[list[TurnRecord], bool], None]:
        """The conversation's latest turns as they are stored, and whether an answer is running;
        then again and again, as that one grows. The page shows them."""
        try:
            conversation = await self.conversation()
            whole, turn = await conversation.recall(), conversation.turn
        except StoreUnavailable as failure:
            self.turn_to(None)
            yield [TurnRecord("", "", (Notice(str(failure)),))], False
            return
        told = whole[-LATEST:]
        self.hidden = len(whole) - len(told)
        self.shown = [Past(turn.invocation_id) for turn in told]
        if turn is None or turn.over:
            yield told, False
            return
        self.shown[-1] = turn.past
        async with aclosing(self.follow(turn, ready)) as transcripts:
            async for transcript in transcripts:
                yield [*told[:-1], replace(told[-1], transcript=transcript)], not turn.over

    @property
    def is_long(self) -> bool:
        """Whether the page shows more than it should for long."""
        return len(self.shown) > 2 * LATEST

    async def conversation(self) -> Conversation:
        """The one on the page; a new one where there is none, or none any more."""
        find, open_new = self.registry.find, self.registry.open
        visit = await find(self.user_id, self.session_id) if self.session_id else None
        conversation = (visit or open_new(self.user_id)).conversation
        self.session_id = conversation.session_id
        return conversation

    async def forget(self) -> None:
        """Delete the conversation, and show a new one."""
        if self.session_id:
            await self.conversation()  # A long idle one is in the store alone.
            await self.registry.forget(self.session_id)
        self.turn_to(None)

    def forget_soon(self) -> None:
        """The same for a conversation that has just been held, where nobody can wait for it."""
        if self.session_id:
            self.registry.forget_soon(self.session_id)

    async def undo(self) -> None:
        """Forget the last message on the page; and the conversation, if it was the first."""
        last = self.shown.pop() if self.shown else Past()
        if last.invocation_id:
            conversation = await self.conversation()
            await conversation.undo(last.invocation_id)
            if not conversation.turns:
                await self.forget()

    async def stop(self, number: object = None) -> None:
        """End the answer that is running, or is about to begin to the message of that number."""
        self._stopped = number
        if self._turn:
            self._turn.stop()
        if self.session_id:
            with suppress(StoreUnavailable):  # What runs is held here.
                await (await self.conversation()).stop()

    async def forget_visitor(self) -> None:
        """Delete all that the visitor has ever said, and be another one."""
        await self.registry.forget_visitor(self.user_id)
        self.user_id = self.registry.new_visitor()

    async def rename(self, title: str) -> bool:
        """Call the conversation something else, if there is one."""
        if self.session_id:
            await (await self.conversation()).rename(title)
        return bool(self.session_id)

    async def chats(self) -> list[Session]:
        """All the visitor's conversations, the newest first."""
        return await self.registry.chats(self.user_id)

    async def share(self) -> None:
        """Let whoever has the link read the conversation as it is now."""
        if self.session_id:
            conversation = await self.conversation()
            begun = [turn.invocation_id for turn in await conversation.recall()]
            if turns := [turn for turn in begun if turn]:
                who = conversation.user_id, conversation.session_id
                await self.registry.links.share(SharedChat(*who, conversation.title, turns))

    async def stop_sharing(self) -> None:
        """Let nobody read it by the link any more."""
        await self.registry.links.revoke(self.user_id, str(self.session_id))

    async def token(self) -> str | None:
        """The link's, if the conversation is shared."""
        return await self.registry.links.token(self.user_id, str(self.session_id))

    async def export(self, kind: str) -> tuple[str, str] | None:
        """The conversation as a file: its name, and what is in it; None where nothing was said."""
        if not self.session_id:
            return None
        conversation = await self.conversation()
        told, session = await conversation.recall(), await conversation.session()
        if not (told and session):
            return None
        title, host = conversation.title, conversation.runner.agent.name
        made = {
            "md": lambda: export.to_markdown(told, title, host),
            "html": lambda: export.to_html(told, title, host),
            "json": lambda: export.to_adk(session, title),
        }
        text = await asyncio.to_thread(made[kind])
        return f"{export.file_name(title)}.{kind}", text

    async def _ask(self, turn: Turn, message: str, count: int, address: str) -> None:
        conversation = await self._up_to_date(turn, count)
        if not self.shown and count == len(conversation.turns):
            self.shown = list(conversation.turns)  # The app was restarted under an open page.
        try:
            seen = {past.invocation_id for past in self.shown}
            if conversation.latest_id and conversation.latest_id not in seen:
                raise GoneOn(GONE_ON)
            kept = self._show(count, turn.past, conversation)
            await conversation.answer(turn, Question(message, kept, address=address))
        except GoneOn:
            self.unsent = message
            raise

    async def _up_to_date(self, turn: Turn, count: int) -> Conversation:
        """The conversation as it is stored; a new one where it cannot be looked up."""
        try:
            conversation = await self.conversation()
            await conversation.refresh()
            return conversation
        except StoreUnavailable:
            if count:
                turn.add_notice(Notice(NOT_RECALLED))
            self.session_id, self.hidden = None, 0
            self.shown = [Past() for _ in range(count)]
            return await self.conversation()

    def _show(self, count: int, new: Past, conversation: Conversation) -> int:
        """The page shows `new` below its first `count`: how many turns those are."""
        kept, missing = self.shown[:count], max(0, count - len(self.shown))
        with_page_state = {past.invocation_id for past in conversation.turns}
        blank = [past if past.invocation_id in with_page_state else Past() for past in kept]
        self.shown = [*blank, *(Past() for _ in range(missing)), new]
        hidden, self.hidden = self.hidden, min(self.hidden, len(conversation.turns))
        return hidden + sum(past.invocation_id is not None for past in kept) + missing


async def open_last(registry: Registry, user_id: str, session_id: str = "") -> PageState:
    """The page that a visitor opens: on that conversation, or else on the newest, or else on a new
    one; a new visitor's, where the name is none that we have given."""
    chats = [chat.id for chat in await registry.chats(user_id)]
    # Whoever cannot be looked up now may be known again later.
    may_be = is_visitor_id(user_id) and registry.store_unavailable
    is_known = bool(chats) or registry.has_met(user_id) or may_be
    there = session_id if session_id in chats else next(iter(chats), None)
    return PageState(registry, user_id if is_known else "", there)


async def restore(registry: Registry, user_id: str, session_id: str) -> PageState:
    """A page that is open, and was before this process began: on that conversation, or with ""
    on a new one."""
    view = await open_last(registry, user_id)
    view.session_id = session_id or None
    return view


async def follow(turn: Turn) -> AsyncGenerator[Transcript, None]:
    """The turn's transcripts, each as soon as the page is ready for it; never an exception.

    Cancelled by Clear, by Edit or by a client, it stops the turn. A closed tab does not cancel:
    Gradio then drops the generator, and the turn has its time of grace.
    """
    try:
        async with aclosing(turn.watch()) as transcripts:
            async for transcript in transcripts:
                yield transcript
    except asyncio.CancelledError:
        turn.stop()
        raise

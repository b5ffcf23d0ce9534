"""What one page has been shown of a conversation.

A page tells us only how many messages it shows. Which turns those are is known here: so a page
that has not seen the newest ones, because they came from another window, never takes them away,
and a message that was refused counts for nothing.
"""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from google.adk.sessions import Session

from agent.chat.agents import Agents
from agent.chat.conversation import Conversation
from agent.chat.registry import Registry
from agent.chat.side_by_side import SideBySide
from agent.chat.turn import Turn
from agent.core.choices import allowed, of_page
from agent.core.feedback import can_be_rated
from agent.core.files import File
from agent.core.history import TurnRecord, as_talk
from agent.core.notices import Notice, PlainError
from agent.core.pauses import Reply
from agent.core.question import Question, Screen
from agent.core.transcript import Transcript
from agent.core.visitor import Visitor, is_person_id, is_session_id, is_visitor_id
from agent.core.waiting import open_calls
from agent.render import media
from agent.render.foot import foot_of
from agent.stores.fallback import StoreUnavailable
from agent.stores.share_links import SharedChat

# How many turns a page begins with; when it shows twice as many, it begins anew. Each update costs
# Gradio as much as all that is on the page.
LATEST = 50

# Why a reply changes nothing, but what the page shows is not so any more.
OVERTAKEN = ("answered_already", "lapsed")

# Why a message is not answered, and is given back to the page.
GIVEN_BACK = ("out_of_date", "being_mended")

# What the page's address asks for instead of a session, so that it opens none (`?chat=new`).
NEW = "new"


class PageState:
    """One page of one visitor: whose it is, which session is on it, and which of its turns.

    Args:
        registry: Where conversations are found.
        user_id: The visitor; a new one without it.
        session_id: The session on the page; None until the first message.
    """

    def __init__(
        self, registry: Registry, user_id: str = "", session_id: str | None = None
    ) -> None:
        self.registry = registry
        self.user_id = user_id or registry.visitors.new()
        # The latest turn that the page has asked for or follows, and its message.
        self.turn: Turn | None = None
        self._question = Question()
        self._session_id = session_id
        # The page above that turn's message; all of it where there is no such turn.
        self._screen = Screen()
        # Whether this page has asked for that turn, and not only follows it.
        self._has_asked = False
        # The browser's number for the latest message, and for the one at whose answer Stop was
        # pressed, which may not have begun.
        self._number: object = None
        self._stopped: object = None
        self._times_turned = 0
        # The turn that answers once more what the turn of that id has answered (stream_panel.py).
        self.comparison: tuple[str | None, Turn] | None = None
        # The talk that this page holds, while it lasts.
        self.talk: Turn | None = None
        # The two answers that stand side by side (side_by_side.py).
        self.both: SideBySide | None = None
        # The calls of long-running tools on the page whose results are still to come.
        self.waiting: set[str] = set()

    @property
    def session_id(self) -> str | None:
        """The session on the page: known once its first turn has begun."""
        return (self.turn and self.turn.session_id) or self._session_id

    @property
    def person_id(self) -> str:
        """The visitor's user id, if that is a person's who has signed in; else ""."""
        return self.user_id if is_person_id(self.user_id) else ""

    @property
    def screen(self) -> Screen:
        """Which turns the page shows."""
        if self.turn is None:
            return self._screen
        above = (self._has_asked and self.turn.screen) or self._screen
        return replace(above, turn_ids=(*above.turn_ids, self.turn.id))

    @property
    def is_talking(self) -> bool:
        """Whether the turn on the page is a talk that it holds, in which one can type."""
        return self.talk is not None and self.turn is self.talk

    @property
    def is_long(self) -> bool:
        """Whether the page shows more than it should for long."""
        return len(self.screen.turn_ids) > 2 * LATEST

    @property
    def has_old_answers(self) -> bool:
        """Whether the page shows what is not so any more: answers above its latest message have
        changed, or what it has replied to was answered elsewhere."""
        failure = self.turn and self.turn.failure
        is_answered = isinstance(failure, PlainError) and failure.notice.code in OVERTAKEN
        return is_answered or bool(self.turn and self.turn.changes_earlier)

    @property
    def given_back(self) -> Notice | None:
        """Why the page is to show what there was before its latest message, and to give that back;
        None where it was answered."""
        failure = self.turn and self.turn.failure
        notice = failure.notice if isinstance(failure, PlainError) else None
        return notice if notice and notice.code in GIVEN_BACK else None

    @property
    def rateable(self) -> str:
        """The id of the turn that the page has asked for last, if its answer can be rated."""
        turn = self.turn
        return turn.id or "" if turn and can_be_rated(turn.id, turn.transcript) else ""

    @property
    def unsent(self) -> str:
        """The text of a message that is given back."""
        return self._question.text if self.given_back else ""

    async def has_result(self) -> bool:
        """Whether the result of a long-running tool has come for which the page shows a ticket, or
        is being answered."""
        conversation = await self.conversation()
        await conversation.refresh()
        running = conversation.turn if conversation.is_running else None
        if running and running is not self.turn:
            return True
        waiting = {id for turn in conversation.turns for id in open_calls(turn.transcript)}
        return not self.waiting <= waiting

    def turn_to(self, session_id: str | None) -> None:
        """Show another conversation, or with None a new one. Whoever follows an answer here leaves
        it, and it runs on."""
        self._times_turned += 1
        if self.turn:
            self.turn.wake()
        self._show(session_id, Screen())

    def _show(self, session_id: str | None, screen: Screen, turn: Turn | None = None) -> None:
        self._session_id, self._screen, self.turn = session_id, screen, turn
        self._has_asked = False

    def _leave(self) -> None:
        """End the answer that is running, and show no more of it."""
        self._times_turned += 1
        if self.turn and not self.turn.over:
            self.turn.stop()
            self.turn.wake()

    async def _end(self) -> tuple[str, ...]:
        """End the answer that is running; the ids of the page's latest turn, and of those that it
        replaces."""
        self._leave()
        return await self.turn.ids() if self.turn else ()

    def ask(self, message: str | Mapping[str, Any] | None, above: int, address: str) -> Turn:
        """Begin the turn that answers a message. An answer that is running is left, where the
        message stands in the place of the one that it answers.

        Args:
            message: Its text, which an empty form may send as None; or a dict with that as `text`,
                `files` (or their paths, as Gradio's MultimodalTextbox gives them), a `number` by
                which the page may have stopped it before it began, `replies` in place of a text,
                how it is to be answered as `options`, and the visitor's own `key`, a `SecretStr`.
            above: How many messages the page shows above it; with `replies`, above the message
                whose answer waits for them.
            address: The visitor's network address, for the limits.
        """
        asked: Mapping[str, Any] = message if isinstance(message, Mapping) else {"text": message}
        visitor = Visitor(self.user_id, address)
        screen, last = self.screen, self.turn
        replies: Mapping[str, Reply] = asked.get("replies") or {}
        above += bool(replies)  # The message that waits for them stays.
        text = str(asked.get("text") or "")
        files = [_file(given) for given in asked.get("files") or ()]
        about: dict[str, Any] = {"visitor": visitor, "replies": replies, "files": files}
        about["options"] = allowed(of_page(asked.get("options")), self.registry.settings)
        self._question = Question(text, above, screen, **about)  # Without a key.
        shown, others = screen.turn_ids[:above], screen.turn_ids[above:]
        if others:
            self._leave()
        replaced = last if last and (others or last.replaces) else None
        keyed = replace(self._question, visitor=replace(visitor, key=asked.get("key")))
        turn = self.registry.ask(keyed, self.session_id, replaced)
        kept = (*shown, *[None] * max(0, above - len(shown)))
        gone = (*screen.gone, *filter(None, others))
        above_turn = kept[:-1] if replies else kept
        self._show(self.session_id, Screen(above_turn, screen.hidden, gone), turn)
        self._has_asked, self._number = True, asked.get("number")
        if self._number is not None and self._number == self._stopped:
            turn.stop()
        return turn

    def answers(self, number: object) -> Turn | None:
        """The turn that answers the message of this number, if it is the latest on the page."""
        return self.turn if number == self._number else None

    def foot(self, turn: Turn) -> str:
        """The line below the turn's answer; "" until it is over."""
        if not (turn.over and turn.id):
            return ""
        record = turn.measured(TurnRecord(turn.id, "", turn.transcript))
        return foot_of(record, self.registry.settings)

    async def follow(self, turn: Turn) -> AsyncGenerator[Transcript, None]:
        """The turn's transcripts, as long as the page shows that conversation.

        Cancelled by Clear, by Edit or by a client, it stops the turn. A closed tab does not cancel:
        Gradio then drops the generator, and the turn has its time of grace.
        """
        since = self._times_turned
        try:
            async with aclosing(turn.watch()) as transcripts:
                async for transcript in transcripts:
                    if self._times_turned != since:
                        return
                    yield transcript
            if turn is self.turn and not self.unsent:
                self._question = Question()  # Its text is kept where it was answered.
        except asyncio.CancelledError:
            turn.stop()
            raise

    async def replay(self) -> AsyncGenerator[tuple[list[TurnRecord], bool], None]:
        """The conversation's latest turns as they are stored, and whether an answer is running;
        then again and again, as that one grows. The page shows them."""
        try:
            conversation = await self.conversation()
            whole, turn = await conversation.history(), conversation.turn
        except StoreUnavailable as failure:
            self.turn_to(None)
            yield [TurnRecord("", "", (failure.notice,))], False
            return
        records = whole[-LATEST:]
        self.waiting = {id for record in records for id in open_calls(record.transcript)}
        ids = tuple(record.id for record in records)
        screen = Screen(ids, len(whole) - len(records))
        if turn is None or turn.over:
            self._show(conversation.key.session_id, screen)
            yield records, False
            return
        self._show(conversation.key.session_id, replace(screen, turn_ids=ids[:-1]), turn)
        async with aclosing(self.follow(turn)) as transcripts:
            async for transcript in transcripts:
                latest = replace(records[-1], transcript=transcript)
                latest = as_talk(latest) if latest.is_talk else latest
                latest = turn.measured(latest) if turn.over else latest
                yield [*records[:-1], latest], not turn.over

    async def conversation(self) -> Conversation:
        """The one on the page; a new one where there is none, or none any more."""
        find, session_id = self.registry.find, self.session_id
        active = await find(self.user_id, session_id) if session_id else None
        conversation = (active or self.registry.open(self.user_id)).conversation
        if active is None:
            self._show(conversation.key.session_id, self.screen)
        return conversation

    async def forget(self, keeps_feedback: bool = False) -> None:
        """Delete the conversation, and show a new one."""
        await self._end()
        if self.session_id:
            key = self.registry.key(self.user_id, self.session_id)
            await self.registry.forget(key, keeps_feedback)
        self.turn_to(None)

    async def undo(self) -> None:
        """Forget the last message on the page; and the conversation, if it was the first."""
        screen = self.screen
        ids = await self._end() or screen.turn_ids[-1:]
        self._show(self.session_id, replace(screen, turn_ids=screen.turn_ids[:-1]))
        if last := {*filter(None, ids), *screen.gone}:
            conversation = await self.conversation()
            await conversation.undo(last)
            if not conversation.turns:
                await self.forget(keeps_feedback=True)
                # What was refused before it stays on the page.
                self._show(None, Screen((None,) * len(screen.turn_ids[:-1])))

    async def stop(self, number: object = None) -> None:
        """End the answer that is running, or is about to begin to the message of that number."""
        self._stopped = number
        if self.turn:
            self.turn.stop()
        if self.session_id:
            with suppress(StoreUnavailable):  # What runs is held here.
                await (await self.conversation()).stop()

    async def forget_visitor(self, agents: Agents | None = None) -> None:
        """Delete all that the visitor has ever said to these agents, or without them to the page's
        own, and be another one, unless signed in."""
        await self._end()
        if self.both:
            self.both.stop()
            self.both = None
        await (agents or self.registry).forget_visitor(self.user_id)
        self.user_id = self.person_id or self.registry.visitors.new()

    def _id(self, session_id: str | None) -> str:
        """That session's, by default the one's on the page; "" where there is none."""
        return (self.session_id if session_id is None else session_id) or ""

    async def chat(self, session_id: str | None) -> Conversation | None:
        """The visitor's conversation of this id, by default the one on the page; None if there is
        none, or nothing in it."""
        active = await self.registry.find(self.user_id, self._id(session_id))
        return active.conversation if active else None

    async def rename(self, title: str, session_id: str | None = None) -> bool:
        """Call that conversation something else; whether there is such a one."""
        if conversation := await self.chat(session_id):
            await conversation.rename(title)
        return conversation is not None

    async def delete(self, session_id: str) -> None:
        """Delete another conversation of the visitor's than the one on the page."""
        if is_session_id(session_id):
            await self.registry.forget(self.registry.key(self.user_id, session_id))

    async def chats(self) -> list[Session]:
        """All the visitor's conversations, the newest first."""
        return await self.registry.chats(self.user_id)

    async def share(self, session_id: str | None = None) -> bool:
        """Let whoever has the link read that conversation as it is now; whether there is such a
        one."""
        conversation = await self.chat(session_id)
        history = await conversation.history() if conversation else []
        ids = [record.id for record in history if record.id]
        if conversation and ids:
            user_id, session_id = conversation.key[1:]
            shared = SharedChat(user_id, session_id, conversation.title, ids)
            await self.registry.links.share(shared)
        return bool(ids)

    async def stop_sharing(self, session_id: str | None = None) -> None:
        """Let nobody read it by the link any more."""
        await self.registry.links.revoke(self.user_id, self._id(session_id))

    async def token(self, session_id: str | None = None) -> str | None:
        """The link's, if that conversation is shared."""
        return await self.registry.links.token(self.user_id, self._id(session_id))


def _file(given: File | str) -> File:
    return given if isinstance(given, File) else media.kept_copy(Path(given))


async def open_last(
    registry: Registry, user_id: str, session_id: str = "", is_known: bool = False
) -> PageState:
    """The page that a visitor opens: on that session, or else on the newest, or else on a new one,
    as with `NEW`; a new visitor's, where the id is none that we have given.

    Args:
        registry: Of the agent that the page shows.
        user_id: Who the page says that it is, or who has signed in.
        session_id: What it was on, or what its address asks for.
        is_known: Whether the visitor has chats with another agent, or has signed in.
    """
    chats = [chat.id for chat in await registry.chats(user_id)]
    # Whoever cannot be looked up now may be known again later.
    may_be_known = is_visitor_id(user_id) and registry.store_unavailable
    is_known = bool(chats) or registry.visitors.is_new(user_id) or may_be_known or is_known
    latest = session_id if session_id in chats else next(iter(chats), None)
    if session_id == NEW:
        latest = None
    return PageState(registry, user_id if is_known else "", latest)


async def restore(
    registry: Registry, user_id: str, session_id: str, is_known: bool = False
) -> PageState:
    """A page that is open, and was before this process began: on that session, or with "" on a new
    one."""
    page = await open_last(registry, user_id, is_known=is_known)
    page.turn_to(session_id if is_session_id(session_id) else None)
    return page

"""One ADK session, and what this process knows of what it holds.

The turns that are known here are those that the store holds: they are learnt anew when another
process has written, and cut by a rewind when the visitor sees fewer of them.
"""

import time
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from operator import attrgetter

from google.adk.errors import StaleSessionError
from google.adk.events import Event
from google.adk.runners import Runner
from google.adk.sessions import BaseSessionService, Session
from google.adk.sessions.base_session_service import GetSessionConfig
from google.genai import types

from agent.chat import sent_files
from agent.chat.artifacts import Artifacts
from agent.core.history import (
    DONE,
    NAME,
    TITLE,
    TurnRecord,
    done_event,
    shared_events,
    turn_records,
)
from agent.core.visitor import SessionKey
from agent.core.waiting import executed
from agent.stores.cleanup import delete_session, take_back
from agent.stores.fallback import FallbackStore, StoreUnavailable
from agent.stores.lease import lease
from agent.stores.memory import ForgettingMemory
from agent.stores.share_links import ShareLinks


class SessionSync:
    """Read, cut, append, delete.

    Args:
        runner: Whose store it is.
        key: Which session.
        is_stored: Whether the session is known to be in the store.
    """

    def __init__(self, runner: Runner, key: SessionKey, is_stored: bool = False) -> None:
        self.key = key
        self.turns: list[TurnRecord] = []
        # The conversation's first words, and what it is called instead.
        self.title = self.name = ""
        self.is_stored = is_stored
        # What tools have done in turns that were taken back.
        self._done: list[str] = []
        self.artifacts = Artifacts(runner, key)
        self.agent = runner.agent
        self.runner = runner
        # The store's time of what is known here; None where that has to be looked up.
        self._as_of: float | None = None

    @property
    def latest_id(self) -> str:
        """The latest turn's invocation; "" before the first."""
        return self.turns[-1].invocation_id if self.turns else ""

    @property
    def invocations(self) -> set[str]:
        """The invocations of all turns."""
        return {record.invocation_id for record in self.turns}

    async def read(self) -> Session | None:
        """The session with all its events, as it is stored."""
        session = await self._store.get_session(**self.key._asdict())
        await self.artifacts.look_up(session.events if session else ())
        return session

    async def look(self) -> Session | None:
        """The session without its events, if it is in the store."""
        if not self.is_stored:
            return None
        config = GetSessionConfig(num_recent_events=0)
        return await self._store.get_session(**self.key._asdict(), config=config)

    async def refresh(self) -> None:
        """Learn what was written in another process since this one looked, if anything was."""
        session = await self.look()
        if session and session.last_update_time != self._as_of:
            self.learn(await self.read())

    def learn(self, session: Session | None) -> list[TurnRecord]:
        """Know what this session holds; its turns, with the figures of those that were run here and
        have not gone on elsewhere."""
        known, longest = {record.id: record.figures for record in self.turns}, attrgetter("total")
        self.turns = [
            replace(r, figures=max(known.get(r.id, r.figures), r.figures, key=longest))
            for r in self.records(session)
        ]
        self.is_stored = session is not None
        self._as_of = session.last_update_time if session else None
        state = session.state if session else {}
        self._done = list(state.get(DONE) or [])
        self.title, self.name = str(state.get(TITLE, "")), str(state.get(NAME, ""))
        return self.turns

    def records(self, session: Session | None) -> list[TurnRecord]:
        """The turns of the session, with what is known of its files."""
        known = self.artifacts
        return [
            replace(record, transcript=known.described(record.transcript), files=known.sent(record))
            for record in turn_records(session.events if session else ())
        ]

    def keep(self, record: TurnRecord) -> None:
        """Know a turn that has been run: a new one, or one that has gone on."""
        known = [earlier.id for earlier in self.turns]
        if record.id in known:
            place = known.index(record.id)
            begun = self.turns[place]
            self.turns[place] = replace(record, question=begun.question, files=begun.files)
        else:
            self.turns.append(record)

    def outdate(self) -> None:
        """Look up what the store holds before the next turn: ADK has written more than it tells."""
        self._as_of = None

    async def settle(self, failure: object = None) -> None:
        """What the store holds now is what is known here: nobody else may have written.

        Args:
            failure: Why the latest turn failed, if it did. ADK may have stored more of a run that
                was cut off than it had time to tell us, so the session is read anew.
        """
        self._as_of = None
        if isinstance(failure, StaleSessionError):
            return  # Somebody else is writing.
        with suppress(Exception):  # Then it is looked up before the next turn.
            if failure:
                self.learn(await self.read())
            elif session := await self.look():
                self._as_of = session.last_update_time

    async def cut(self, kept: int) -> list[str]:
        """Rewind the session to its first `kept` turns, if it has more.

        Returns:
            What tools have done in the other turns with a person's approval, which stays done.
        """
        done = []
        if kept < len(self.turns):
            cut, session, again = self.turns[kept:], None, list[Event]()
            if kept and self.turns[kept - 1].invocation_id == cut[0].invocation_id:
                session = await self.read()
                left = [record.id for record in self.turns[:kept]]
                again = shared_events(session.events if session else (), left, cut[0].id)
            turn_ids = [record.invocation_id for record in cut]
            if isinstance(memory := self.runner.memory_service, ForgettingMemory):
                await memory.forget_turns(self.key, turn_ids)
            await self.runner.rewind_async(
                user_id=self.key.user_id,
                session_id=self.key.session_id,
                rewind_before_invocation_id=cut[0].invocation_id,
            )
            if any(record.changes_user for record in cut):
                await take_back(self.runner, self.key, turn_ids)
            for record in cut:
                await sent_files.delete(record.files, self.runner, self.key)
                self.artifacts.release(record)
            del self.turns[kept:]
            for event in again:
                event.timestamp = time.time()  # Stores order events by it, the rewind among them.
                await self.append(event)
            done = [text for record in cut for text in executed(record.transcript).values()]
            self._done += done
            if self._done:  # A rewind has taken away what was known of this, too.
                await self.append(done_event(self.latest_id, self._done))
        return done

    async def create(self) -> Session:
        """Make the session."""
        session = await self._store.create_session(**self.key._asdict())
        self.is_stored = True
        return session

    async def take_over(self, contents: Sequence[types.Content], agent_name: str) -> None:
        """Store what was said elsewhere in a new session; a content of the user's begins a turn."""
        if not contents:
            return
        session = await self.create()
        for content in contents:
            is_users = content.role == "user"
            if is_users or not self.turns:
                self.turns.append(TurnRecord(f"e-{uuid.uuid4()}", "", asked_at=time.time()))
            author = "user" if is_users else agent_name
            event = Event(invocation_id=self.latest_id, author=author, content=content)
            await self.append(event, session)

    async def append(self, event: Event, session: Session | None = None) -> None:
        """Store an event of this app's own, if there is a session.

        Args:
            event: The event.
            session: The session, where the caller has read it already.
        """
        if found := session or await self.look():
            await self._store.append_event(found, event)
            for place, record in reversed(list(enumerate(self.turns))):
                if record.invocation_id == event.invocation_id:
                    self.turns[place] = replace(record, events=record.events + 1)
                    return

    async def delete(self) -> None:
        """Delete all that was said, what was made of it and is kept beside it, and the link."""
        if self.is_stored:
            await delete_session(self.runner, self.key)
            with suppress(StoreUnavailable):  # A link to what is no more opens nothing.
                await ShareLinks(self.runner).revoke(self.key.user_id, self.key.session_id)
        self.artifacts.forget(self.turns)
        self.lose()

    def lose(self) -> None:
        """The session is not in the store any more."""
        self.is_stored = False
        self._as_of = None
        self.turns = []

    @asynccontextmanager
    async def leased(self, seconds: float) -> AsyncIterator[None]:
        """One turn at a time on all machines, each for so many seconds at the most."""
        store, key = self._store, self.key
        if not (isinstance(store, FallbackStore) and store.is_shared):
            yield
            return
        async with lease(store, key.app_name, key.session_id, store.id, seconds):
            yield

    @property
    def _store(self) -> BaseSessionService:
        return self.runner.session_service

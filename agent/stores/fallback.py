"""A store that goes on when the real one fails: in memory, and it says so.

A conversation that cannot be stored is kept here from then on, and its session's state tells
(`UNSTORED`). New conversations go to the real store again as soon as that works.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, TypeVar

from google.adk.errors.already_exists_error import AlreadyExistsError
from google.adk.events import Event
from google.adk.sessions import BaseSessionService, InMemorySessionService, Session
from google.adk.sessions.base_session_service import GetSessionConfig, ListSessionsResponse

from agent.core.errors import PlainError

log = logging.getLogger(__name__)

T = TypeVar("T")

UNSTORED = "temp:adk_chat_page_unstored"
"""In the state of a session that is kept here alone."""

PATIENCE = 10.0
"""Seconds that the real store has for each step."""

PAUSE = 5.0
"""Seconds for which a store that took longer than that is not asked again."""

ANSWERS = (ValueError, TypeError, AlreadyExistsError, NotImplementedError)
"""What a store that works says no with; ADK's own StaleSessionError and SessionNotFoundError are
ValueErrors."""


class StoreUnavailable(PlainError):
    """The real store does not tell what it holds, or does not let go of it."""

    def __init__(self) -> None:
        super().__init__(
            "The place where conversations are stored does not answer at the moment, so what was "
            "said cannot be reached. Try again in a moment."
        )


class FallbackStore(BaseSessionService):
    """Keeps in memory what the real store does not take.

    Args:
        real: The store that is asked first.
        is_shared: Whether other machines use it too.
        forgets: Whether it is only a memory itself, for which nobody has asked.
    """

    def __init__(
        self, real: BaseSessionService, is_shared: bool = False, forgets: bool = False
    ) -> None:
        self.real, self.is_shared, self._forgets = real, is_shared, forgets
        self._spare = InMemorySessionService()
        self._moved: set[tuple[str, str, str]] = set()
        """Of the sessions in memory those of which the real store has a part."""
        self._failing: set[str] = set()
        self._has_worked = False
        self._silent_until = 0.0
        self._lock = asyncio.Lock()

    @property
    def fails(self) -> bool:
        """Whether the real store did not tell what it holds when it was last asked."""
        return "read" in self._failing

    async def create_session(
        self,
        *,
        app_name: str,
        user_id: str,
        state: dict[str, Any] | None = None,
        session_id: str | None = None,
    ) -> Session:
        """In the real store, or here."""
        new: dict[str, Any] = {"app_name": app_name, "user_id": user_id}
        new |= {"state": state, "session_id": session_id}
        try:
            made = await self._try("write", lambda: self.real.create_session(**new))
            return _marked(made) if self._forgets else made
        except StoreUnavailable:
            return _marked(await self._spare.create_session(**new))

    async def get_session(
        self,
        *,
        app_name: str,
        user_id: str,
        session_id: str,
        config: GetSessionConfig | None = None,
    ) -> Session | None:
        """From wherever it is.

        Raises:
            StoreUnavailable: if it is not here, and the real store does not answer.
        """
        which: dict[str, Any] = {"app_name": app_name, "user_id": user_id, "config": config}
        which |= {"session_id": session_id}
        if kept := await self._spare.get_session(**which):
            return _marked(kept)
        stored = await self._try("read", lambda: self.real.get_session(**which))
        return _marked(stored) if stored and self._forgets else stored

    async def list_sessions(
        self, *, app_name: str, user_id: str | None = None
    ) -> ListSessionsResponse:
        """All of both; those here alone where the real store `fails`."""
        whose: dict[str, Any] = {"app_name": app_name, "user_id": user_id}
        here = (await self._spare.list_sessions(**whose)).sessions
        try:
            stored = (await self._try("read", lambda: self.real.list_sessions(**whose))).sessions
        except StoreUnavailable:
            stored = []
        known = {(session.user_id, session.id) for session in here}
        both = here + [other for other in stored if (other.user_id, other.id) not in known]
        return ListSessionsResponse(sessions=sorted(both, key=lambda one: one.last_update_time))

    async def delete_session(self, *, app_name: str, user_id: str, session_id: str) -> None:
        """Wherever it is.

        Raises:
            StoreUnavailable: if the real store may still have something of it.
        """
        key = (app_name, user_id, session_id)
        which: dict[str, Any] = {"app_name": app_name, "user_id": user_id}
        which |= {"session_id": session_id}
        if key in self._moved or not await self._spare.get_session(**which):
            await self._try("write", lambda: self.real.delete_session(**which))
        self._moved.discard(key)
        await self._spare.delete_session(**which)

    async def get_user_state(self, *, app_name: str, user_id: str) -> dict[str, Any]:
        """As the real store has it."""
        whose = {"app_name": app_name, "user_id": user_id}
        return await self._try("read", lambda: self.real.get_user_state(**whose))

    async def append_event(self, session: Session, event: Event) -> Event:
        """To wherever the session is; if that fails, it moves here."""
        if not event.partial and not await self._spare.get_session(**_key(session)):
            try:
                return await self._try("write", lambda: self.real.append_event(session, event))
            except StoreUnavailable:
                await self._move(session)
        # A write that failed may have been done all the same; this store takes no event twice.
        return await self._spare.append_event(session, event)

    async def flush(self) -> None:
        """As the real store does."""
        await self.real.flush()

    async def check(self, app_name: str) -> None:
        """Look whether the real store works; where it took nothing the last time, write.

        Raises:
            StoreUnavailable: if it does not.
        """
        which: dict[str, Any] = {"app_name": app_name, "user_id": "nobody", "session_id": "none"}
        await self._try("read", lambda: self.real.get_session(**which))
        if self._failing:
            with suppress(AlreadyExistsError):
                await self._try("write", lambda: self.real.create_session(**which))
            await self._try("write", lambda: self.real.delete_session(**which))

    async def _move(self, session: Session) -> None:
        """Take over all that the real store has of it; if that fails, what its owner has."""
        async with self._lock:
            if await self._spare.get_session(**_key(session)):
                return  # Two events of one turn may fail at once.
            try:
                stored = await self._try("read", lambda: self.real.get_session(**_key(session)))
            except StoreUnavailable:
                stored = None
            whole = stored or session
            copy = await self._spare.create_session(**_key(session), state=whole.state)
            for earlier in whole.events:
                await self._spare.append_event(copy, earlier)
            self._moved.add((session.app_name, session.user_id, session.id))

    async def _try(self, kind: str, step: Callable[[], Awaitable[T]]) -> T:
        try:
            return await self._once(kind, step)
        except StoreUnavailable:
            # Of several replicas that make the schema at once, all but one fail.
            if self._has_worked or time.monotonic() < self._silent_until:
                raise
        return await self._once(kind, step)

    async def _once(self, kind: str, step: Callable[[], Awaitable[T]]) -> T:
        if time.monotonic() < self._silent_until:
            raise StoreUnavailable
        try:
            async with asyncio.timeout(PATIENCE) as clock:
                result = await step()
        except ANSWERS:
            self._note(kind)
            raise
        except Exception as error:
            if clock.expired():
                self._silent_until = time.monotonic() + PAUSE
            self._note(kind, error)
            raise StoreUnavailable from error
        self._note(kind)
        return result

    def _note(self, kind: str, error: Exception | None = None) -> None:
        """One line when it begins to fail, and one when all works again."""
        failed = bool(self._failing)
        if error:
            self._failing.add(kind)
        else:
            self._has_worked = True
            self._failing -= {kind, "read"}  # What can be written can be read.
        if self._failing and not failed:
            log.error("The session store fails (%s): chats are kept in memory.", _name(error))
        if failed and not self._failing:
            log.warning("The session store works again: new chats are stored.")


def _key(session: Session) -> dict[str, Any]:
    return {"app_name": session.app_name, "user_id": session.user_id, "session_id": session.id}


def _marked(session: Session) -> Session:
    session.state[UNSTORED] = True
    return session


def _name(error: Exception | None) -> str:
    """What kind of failure; never its text, which may hold what was said, or a password."""
    inner = getattr(error, "orig", None) or error
    return str(getattr(inner, "sqlite_errorname", type(inner).__name__))

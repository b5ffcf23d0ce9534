"""A session store that goes on in memory when the real one fails, and says so.

A session that cannot be stored is kept in memory from then on, and its state says so (`UNSTORED`).
New sessions go to the real store again as soon as that works.
"""

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager, nullcontext, suppress
from time import monotonic
from typing import Any, Literal, TypeAlias, TypeVar
from uuid import uuid4

from google.adk.events import Event
from google.adk.sessions import BaseSessionService, InMemorySessionService, Session
from google.adk.sessions.base_session_service import GetSessionConfig, ListSessionsResponse
from google.adk.sessions.sqlite_session_service import SqliteSessionService

from agent.core.adk_internals import AlreadyExistsError, forget_user, make_tables_anew
from agent.core.notices import PlainError
from agent.stores.user_state import delete_user_state

log = logging.getLogger(__name__)

T = TypeVar("T")

Writing: TypeAlias = AbstractAsyncContextManager[None]
Operation: TypeAlias = Literal["read", "write"]

# The key in the state of a session that is kept in memory alone.
UNSTORED = "temp:adk_chat_page_unstored"

# Seconds that each call of the real store may take: for so long a store that hangs holds a visitor
# up. Chosen, not measured: long for a database, and short of what a visitor waits for an answer.
STORE_TIMEOUT = 10.0

# Seconds for which a store that has timed out is not called again, so that a turn, which calls it
# several times, waits for it only once. Chosen, not measured.
STORE_RETRY_INTERVAL = 5.0

# What a store raises that works, and says no. ADK's own StaleSessionError and
# SessionNotFoundError are ValueErrors.
EXPECTED_ERRORS = (ValueError, TypeError, AlreadyExistsError, NotImplementedError)


# What SQLite and PostgreSQL say where a file, a folder or a table has been deleted.
DELETED = re.compile(r"no such table|unable to open database file|readonly database|does not exist")

# What PostgreSQL, MySQL, pgBouncer and SQLAlchemy's pool say where every connection is in use.
NO_CONNECTION_FREE = re.compile(
    r"too many (clients|connections)|slots are reserved|no more connections|QueuePool limit", re.I
)

# Seconds after which a database without a free connection is asked again. Chosen, not measured.
CONNECTION_RETRY_INTERVAL = 0.1


class StoreUnavailable(PlainError):
    """The real store cannot be read, or does not delete what it should."""

    def __init__(self) -> None:
        super().__init__("store_unavailable")


class FallbackStore(BaseSessionService):
    """Keeps in memory what the real store does not take.

    Args:
        real: The store that is called first.
        is_shared: Whether other machines use it too.
        forgets: Whether it is in memory itself, though the host has not asked for that; its
            sessions are marked as unstored.
        writing: What is held while something is written, where others write to the same store;
            without it this one's own, if the store needs any.

    Attributes:
        id: Names this one among those of other processes.
    """

    def __init__(
        self,
        real: BaseSessionService,
        is_shared: bool = False,
        forgets: bool = False,
        writing: Writing | None = None,
    ) -> None:
        self.real, self.is_shared, self._forgets = real, is_shared, forgets
        self.id = uuid4().hex
        self._fallback = InMemorySessionService()
        # The sessions in memory that begin in the real store.
        self._partly_stored: set[tuple[str, str, str]] = set()
        self._failing: set[Operation] = set()
        self._has_worked = False
        self._retry_at = 0.0
        self._lock = asyncio.Lock()
        self._writing = one_at_a_time(is_sqlite(real)) if writing is None else writing
        # Of all who wait for a connection only one asks again: each try is a handshake, and thirty
        # who tried ten times a second kept a slow database from all other work.
        self._connecting = asyncio.Lock()

    @property
    def fails(self) -> bool:
        """Whether the real store could not be read the last time."""
        return "read" in self._failing

    async def create_session(
        self,
        *,
        app_name: str,
        user_id: str,
        state: dict[str, Any] | None = None,
        session_id: str | None = None,
    ) -> Session:
        """Create a session in the real store; in memory if that fails."""
        new: dict[str, Any] = {**_key(app_name, user_id, session_id), "state": state}
        try:
            session = await self._call("write", lambda: self.real.create_session(**new))
            return _mark_unstored(session) if self._forgets else session
        except StoreUnavailable:
            return _mark_unstored(await self._fallback.create_session(**new))

    async def get_session(
        self,
        *,
        app_name: str,
        user_id: str,
        session_id: str,
        config: GetSessionConfig | None = None,
    ) -> Session | None:
        """The session from memory if it is there, else from the real store.

        Raises:
            StoreUnavailable: if it is not in memory, and the real store fails.
        """
        key: dict[str, Any] = {**_key(app_name, user_id, session_id), "config": config}
        if kept := await self._fallback.get_session(**key):
            return _mark_unstored(kept)
        stored = await self._call("read", lambda: self.real.get_session(**key))
        return _mark_unstored(stored) if stored and self._forgets else stored

    async def list_sessions(
        self, *, app_name: str, user_id: str | None = None
    ) -> ListSessionsResponse:
        """The sessions of both, by the time of their latest event; those in memory alone where the
        real store `fails`."""
        user: dict[str, Any] = {"app_name": app_name, "user_id": user_id}
        kept = (await self._fallback.list_sessions(**user)).sessions
        try:
            stored = (await self._call("read", lambda: self.real.list_sessions(**user))).sessions
        except StoreUnavailable:
            stored = []
        known = {(session.user_id, session.id) for session in kept}
        both = kept + [other for other in stored if (other.user_id, other.id) not in known]
        both.sort(key=lambda session: session.last_update_time)
        return ListSessionsResponse(sessions=both)

    async def delete_session(self, *, app_name: str, user_id: str, session_id: str) -> None:
        """Delete the session wherever it is.

        Raises:
            StoreUnavailable: if the real store may still have something of it.
        """
        key, ids = _key(app_name, user_id, session_id), (app_name, user_id, session_id)
        if ids in self._partly_stored or not await self._fallback.get_session(**key):
            await self._call("write", lambda: self.real.delete_session(**key))
        self._partly_stored.discard(ids)
        await self._fallback.delete_session(**key)

    async def get_user_state(self, *, app_name: str, user_id: str) -> dict[str, Any]:
        """The user's state as the real store has it.

        Raises:
            StoreUnavailable: if it fails.
        """
        user = {"app_name": app_name, "user_id": user_id}
        return await self._call("read", lambda: self.real.get_user_state(**user))

    async def delete_user_state(self, *, app_name: str, user_id: str) -> None:
        """Delete the state of a user who has no session left.

        Raises:
            StoreUnavailable: if the real store fails.
        """
        forget_user(self._fallback, app_name, user_id)
        await self._call("write", lambda: delete_user_state(self.real, app_name, user_id))

    async def append_event(self, session: Session, event: Event) -> Event:
        """Append to the session wherever it is; if the real store fails, it moves to memory."""
        if not event.partial and not await self._fallback.get_session(**_key_of(session)):
            try:
                return await self._call("write", lambda: self.real.append_event(session, event))
            except StoreUnavailable:
                await self._move(session)
        # A write that failed may have been done all the same; this store takes no event twice.
        return await self._fallback.append_event(session, event)

    async def flush(self) -> None:
        """Flush the real store."""
        await self.real.flush()

    async def check(self, app_name: str) -> None:
        """Try whether the real store works: read; if a call has failed before, write too.

        Raises:
            StoreUnavailable: if it does not.
        """
        key = _key(app_name, "nobody", "none")
        await self._call("read", lambda: self.real.get_session(**key))
        if self._failing:
            with suppress(AlreadyExistsError):
                await self._call("write", lambda: self.real.create_session(**key))
            await self._call("write", lambda: self.real.delete_session(**key))

    async def _move(self, session: Session) -> None:
        """Copy to memory all that the real store has of it; if that fails, what the caller has."""
        async with self._lock:
            key = _key_of(session)
            if await self._fallback.get_session(**key):
                return  # Two events of one turn may fail at once.
            try:
                stored = await self._call("read", lambda: self.real.get_session(**key))
            except StoreUnavailable:
                stored = None
            original = stored or session
            copy = await self._fallback.create_session(**key, state=original.state)
            for event in original.events:
                await self._fallback.append_event(copy, event)
            self._partly_stored.add((session.app_name, session.user_id, session.id))

    async def _call(self, operation: Operation, step: Callable[[], Awaitable[T]]) -> T:
        """What the real store answers; at the second try, until it has worked once, and where what
        it had is deleted.

        Raises:
            StoreUnavailable: if it fails, or has timed out a moment ago.
        """
        async with nullcontext() if operation == "read" else self._writing:
            try:
                return await self._call_once(operation, step)
            except StoreUnavailable as error:
                if self._has_worked and DELETED.search(str(_driver_error(error.__cause__))):
                    await make_tables_anew(self.real)
                # Of several replicas that create the tables at once, all but one fail.
                elif self._has_worked or monotonic() < self._retry_at:
                    raise
            return await self._call_once(operation, step)

    async def _call_once(self, operation: Operation, step: Callable[[], Awaitable[T]]) -> T:
        if monotonic() < self._retry_at:
            raise StoreUnavailable
        try:
            async with asyncio.timeout(STORE_TIMEOUT) as timeout:
                result = await self._once_connected(step)
        except EXPECTED_ERRORS:
            self._record_success(operation)
            raise
        except Exception as error:
            if timeout.expired():
                self._retry_at = monotonic() + STORE_RETRY_INTERVAL
            self._record_failure(operation, error)
            raise StoreUnavailable from error
        self._record_success(operation)
        return result

    async def _once_connected(self, step: Callable[[], Awaitable[T]]) -> T:
        """What the step answers, as soon as the database has a connection free."""
        with _unless_full():
            return await step()
        async with self._connecting:
            while True:
                with _unless_full():
                    return await step()
                await asyncio.sleep(CONNECTION_RETRY_INTERVAL)

    def _record_success(self, operation: Operation) -> None:
        """Log one line when all works again."""
        self._has_worked = True
        was_failing = bool(self._failing)
        self._failing -= {operation, "read"}  # What can be written can be read.
        if was_failing and not self._failing:
            log.warning("The session store works again: new chats are stored.")

    def _record_failure(self, operation: Operation, error: Exception) -> None:
        """Log one line when it begins to fail."""
        if not self._failing:
            log.error("The session store fails (%s): chats are kept in memory.", _name(error))
        self._failing.add(operation)


@contextmanager
def _unless_full() -> Iterator[None]:
    """Go on after it where every connection was in use."""
    try:
        yield
    except Exception as error:
        if not NO_CONNECTION_FREE.search(str(_driver_error(error))):
            raise


def one_at_a_time(is_needed: bool) -> Writing:
    """The lock that is held while something is written. SQLite lets one chat write at a time, and
    fails each that has waited for 5 s. By itself it wakes them in no order: of 100 chats that wrote
    at once a third failed."""
    return asyncio.Lock() if is_needed else nullcontext()


def is_sqlite(store: BaseSessionService) -> bool:
    """Whether the store is a file of SQLite's, by ADK's own service or by SQLAlchemy."""
    dialect = getattr(getattr(store, "db_engine", None), "dialect", None)
    return isinstance(store, SqliteSessionService) or getattr(dialect, "name", "") == "sqlite"


def _key(app_name: str, user_id: str, session_id: str | None) -> dict[str, Any]:
    return {"app_name": app_name, "user_id": user_id, "session_id": session_id}


def _key_of(session: Session) -> dict[str, Any]:
    return _key(session.app_name, session.user_id, session.id)


def _mark_unstored(session: Session) -> Session:
    session.state[UNSTORED] = True
    return session


def _driver_error(error: BaseException | None) -> BaseException | None:
    """The driver's own error, where it stands in SQLAlchemy's, whose text holds what was said."""
    return getattr(error, "orig", None) or error


def _name(error: Exception) -> str:
    """The error's class or SQLite's code; never its text, which may hold what was said, or a
    password."""
    inner = _driver_error(error)
    return str(getattr(inner, "sqlite_errorname", type(inner).__name__))

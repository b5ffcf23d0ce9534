"""A store that fails, or hangs, at the steps that a test breaks."""

import asyncio
from typing import Any

from google.adk.events import Event
from google.adk.sessions import Session
from google.adk.sessions.sqlite_session_service import SqliteSessionService

ALL = ("create_session", "get_session", "list_sessions", "delete_session", "append_event")


class Store(SqliteSessionService):
    """SQLite, of which steps can be broken."""

    broken: tuple[str, ...] = ()
    hangs = False

    async def _step(self, name: str) -> None:
        if name in self.broken and self.hangs:
            await asyncio.Event().wait()
        if name in self.broken:
            raise OSError("the disk of open-sesame is full")

    async def create_session(self, **session: Any) -> Session:
        await self._step("create_session")
        return await super().create_session(**session)

    async def get_session(self, **session: Any) -> Session | None:
        await self._step("get_session")
        return await super().get_session(**session)

    async def list_sessions(self, **whose: Any) -> Any:
        await self._step("list_sessions")
        return await super().list_sessions(**whose)

    async def delete_session(self, **session: Any) -> None:
        await self._step("delete_session")
        await super().delete_session(**session)

    async def append_event(self, session: Session, event: Event) -> Event:
        await self._step("append_event")
        return await super().append_event(session, event)

"""Conversations end: those that have been idle for too long, and the oldest where there are too
many. Only visitors' are looked at; a developer's own, made by `adk web`, stay."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from contextvars import Context

from google.adk.runners import Runner
from google.adk.sessions import Session

from agent.core.settings import Settings
from agent.core.visitor import is_visitor_id

log = logging.getLogger(__name__)

PAUSE = (0.2, 600.0)
"""Seconds between two rounds: a quarter of the idle time, but neither less nor more than these."""


class Retention:
    """Looks through the store now and then, from the first conversation on.

    Args:
        runner: Whose store it is.
        settings: How long and how many.
        forget: Deletes a conversation, unless it is in use.
    """

    def __init__(
        self, runner: Runner, settings: Settings, forget: Callable[[Session], Awaitable[None]]
    ) -> None:
        self._store, self._app = runner.session_service, runner.app_name
        self._settings, self._forget = settings, forget
        self._rounds: asyncio.Task[None] | None = None
        self._crowded = asyncio.Event()
        self._new = 0

    def begin(self) -> None:
        """Go round from now on; once is enough."""
        # Not in the first visitor's context, which holds that visitor's request.
        self._rounds = self._rounds or asyncio.create_task(self._go_round(), context=Context())

    def end(self) -> None:
        """Go round no more."""
        if self._rounds:
            self._rounds.cancel()

    def count_new(self) -> None:
        """There is about to be one conversation more."""
        self._new += 1
        if 0 < self._settings.max_conversations < self._new * 10:
            self._crowded.set()

    async def _go_round(self) -> None:
        shortest, longest = PAUSE
        pause = max(shortest, min(self._settings.session_idle / 4, longest))
        while True:
            try:
                await self._sweep()
            except Exception:
                log.exception("Old conversations could not be deleted.")
            with suppress(TimeoutError):
                async with asyncio.timeout(pause):  # `wait_for` may swallow a cancellation.
                    await self._crowded.wait()
            self._crowded.clear()
            self._new = 0
            await asyncio.sleep(shortest)  # Those just counted are stored by then.

    async def _sweep(self) -> None:
        """Delete what is too old, and what is too much, the oldest first."""
        listed = (await self._store.list_sessions(app_name=self._app)).sessions
        ours = sorted(filter(_is_visitors, listed), key=_last_used)
        failed = [error for each in self._outlived(ours) if (error := await self._delete(each))]
        if failed:
            raise ExceptionGroup(f"{len(failed)} of {len(ours)} stay.", failed[:1])

    def _outlived(self, ours: list[Session]) -> Iterator[Session]:
        surplus = len(ours) - (self._settings.max_conversations or len(ours))
        since = time.time() - self._settings.session_idle
        for place, session in enumerate(ours):
            if place < surplus or _last_used(session) < since:
                yield session

    async def _delete(self, session: Session) -> Exception | None:
        """Delete one, and give what kept it: it may not keep the others too."""
        try:
            await self._forget(session)
        except Exception as error:
            return error
        return None


def _is_visitors(session: Session) -> bool:
    return is_visitor_id(session.user_id)


def _last_used(session: Session) -> float:
    return session.last_update_time

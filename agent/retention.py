"""Conversations end: those that have been idle for too long, and the oldest where there are too
many. Only visitors' are looked at; a developer's own, made by `adk web`, stay."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress

from google.adk.runners import Runner
from google.adk.sessions import Session

from agent.conversation import is_visitor
from agent.settings import Settings

log = logging.getLogger(__name__)

PAUSE = (0.2, 600.0)
"""Seconds between two rounds: a quarter of the idle time, but neither less nor more than these."""


class Retention:
    """Looks through the store now and then, from the first new conversation on.

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

    def count_new(self) -> None:
        """There is one conversation more."""
        self._rounds = self._rounds or asyncio.create_task(self._go_round())
        self._new += 1
        if self._new * 10 > self._settings.max_conversations:
            self._crowded.set()

    async def _go_round(self) -> None:
        shortest, longest = PAUSE
        pause = max(shortest, min(self._settings.session_idle / 4, longest))
        while True:
            self._crowded.clear()
            self._new = 0
            try:
                await self._sweep()
            except Exception:
                log.exception("Old conversations could not be deleted.")
            with suppress(TimeoutError):
                await asyncio.wait_for(self._crowded.wait(), pause)

    async def _sweep(self) -> None:
        """Delete what is too old, and then what is too much; the store lists the oldest first."""
        listed = (await self._store.list_sessions(app_name=self._app)).sessions
        ours = sorted(filter(_is_visitors, listed), key=_last_used)
        surplus = len(ours) - (self._settings.max_conversations or len(ours))
        since = time.time() - self._settings.session_idle
        for place, session in enumerate(ours):
            if place < surplus or _last_used(session) < since:
                await self._forget(session)


def _is_visitors(session: Session) -> bool:
    return is_visitor(session.user_id)


def _last_used(session: Session) -> float:
    return session.last_update_time

"""Deletes conversations that have been idle for too long, and the oldest where there are too many.

Only visitors' conversations are deleted; a developer's own, made by `adk web`, stay.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from contextvars import Context

from google.adk.runners import Runner
from google.adk.sessions import Session

from agent.core.settings import Settings
from agent.core.visitor import is_visitor_id

log = logging.getLogger(__name__)

# The fewest and the most seconds between two sweeps. Between these the interval is a quarter of the
# idle time, so that no conversation is kept for much longer than that; within the fewest, one that
# has just been counted gets stored. Both are chosen, not measured.
SWEEP_INTERVAL = (0.2, 600.0)


class Retention:
    """Sweeps through the store now and then, from the first conversation on.

    Args:
        runner: Has the store.
        settings: `session_idle` and `max_conversations`.
        forget: Deletes a conversation, unless it is in use.
    """

    def __init__(
        self, runner: Runner, settings: Settings, forget: Callable[[Session], Awaitable[None]]
    ) -> None:
        self._store, self._app_name = runner.session_service, runner.app_name
        self._settings, self._forget = settings, forget
        self._task: asyncio.Task[None] | None = None
        self._is_crowded = asyncio.Event()
        # How many conversations there are more than at the last sweep.
        self._new = 0

    def begin(self) -> None:
        """Sweep from now on; a second call does nothing."""
        # Not in the first visitor's context, which holds that visitor's request.
        self._task = self._task or asyncio.create_task(self._sweep_repeatedly(), context=Context())

    def end(self) -> None:
        """Sweep no more."""
        if self._task:
            self._task.cancel()

    def count_new(self) -> None:
        """Count one more conversation; a tenth of the maximum brings the next sweep forward."""
        self._new += 1
        if 0 < self._settings.max_conversations < self._new * 10:
            self._is_crowded.set()

    async def _sweep_repeatedly(self) -> None:
        shortest, longest = SWEEP_INTERVAL
        interval = max(shortest, min(self._settings.session_idle / 4, longest))
        while True:
            try:
                await self._sweep()
            except Exception:
                log.exception("Old conversations could not be deleted.")
            with suppress(TimeoutError):
                async with asyncio.timeout(interval):  # `wait_for` may swallow a cancellation.
                    await self._is_crowded.wait()
            self._is_crowded.clear()
            self._new = 0
            await asyncio.sleep(shortest)  # Those just counted are stored by then.

    async def _sweep(self) -> None:
        """Delete what is idle for too long, and the oldest of what is too much.

        Raises:
            ExceptionGroup: if some could not be deleted; the others are deleted all the same.
        """
        stored = (await self._store.list_sessions(app_name=self._app_name)).sessions
        ours = [session for session in stored if is_visitor_id(session.user_id)]
        ours.sort(key=lambda session: session.last_update_time)
        surplus = len(ours) - (self._settings.max_conversations or len(ours))
        idle_since = time.time() - self._settings.session_idle
        errors = []
        for number, session in enumerate(ours):
            if number < surplus or session.last_update_time < idle_since:
                try:
                    await self._forget(session)
                except Exception as error:
                    errors.append(error)
        if errors:
            raise ExceptionGroup(f"{len(errors)} of {len(ours)} stay.", errors[:1])

"""Deletes conversations that have been idle for too long, and some where there are too many.

Whoever has most makes room then: a stranger who begins one conversation after the other pushes out
those that were begun so, and nobody else's.

Only visitors' conversations are deleted; a developer's own, made by `adk web`, stay.
"""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from contextvars import Context
from typing import TypeAlias

from google.adk.runners import Runner
from google.adk.sessions import Session

from agent.core.settings import Settings
from agent.core.visitor import is_visitor_id, visitor_id
from agent.stores.feedback import expired
from agent.stores.preferences import old

log = logging.getLogger(__name__)

# The fewest and the most seconds between two sweeps. Between these the interval is a quarter of the
# idle time, so that no conversation is kept for much longer than that; within the fewest, one that
# has just been counted gets stored. Both are chosen, not measured.
SWEEP_INTERVAL = (0.2, 600.0)

# Seconds before the first sweep, which else would read all that is stored while the first visitor
# waits for an answer. Chosen, not measured.
FIRST_SWEEP_DELAY = 2.0

# From where a visitor, whose id is given, has asked; None where that is not known.
AddressOf: TypeAlias = Callable[[str], str | None]


class Retention:
    """Sweeps through the store now and then, from the first conversation on.

    Args:
        runner: Has the store.
        settings: `session_idle` and `max_conversations`.
        forget: Deletes a conversation, unless it is in use.
        address_of: From where a visitor has asked.
    """

    def __init__(
        self,
        runner: Runner,
        settings: Settings,
        forget: Callable[[Session], Awaitable[None]],
        address_of: AddressOf = lambda user_id: None,
    ) -> None:
        self._address_of = address_of
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

    async def close(self) -> None:
        """Sweep no more, and use the store no longer once this returns."""
        self.end()
        if self._task:
            await asyncio.wait({self._task})

    def count_new(self) -> None:
        """Count one more conversation; a tenth of the maximum brings the next sweep forward."""
        self._new += 1
        if 0 < self._settings.max_conversations < self._new * 10:
            self._is_crowded.set()

    async def _sweep_repeatedly(self) -> None:
        shortest, longest = SWEEP_INTERVAL
        interval = max(shortest, min(self._settings.session_idle / 4, longest))
        await asyncio.sleep(FIRST_SWEEP_DELAY)
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
        """Delete what is idle for too long, and what is too much; and what was said of answers
        whose conversation is not there any more, or long ago of two answers.

        Raises:
            ExceptionGroup: if some could not be deleted; the others are deleted all the same.
        """
        stored = (await self._store.list_sessions(app_name=self._app_name)).sessions
        ours = [session for session in stored if is_visitor_id(session.user_id)]
        idle_since = time.time() - self._settings.session_idle
        idle = [session for session in ours if session.last_update_time < idle_since]
        others = [session for session in ours if session.last_update_time >= idle_since]
        surplus = len(others) - (self._settings.max_conversations or len(others))
        for session in (*expired(stored, ours, idle_since), *old(stored, idle_since)):
            key = {"user_id": session.user_id, "session_id": session.id}
            await self._store.delete_session(app_name=self._app_name, **key)
        errors = []
        for session in (*idle, *in_order(others, self._address_of)[: max(0, surplus)]):
            try:
                await self._forget(session)
            except Exception as error:
                errors.append(error)
        if errors:
            raise ExceptionGroup(f"{len(errors)} of {len(ours)} stay.", errors[:1])


def in_order(sessions: Iterable[Session], address_of: AddressOf) -> list[Session]:
    """The sessions in the order in which they make room.

    It is always the turn of the network address that has most, there of the visitor that has most,
    and of that visitor's oldest; an unknown visitor counts as an address.
    """
    of_visitor: Counter[tuple[str, str]] = Counter()
    of_address: Counter[str] = Counter()
    newest_first = sorted(sessions, key=lambda session: -session.last_update_time)
    ranks = []
    for session in newest_first:
        address, visitor = _holder(session, address_of)
        of_visitor[address, visitor] += 1
        ranks.append((of_visitor[address, visitor], address, session))
    # Whoever has less comes first, and so has the lower numbers of an address.
    ranks.sort(key=lambda rank: (rank[0], -rank[2].last_update_time))
    ordered = []
    for number, address, session in ranks:
        of_address[address] += 1
        ordered.append((-of_address[address], -number, session.last_update_time, session))
    return [session for *_, session in sorted(ordered, key=lambda ranked: ranked[:3])]


def _holder(session: Session, address_of: AddressOf) -> tuple[str, str]:
    """The network address and the visitor whose session it is. Programs that have begun one without
    a visitor (`Registry.open`) are one together, for each address."""
    address = address_of(session.user_id)
    is_programs = address is not None and session.user_id == visitor_id(session.id)
    return address or session.user_id, "" if is_programs else session.user_id

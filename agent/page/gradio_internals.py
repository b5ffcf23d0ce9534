"""What Gradio would keep of pages that are gone, deleted after a time.

By itself it lets go of a page's state and its run's ids only when 2,000 or more others have come
(gradio/state_holder.py, gradio/queueing.py), and of some of it never.
"""

import asyncio
import logging
import math
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from datetime import datetime
from typing import Any

from agent.core.settings import Settings
from agent.render import media as pictures

log = logging.getLogger(__name__)

CLOSED = 3600.0
"""Seconds for which a closed page may come back: a laptop was asleep, a line was down."""

DAY = 86_400.0

LOOK = 0.01
"""Seconds between two looks of Gradio's queue for work. By itself it looks each millisecond (50 on
Windows; gradio/queueing.py), which takes 4 % of a CPU all day long; thus 1 %."""

HEED = 1.0
"""The same for progress bars, of which this page has none; by itself each 10 ms."""

PAUSE = (0.2, 10.0)
"""Seconds between two rounds: a quarter of the shortest time, but neither less nor more."""


def picture_life(idle: float) -> float:
    """For how many seconds a picture is there that no page is given again; a page that is opened
    later is. No longer than an idle conversation."""
    return min(DAY, idle)


def housekeeping(
    demo: Any, settings: Settings
) -> Callable[[Any], AbstractAsyncContextManager[None]]:
    """A lifespan for the app around `demo`, in which it is tidied now and then."""
    closed = min(CLOSED, settings.session_idle)

    @asynccontextmanager
    async def lifespan(app: Any) -> AsyncIterator[None]:
        _calm(demo._queue)
        task = asyncio.create_task(_tidy(demo, closed, settings.session_idle))
        yield
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    return lifespan


def _calm(queue: Any) -> None:
    """Have Gradio's queue do no more than it must."""
    queue.sleep_when_free = LOOK
    queue.progress_update_sleep_when_free = HEED
    # Else all who wait are told of each who waits no more: where 100 ask at once, 5,000 times.
    queue.live_updates = False
    # Else pandas sums up the latest 10,000 runs after each one, for a page that is closed here.
    queue.ANAYLTICS_CACHE_FREQUENCY = math.inf


async def _tidy(demo: Any, closed: float, idle: float) -> None:
    shortest, longest = PAUSE
    while True:
        await asyncio.sleep(max(shortest, min(closed / 4, longest)))
        try:
            forget_pages(demo, closed, idle)
            await asyncio.to_thread(pictures.delete_unused, picture_life(idle))
        except Exception:
            log.exception("What old pages have left could not be deleted.")


def forget_pages(demo: Any, closed: float, idle: float) -> None:
    """Delete what is held for pages that were closed, or lie idle, for longer than this. What takes
    the most room goes as soon as a page is closed."""
    pages, used = demo.state_holder.session_data, demo.state_holder.time_last_used
    for page in list(_unused(pages, used, closed, idle)):
        pages.pop(page, None)
        used.pop(page, None)
    for state in list(pages.values()):
        if state.is_closed:
            state.config_values.clear()  # For deep links, which are closed here.
    queue = demo._queue
    for page in list(_finished(queue, pages)):
        queue.pending_event_ids_session.pop(page, None)
        queue.pending_messages_per_session.pop(page, None)


def _unused(pages: Any, used: Any, closed: float, idle: float) -> Iterator[str]:
    now = datetime.now()
    for page, state in list(pages.items()):
        since = (now - used.get(page, now)).total_seconds()
        if since > (closed if state.is_closed else idle):
            yield page


def _finished(queue: Any, pages: Any) -> Iterator[str]:
    """Pages without a run, and without a state or anything to be told."""
    for page, ids in queue.pending_event_ids_session.items():
        if not (ids and page in pages) and ids.isdisjoint(queue.event_ids_to_events):
            yield page

"""What is tidied now and then while the page is served."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from typing import Any

import gradio as gr

from agent.core.settings import Settings
from agent.page.gradio_internals import forget_pages, tune_queue
from agent.render import media

log = logging.getLogger(__name__)

# Seconds for which a closed page may come back: a laptop was asleep, a line was down.
CLOSED_PAGE_LIFE = 3600.0

DAY = 86_400.0

# The least and the most seconds between two rounds of housekeeping, which are a quarter of
# `CLOSED_PAGE_LIFE` apart.
HOUSEKEEPING_INTERVAL = (0.2, 10.0)


def picture_life(idle: float) -> float:
    """For how many seconds a picture is there that no page is given again; a page that is opened
    later is. No longer than an idle conversation."""
    return min(DAY, idle)


def housekeeping(
    demo: gr.Blocks, settings: Settings
) -> Callable[[Any], AbstractAsyncContextManager[None]]:
    """A lifespan for the app around `demo`, in which it is tidied now and then: by itself Gradio
    lets go of a page's state and its run's ids only when 2,000 or more others have come
    (gradio/state_holder.py, gradio/queueing.py), and of some of it never."""
    closed = min(CLOSED_PAGE_LIFE, settings.session_idle)

    @asynccontextmanager
    async def lifespan(app: Any) -> AsyncIterator[None]:
        tune_queue(demo)
        task = asyncio.create_task(_tidy(demo, closed, settings.session_idle))
        yield
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    return lifespan


async def _tidy(demo: Any, closed: float, idle: float) -> None:
    shortest, longest = HOUSEKEEPING_INTERVAL
    while True:
        await asyncio.sleep(max(shortest, min(closed / 4, longest)))
        try:
            forget_pages(demo, closed, idle)
            await asyncio.to_thread(media.delete_unused, picture_life(idle))
        except Exception:
            log.exception("What old pages have left could not be deleted.")

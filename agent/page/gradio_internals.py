"""Every private name of Gradio that this project uses, and so what a new release may rename.

Each use says what happens when its name is gone: something is slower or plainer, never broken.
"""

import asyncio
import logging
import math
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager, suppress
from datetime import datetime
from functools import cache, update_wrapper
from types import FunctionType
from typing import Any, TypeVar, cast

import gradio as gr

from agent.core.settings import Settings
from agent.render import media

log = logging.getLogger(__name__)

F = TypeVar("F")

# Gradio's routes that are open, by the feature that needs them; all its others answer 404. Among
# those: a deep link writes a visitor's whole page to disk for whoever knows the session's hash;
# `file=` fetches for anybody, and names folders of this machine; uploads fill the disk.
ROUTES = {
    "page": ("/", "/config", "/theme.css", "/manifest.json", "/robots.txt"),
    "pictures": (
        "/assets/{path:path}",
        "/static/{path:path}",
        "/favicon.ico",
        "/pwa_icon",
        "/pwa_icon/{size}",
    ),
    "events": (
        "/gradio_api/queue/join",
        "/gradio_api/queue/data",
        "/gradio_api/run/{name}",
        "/gradio_api/cancel",
        "/gradio_api/reset",
        "/gradio_api/heartbeat/{session}",
        "/gradio_api/app_id",  # By which a page knows whether the app was started again.
        "/gradio_api/startup-events",  # `launch` itself asks for it.
    ),
    "clients": (
        "/gradio_api/info",
        "/gradio_api/api/{name}",
        "/gradio_api/call/{name}",
        "/gradio_api/call/{name}/{event}",
        "/gradio_api/call/v2/{name}",
        "/gradio_api/call/v2/{name}/{event}",
    ),
    "mcp": ("/gradio_api/mcp", "/gradio_api/mcp/{path:path}"),
    "sign-in": ("/login", "/logout"),
    "reload": ("/gradio_api/dev/reload",),
}

# Seconds for which a closed page may come back: a laptop was asleep, a line was down.
CLOSED_PAGE_LIFE = 3600.0

DAY = 86_400.0

# The least and the most seconds between two rounds of housekeeping, which are a quarter of
# `CLOSED_PAGE_LIFE` apart.
HOUSEKEEPING_INTERVAL = (0.2, 10.0)

# How Gradio's queue is set (gradio/queueing.py), and what happens without.
QUEUE_SETTINGS = {
    # Seconds between two looks for work. By itself it looks each millisecond (50 on Windows).
    "sleep_when_free": (0.01, "A server that nobody uses takes 2 % of a CPU, instead of 0.4 %."),
    # The same for progress bars, of which this page has none; by itself it looks each 10 ms.
    "progress_update_sleep_when_free": (1.0, "An unused server takes 0.2 % of a CPU more."),
    # Whether all pages in the queue are told of each that waits no more: where 100 ask at once,
    # 5,000 times, and one in 20 of their words is then 0.96 s late instead of 0.61. Else each is
    # told once a second where it stands, if it waits for so long.
    # `demo.queue(status_update_rate=1)` does the same, and takes 30 ms of the start: it makes the
    # whole app again.
    "live_updates": (False, "Where many ask at once, their pages are told too often."),
    # After how many runs pandas sums up the latest 10,000, for a page that is closed here: a tenth
    # of a short turn's CPU.
    "ANAYLTICS_CACHE_FREQUENCY": (math.inf, "Each answer takes more CPU."),
}

# Seconds between two looks at whether a page has been sent what was yielded, and for how many
# seconds an answer waits for it.
UNSENT_INTERVAL, UNSENT_TIMEOUT = 0.005, 1.0


@contextmanager
def unless_missing(consequence: str) -> Iterator[None]:
    """Leave the block at the first name in it that Gradio no longer has; the log tells of it once.

    Args:
        consequence: A sentence about what happens without the block.
    """
    try:
        yield
    except (AttributeError, ImportError) as error:
        _log_missing(str(error), consequence)


@cache
def _log_missing(error: str, consequence: str) -> None:
    log.warning("This release of Gradio has changed (%s). %s", error, consequence)


class RewiredInterface(gr.ChatInterface):
    """A ChatInterface that calls `wire_events` instead of wiring its own events."""

    is_wired = False

    def _setup_events(self) -> None:
        """Gradio's constructor calls this. If it no longer does, Gradio's own events call the
        interface's `fn`: slower and plainer."""
        if not self.is_wired:
            self.is_wired = True
            self.wire_events()

    def wire_events(self) -> None:
        """What happens when. Called once, inside the interface's Blocks context."""
        super()._setup_events()


def number_from_zero() -> None:
    """Give the components of the page that is made next the numbers that they had in the run before
    of app.py, by which Gradio knows the states and the runs of open pages."""
    with unless_missing("An answer that is running when Gradio reloads the app breaks off."):
        from gradio.context import Context

        if Context.id:
            Context.id = 0


def keep_globals(function: F) -> F:
    """The same function with a copy of the names of its module as they are now.

    Gradio's reload runs app.py again among the names of the run before (`watchfn`,
    gradio/utils.py). A function of that run, which is still answering, would find new classes
    there, to which its objects do not belong.
    """
    if not isinstance(function, FunctionType):
        return function
    copy = FunctionType(
        function.__code__,
        dict(function.__globals__),
        function.__name__,
        function.__defaults__,
        function.__closure__,
    )
    return cast(F, update_wrapper(copy, function))


def set_storage_secret(interface: gr.ChatInterface, secret: str) -> None:
    """Encrypt by `secret` what ChatInterface itself keeps in the browser: by default a random one,
    with which a page cannot read it after a restart."""
    with unless_missing("An open page complains in its console after a restart."):
        storage = cast(Any, interface).saved_conversations
        if storage.secret != secret:
            storage.secret = secret


async def wait_until_sent(request: gr.Request) -> None:
    """Wait until the page has been sent what was yielded before, for `UNSENT_TIMEOUT` at most.

    Gradio keeps whatever a generator yields until it is sent (`send_message`, gradio/queueing.py):
    a slow line, or a server with too much to do, would fall behind more and more.
    """
    with unless_missing("A page on a slow line falls behind."):
        queue = cast(Any, request).app.get_blocks()._queue
        for _ in range(round(UNSENT_TIMEOUT / UNSENT_INTERVAL)):
            messages = queue.pending_messages_per_session.get(request.session_hash)
            if messages is None or messages.empty():
                return
            await asyncio.sleep(UNSENT_INTERVAL)


def attribute_of_page(app: Any, name: str, default: Any) -> Any:
    """What the page that Gradio's `app` serves now has under this name of ours: a reload puts
    another page in the place of the one that was launched."""
    with unless_missing("After a reload the APIs go on with the agent as it was."):
        return getattr(app.get_blocks(), name, default)
    return default


def take_over_reloads(demo: gr.Blocks) -> bool:
    """Switch Gradio's own script for its reload mode (`gradio app.py`) off; whether it was on."""
    with unless_missing("An open page shows a change of the page's parts when it is loaded anew."):
        if demo.dev_mode:
            demo.dev_mode = False
            return True
    return False


def prepare_config(demo: gr.Blocks) -> None:
    """Make what a browser is told of a page that Gradio's reload is about to serve: Gradio itself
    serves the page first, and makes this then (`swap_blocks`, gradio/utils.py)."""
    with unless_missing("A page that is opened in the moment of a reload is refused."):
        demo.config = demo.get_config_file()


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


def tune_queue(demo: Any) -> None:
    """Have Gradio's queue do no more than it must."""
    for name, (value, consequence) in QUEUE_SETTINGS.items():
        with unless_missing(consequence):
            getattr(demo._queue, name)
            setattr(demo._queue, name, value)


async def _tidy(demo: Any, closed: float, idle: float) -> None:
    shortest, longest = HOUSEKEEPING_INTERVAL
    while True:
        await asyncio.sleep(max(shortest, min(closed / 4, longest)))
        try:
            forget_pages(demo, closed, idle)
            await asyncio.to_thread(media.delete_unused, picture_life(idle))
        except Exception:
            log.exception("What old pages have left could not be deleted.")


def forget_pages(demo: Any, closed: float, idle: float) -> None:
    """Delete what is held for pages that were closed for longer than `closed` seconds, or lie idle
    for longer than `idle`. What takes the most room goes as soon as a page is closed."""
    now = datetime.now()
    with unless_missing("The state of a page stays in memory until 2,000 others have come."):
        pages, used = demo.state_holder.session_data, demo.state_holder.time_last_used
        for page, state in list(pages.items()):
            unused = (now - used.get(page, now)).total_seconds()
            if unused > (closed if state.is_closed else idle):
                pages.pop(page, None)
                used.pop(page, None)
    with unless_missing("A closed page takes more memory for an hour."):
        for state in list(demo.state_holder.session_data.values()):
            if state.is_closed:
                state.config_values.clear()  # For deep links, which are closed here.
    with unless_missing("The ids and last messages of runs that are over stay in memory."):
        pages, queue = demo.state_holder.session_data, demo._queue
        for page, events in list(queue.pending_event_ids_session.items()):
            is_read = not (events and page in pages)
            if is_read and events.isdisjoint(queue.event_ids_to_events):
                queue.pending_event_ids_session.pop(page, None)
                queue.pending_messages_per_session.pop(page, None)

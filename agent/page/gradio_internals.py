"""Every private name of Gradio that this project uses, and so what a new release may rename; those
about signing in are in gradio_sign_in.py.

Each use says what happens when its name is gone: something is slower or plainer, never broken.
"""

import asyncio
import logging
import re
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import cache, update_wrapper
from inspect import signature
from multiprocessing import util
from pathlib import Path
from threading import Thread
from types import FunctionType
from typing import Any, TypeVar, cast

import gradio as gr
from jinja2 import BaseLoader, FunctionLoader

from agent.core.language import ENGLISH, speak
from agent.limits.connections import Connections, counted

log = logging.getLogger(__name__)

F = TypeVar("F")

# Seconds after which a page that nobody uses holds no copy of what it was sent.
QUIET = 60.0

# How Gradio's queue is set (gradio/queueing.py), and what happens without.
QUEUE_SETTINGS = {
    # Seconds between two looks for work. By itself it looks each millisecond (50 on Windows).
    "sleep_when_free": (0.01, "A server that nobody uses takes 2 % of a CPU, instead of 0.4 %."),
    # Seconds between two looks for progress bars. This page has none; by itself Gradio looks each
    # 10 ms.
    "progress_update_sleep_when_free": (1.0, "An unused server takes 0.2 % of a CPU more."),
    # Whether all pages in the queue are told of each that waits no more: where 100 ask at once,
    # 5,000 times, and one in 20 of their words is then 0.96 s late instead of 0.61. Else each is
    # told once a second where it stands, if it waits for so long.
    # `demo.queue(status_update_rate=1)` does the same, and takes 30 ms of the start: it makes the
    # whole app again.
    "live_updates": (False, "Where many ask at once, their pages are told too often."),
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
    """A ChatInterface that calls `render_header` and `wire_events` in place of its own methods."""

    is_wired = False

    async def process_api(self, *args: Any, **options: Any) -> dict[str, Any]:
        """Gradio calls this for each step of the page, in a task of its own. If it no longer does,
        or tells no request, what a step says is English."""
        request = getattr(options.get("request"), "request", None)
        speak(getattr(request, "scope", {}).get("language", ENGLISH))
        return await super().process_api(*args, **options)

    def _render_header(self) -> None:
        """Gradio's constructor calls this. If it no longer does, the header is Gradio's own, and
        has no picker of agents."""
        self.render_header()

    def render_header(self) -> None:
        """What stands above the chat. Called once, inside the interface's Blocks context."""

    def _setup_events(self) -> None:
        """Gradio's constructor calls this. If it no longer does, Gradio's own events call the
        interface's `fn`: slower and plainer."""
        if not self.is_wired:
            self.is_wired = True
            self.wire_events()

    def wire_events(self) -> None:
        """What happens when. Called once, inside the interface's Blocks context."""
        super()._setup_events()


def launch_options() -> dict[str, Any]:
    """For `Blocks.launch`: not to look whether its own page answers within three seconds, and else
    to end the program. On a busy machine it may not, when somebody asks at once.

    Gone: it looks.
    """
    name = "_frontend"
    return {name: False} if name in signature(gr.Blocks.launch).parameters else {}


def number_from_zero() -> None:
    """Give the components of the page that is made next the numbers that they had in the run before
    of app.py, by which Gradio knows the states and the runs of open pages."""
    with unless_missing("An answer that is running when Gradio reloads the app breaks off."):
        from gradio.context import Context

        if Context.id:
            Context.id = 0


def keep_globals(function: F) -> F:
    """A function that does what this one does, with a copy of its module's names as they are now.

    Gradio's reload runs app.py again among the names of the run before (`watchfn`,
    gradio/utils.py). A function of that run, which is still answering, would find new classes
    there, to which its objects do not belong.
    """
    if not isinstance(function, FunctionType):
        return function
    copy = FunctionType(
        function.__code__,
        dict(function.__globals__),
        name=function.__name__,
        argdefs=function.__defaults__,
        closure=function.__closure__,
    )
    return cast(F, update_wrapper(copy, function))


def set_storage_secret(interface: gr.ChatInterface, secret: str) -> None:
    """Encrypt by `secret` what ChatInterface itself keeps in the browser: by default a random one,
    with which a page cannot read it after a restart."""
    with unless_missing("An open page complains in its console after a restart."):
        storage = cast(Any, interface).saved_conversations
        if storage.secret != secret:
            storage.secret = secret


# How Gradio's template begins, which says that the page is English; and in which language it is.
HTML_TAG = '<html\n\tlang="en"'
OWN_HTML_TAG = (
    """<html lang="{{ own['language'] or 'en' }}" dir="{{ own['direction'] or 'ltr' }}\""""
)

# Where Gradio's template tells a page what it is made of; and where it tells one of its scripts the
# page's address, which behind a proxy only the browser knows. These stand within a script of that
# template, and so are JavaScript: one call by name (static/place.js), and the name of its result.
CONFIG, OWN_CONFIG = "{{ config | toorjson }}", "chatPlace.rooted({{ own | toorjson }})"
ROOT, OWN_ROOT = "{{ config.get('root', '') | toorjson }}", "gradio_config.root"
SET_OWN = "{% set own = own_config(config, request) %}"

# Where Gradio draws the page.
GRADIOS_BODY = "<gradio-app"

# What others show of a link to the page, which in Gradio's template is Gradio, twice; how it fits a
# phone; and what it is once it is installed, at the address of another site's where this one has a
# path before its own.
GRADIOS_HEAD = re.compile(
    r"""<meta\s+(?:property="og:|name="(?:twitter:|viewport"))[^>]*?/>"""
    r"""|<link rel="manifest"[^>]*?/>"""
)


def own_config(config: dict[str, Any], request: Any) -> dict[str, Any]:
    """The config of the page at this address: see `ChatPage.config_for`."""
    config_for = attribute_of_page(request.app, "config_for", lambda config, _: config)
    return cast(dict[str, Any], config_for(config, request.query_params))


def take_over_template(head: str, body: str) -> None:
    """Have the page made with `own_config`, which is `own` in the template, and in the `language`
    and `direction` in that.

    Args:
        head: The part of the template that says in the page's <head> what it is.
        body: The part that stands in its <body> before what Gradio draws.
    """
    with unless_missing("A link to the page is shown as one to Gradio."):
        from gradio.routes import templates

        environment = templates.env
        environment.globals["own_config"] = own_config
        if isinstance(environment.loader, FunctionLoader):
            return  # Another page was made before.
        gradios = cast(BaseLoader, environment.loader)

        def load(name: str) -> str:
            source = gradios.get_source(environment, name)[0]
            bare = GRADIOS_HEAD.sub("", source)
            own = bare.replace("</style>", f"</style>{head}", 1).replace(CONFIG, OWN_CONFIG)
            own = own.replace(ROOT, OWN_ROOT, 1).replace(HTML_TAG, OWN_HTML_TAG, 1)
            own = own.replace(GRADIOS_BODY, f"{body}{GRADIOS_BODY}", 1)
            return SET_OWN + own if bare != source and "</style>" in bare else source

        environment.loader = FunctionLoader(load)


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


def watch(folder: Path) -> None:
    """In Gradio's reload mode, have it look for changes in this folder, too."""
    with unless_missing(
        "A change of an agent elsewhere is taken up when the app is started again."
    ):
        from gradio.http_server import GRADIO_WATCH_DIRS as watched

        name = str(folder)
        if watched.count(name) == 1 and not gr.NO_RELOAD:
            # Gradio has put it on Python's path, where its `calendar.py` would hide Python's. It is
            # taken off once: then it is there twice.
            watched.append(name)
            sys.path.remove(name)
        elif watched and not any(folder.is_relative_to(known) for known in watched):
            watched.insert(0, name)  # The last on that path.


def shares_by_itself() -> bool:
    """Whether Gradio gives a page a public link though nobody has told it to."""
    with unless_missing("On the host's own machine, too, the page speaks as to visitors."):
        return gr.utils.colab_check() or gr.utils.is_hosted_notebook()
    return True


def take_over_reloads(demo: gr.Blocks) -> bool:
    """Switch Gradio's own script for its reload mode (`gradio app.py`) off; whether it was on."""
    with unless_missing("An open page shows a change of the page's parts when it is loaded anew."):
        if demo.dev_mode:
            demo.dev_mode = False
            return True
    return False


class BriefTracebacks:
    """In place of the module `traceback` where Gradio reports a step that has failed: with all that
    was sent to it, 80 kB of it, whoever sent that."""

    def __getattr__(self, name: str) -> Any:
        return getattr(traceback, name)

    def print_exc(self) -> None:
        """One line for what Gradio refuses; the whole for a failure of our own code."""
        error = sys.exception()
        frames = traceback.walk_tb(error.__traceback__ if error else None)
        packages = {str(frame.f_globals.get("__name__")).partition(".")[0] for frame, _ in frames}
        if packages & {"agent", "app", "__main__"}:
            traceback.print_exc()
        else:
            log.warning("A step of the page was refused (%s).", type(error).__name__)


def shorten_tracebacks() -> None:
    """Have Gradio report what it refuses in one line of the log."""
    with unless_missing("Whoever sends the page what it cannot take may fill the log."):
        from gradio import queueing, routes

        for module in (queueing, routes):
            if not isinstance(module.traceback, BriefTracebacks):
                setattr(module, "traceback", BriefTracebacks())  # noqa: B010


def remove_cors(app: Any) -> None:
    """Take out what has Gradio's `app` tell browsers that pages of any site may read it, with the
    visitor's cookies, wherever the app has a public name (`CustomCORSMiddleware`)."""
    with unless_missing("Pages of other sites may read what is open to everybody."):
        from gradio.route_utils import CustomCORSMiddleware

        app.user_middleware = [m for m in app.user_middleware if m.cls is not CustomCORSMiddleware]
        app.middleware_stack = None  # Starlette makes it anew at the next request.


def count_connections(demo: gr.Blocks, connections: Connections) -> None:
    """Count those of the server in which the page is launched, from now on."""
    with unless_missing("One network address can take all connections."):
        config = cast(Any, demo).server.config
        config.http_protocol_class = counted(config.http_protocol_class, connections)


def wrap_server(demo: gr.Blocks, wrapper: Callable[[Any], Any]) -> None:
    """Have this stand around all that the server runs, uvicorn's own middleware included."""
    with unless_missing("Nobody is known by a proxy's header."):
        config = cast(Any, demo).server.config
        config.loaded_app = wrapper(config.loaded_app)


def is_api_name(app: Any, name: str) -> bool:
    """Whether programs may take a step of the page that Gradio's `app` serves by this name; Gradio
    itself answers them by the names of private steps too."""
    with unless_missing("Programs may take the page's own steps by their names."):
        steps = app.get_blocks().fns.values()
        public = {step.api_name for step in steps if step.api_visibility == "public"}
        return name in {"chat", *public}  # Each ChatInterface has the first.
    return True


def number_of(component: gr.components.Component) -> int:
    """The number of a component in what a browser is told of the page. Gone: one that none has, so
    that what is to be shown in it is shown when the page has arrived."""
    with unless_missing("A page that is opened shows the first agent's title at first."):
        return component._id
    return -1


def prepare_config(demo: gr.Blocks) -> None:
    """Make what a browser is told of a page that Gradio's reload is about to serve: Gradio itself
    serves the page first, and makes this then (`swap_blocks`, gradio/utils.py)."""
    with unless_missing("A page that is opened in the moment of a reload is refused."):
        demo.config = demo.get_config_file()


def server_thread(demo: gr.Blocks) -> Thread | None:
    """The thread in which Gradio serves the page. Without it a process whose server has ended goes
    on, and nobody starts it again."""
    with unless_missing("If the server ends by itself, the process does not."):
        return cast(Thread, cast(Any, demo).server.thread)
    return None


def give_back_locks() -> None:
    """For a process that ends by `os._exit`: tqdm, which Gradio imports, makes a lock between
    processes. From 3.14 on Python complains of it on the terminal."""
    with unless_missing("When the page is stopped, Python complains of a semaphore."):
        cast(Any, util)._run_finalizers(0)


def tune_queue(demo: Any) -> None:
    """Have Gradio's queue do no more than it must."""
    for name, (value, consequence) in QUEUE_SETTINGS.items():
        with unless_missing(consequence):
            getattr(demo._queue, name)
            setattr(demo._queue, name, value)


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
    with unless_missing("A closed page takes more memory for an hour, an idle one for longer."):
        for page, state in list(demo.state_holder.session_data.items()):
            unused = (now - demo.state_holder.time_last_used.get(page, now)).total_seconds()
            if state.is_closed or unused > QUIET:
                state.config_values.clear()  # For deep links, which are closed here.
    with unless_missing("The ids and last messages of runs that are over stay in memory."):
        pages, queue = demo.state_holder.session_data, demo._queue
        for page, events in list(queue.pending_event_ids_session.items()):
            is_read = not (events and page in pages)
            if is_read and events.isdisjoint(queue.event_ids_to_events):
                queue.pending_event_ids_session.pop(page, None)
                queue.pending_messages_per_session.pop(page, None)

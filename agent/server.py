"""Page and APIs in one process: how it begins and ends."""

import logging
import os
import signal
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from functools import cache
from types import FrameType
from typing import Any
from urllib.parse import urlsplit

import gradio as gr
from dotenv import find_dotenv, load_dotenv
from fastapi.exceptions import RequestValidationError
from google.adk.apps import App
from google.adk.workflow import BaseNode

from agent.api import api_app
from agent.api.errors import validation_error_handler
from agent.api.path_prefix import checked_root_path
from agent.api.proxy_header import NotePeer
from agent.chat.agents import Agents
from agent.chat.loader import load_object
from agent.chat.task_list import task_list
from agent.chat.telemetry import export_telemetry
from agent.chat.warmup import open_clients_soon, warm_up
from agent.core.environment import read_settings
from agent.limits.client_address import network
from agent.limits.connections import Connections, most_files
from agent.middleware.exposure import behind_proxy, is_for_host, is_loopback, root_path
from agent.middleware.reloading import Served
from agent.middleware.sign_in import SignInFault, sign_in_here
from agent.middleware.stack import middleware
from agent.page.answering import respond_with
from agent.page.browser import RELOAD_HEAD
from agent.page.chat_interface import ChatPage
from agent.page.gradio_internals import (
    count_connections,
    give_back_locks,
    launch_options,
    prepare_config,
    remove_cors,
    server_thread,
    shorten_tracebacks,
    take_over_reloads,
    wrap_server,
)
from agent.page.housekeeping import housekeeping
from agent.page.theme import theme

log = logging.getLogger(__name__)

# As connections from this machine are counted: a proxy's, if not the host's own.
OWN_ADDRESSES = (network("127.0.0.1"), network("::1"))


def serve(demo: gr.ChatInterface, agents: Agents, **options: Any) -> Any:
    """Launch the page, and the APIs beside it; `options` are `Blocks.launch`'s own."""
    served = Served(agents, api_app(agents).routes)
    settings = agents.settings
    sign_in = sign_in_here(settings, options, os.environ, is_loopback(options))
    is_reloading = take_over_reloads(demo)
    shorten_tracebacks()
    export_telemetry()
    # Attributes of the page, because in a reload Gradio takes of `launch` only how it looks.
    attributes = {
        "state_session_capacity": settings.max_conversations or 10_000,
        "run_history": False,
        "show_error": False,
    }
    if is_for_host(options) and isinstance(demo, ChatPage):
        demo.show_host(is_reloading)
    for name, value in {"served": served, "sign_in": sign_in, **attributes}.items():
        setattr(demo, name, value)
    if path := root_path(options):
        options["root_path"] = checked_root_path(path)
    app, url, share_url = demo.launch(
        quiet=True,
        theme=theme(options.pop("theme", None)),
        max_threads=settings.page_threads,
        footer_links=[],
        enable_monitoring=False,
        mcp_server=False,  # The APIs have one (agent/api/mcp_server.py).
        # The APIs describe themselves at /openapi.json; Gradio's own routes stay undescribed.
        app_kwargs={
            "openapi_url": None,
            "routes": served.routes,
            "middleware": middleware(settings, options, sign_in, is_reloading),
            "exception_handlers": {RequestValidationError: validation_error_handler},
            "lifespan": lifespan(demo, served),
        },
        **launch_options(),
        **{"head": RELOAD_HEAD if is_reloading else None, **attributes, **options},
    )
    if url is None:  # In a reload.
        prepare_config(demo)
    else:
        per_address = 0 if behind_proxy(options) else settings.address_connections
        count_connections(demo, Connections(per_address, most_files(), OWN_ADDRESSES))
        if sign_in.by == "header":
            wrap_server(demo, NotePeer)
    return app, url, share_url


def lifespan(demo: gr.Blocks, served: Served) -> Any:
    """What goes on while the page is served."""

    @asynccontextmanager
    async def living(app: Any) -> AsyncIterator[None]:
        app.state.served = served
        remove_cors(app)
        served.agents.begin()
        open_clients_soon(served.agents.first.loaded)
        async with housekeeping(demo, served.agents.settings)(app):
            yield

    return living


def serve_until_end(demo: ChatPage, agents: Agents, **options: Any) -> None:
    """Serve the page until Ctrl-C or SIGTERM. Then stop what runs, so that what was said is stored,
    and end the process. If the server ends by itself, so does the process, with an exit code of 1,
    for whoever is to start it again. The options are `Blocks.launch`'s own, such as
    `auth=("ann", "sesame")`.

    Where Gradio has run the app again to reload it, it has a server, and this returns at once.
    """
    # Nobody may say where a request comes from, but a proxy that uvicorn is told to trust.
    os.environ.setdefault("FORWARDED_ALLOW_IPS", "")
    try:
        app, url, _ = serve(demo, agents, **{"prevent_thread_lock": True, **options})
    except SignInFault as error:
        sys.exit(str(error))
    for registry in agents.loaded:
        loaded = registry.loaded
        tell(loaded.why_not_loaded)
        tell(loaded.no_ai)
        tell(loaded.recorded_to)
        for fault in task_list(loaded).faults:
            tell(fault)
    if url is None:
        return
    # From now on, because whoever reads that it runs may end it.
    signals: list[int] = []
    _on_end(lambda signum, _: signals.append(signum))
    announce(url, options)
    agents.check_keys()
    thread = server_thread(demo)
    wait_for_signal(thread, signals)
    if thread and not thread.is_alive():
        log.critical("The server has ended by itself, and so the app ends.")
        os._exit(1)
    try:
        app.state.served.agents.close_from_outside()
    except KeyboardInterrupt:
        pass  # Whoever asks twice does not want to wait.
    finally:
        give_back_locks()
        os._exit(0)  # Python itself would wait for tools that are at work.


def launch(agent: App | BaseNode, **options: Any) -> ChatPage:
    """Serve the page for this agent, with its limits, APIs, settings and offline stand-in.

    In a script it ends with the program; in a notebook the cells after it run on.

    Args:
        agent: An ADK agent, workflow or `App`. `EXAMPLES`, `STATE`, `LOOK`, `REASONS`, `VARIANTS`
            and `INNER` of the module that calls this count as they do beside `root_agent`.
        options: `Blocks.launch`'s own, such as `server_port=8000`, `auth=("ann", "a password")` or
            `theme="soft"`.

    Raises:
        LoadError: with a sentence, for what is no agent.
        ValueError: with a sentence, for a setting that cannot be used.
    """
    load_dotenv(find_dotenv(usecwd=True))
    module = sys._getframe(1).f_globals.get("__name__", "")
    loaded = load_object(agent, module, coalesce=True)
    agents = Agents(loaded, read_settings(os.environ))
    page = ChatPage(respond_with(agents), agents)
    if "ipykernel" in sys.modules or hasattr(sys, "ps1"):  # A notebook, or Python's own prompt.
        _, url, _ = serve(page, agents, **{"prevent_thread_lock": True, **options})
        announce(url, options)
    else:
        serve_until_end(page, agents, **options)
    return page


@cache  # At the start Gradio's reload mode runs app.py twice.
def tell(text: str) -> None:
    """Tell the host, once; "" is nothing."""
    if text:
        print(f"\n{text}\n", file=sys.stderr, flush=True)  # noqa: T201


def announce(url: str, options: Mapping[str, Any]) -> None:
    """Tell the host where the page is that was launched with these options."""
    wanted = options.get("server_port") or os.environ.get("GRADIO_SERVER_PORT", "7860")
    if (port := urlsplit(url).port) and str(port) != str(wanted):
        log.warning(
            "Port %s is in use, perhaps by another run of this app: the page is at port %s "
            "instead.",
            *(wanted, port),
        )
    print(f"Running on {url} (stop with Ctrl-C)", flush=True)  # noqa: T201


def wait_for_signal(
    server: threading.Thread | None = None, caught: list[int] | None = None
) -> None:
    """Warm up, and wait for Ctrl-C or SIGTERM, which may be `caught` already, or for the end of the
    server's thread."""
    signals = [] if caught is None else caught
    try:
        # An exception out of nowhere may be lost in the warm-up, as in a finalizer.
        _on_end(lambda signum, _: signals.append(signum))
        warm_up()
        _on_end(signal.default_int_handler)
        while not signals and (server is None or server.is_alive()):
            # Not `join`: Python 3.11 takes a thread for ended when a signal interrupts that.
            time.sleep(1)
    except KeyboardInterrupt:
        pass


def _on_end(act: Callable[[int, FrameType | None], None]) -> None:
    if threading.current_thread() is threading.main_thread():  # No other may.
        for signum in (signal.SIGINT, signal.SIGTERM):
            signal.signal(signum, act)

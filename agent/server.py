"""Page and APIs in one process: what is served, how it begins, is reloaded and ends."""

import logging
import os
import signal
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any
from urllib.parse import urlsplit

import gradio as gr
from fastapi.exceptions import RequestValidationError
from starlette.middleware import Middleware
from starlette.middleware.body_limit import RequestBodyLimitMiddleware
from starlette.responses import PlainTextResponse
from starlette.routing import BaseRoute, Match, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from agent.api import api_app
from agent.api.body_filter import BodyFilter
from agent.api.errors import validation_error_handler
from agent.api.security_headers import IsMatch, SecurityHeaders
from agent.chat.loader import OUR_AGENT, LoadedAgent, LoadError, load
from agent.chat.registry import Registry
from agent.chat.warmup import open_clients_soon, warm_up
from agent.core.settings import misspelled, read_settings
from agent.page.browser import RELOAD_HEAD
from agent.page.chat_interface import ChatPage
from agent.page.gradio_internals import (
    ROUTES,
    attribute_of_page,
    housekeeping,
    number_from_zero,
    prepare_config,
    server_thread,
    take_over_reloads,
)

log = logging.getLogger(__name__)

# Paths whose answers a page may embed: the agent's pictures, and what Gradio's page is made of.
EMBEDDABLE = (*ROUTES["pictures"], "/theme.css", "/files/{name}")

# Bytes of a request: more than anybody types.
MAX_BODY = 4_000_000

# The visitor's own: what Gradio 6.31 serves for bold text lacks most letters.
FONT = ["system-ui", "sans-serif"]


@dataclass(frozen=True)
class Served:
    """What is served beside a page; the page has it as its attribute `served`."""

    loaded: LoadedAgent
    registry: Registry
    # Of the APIs.
    routes: list[BaseRoute]


def load_agent(arguments: Sequence[str]) -> tuple[LoadedAgent, Registry]:
    """The agent in the folder that is named, or else this app's own, and its conversations; a
    host's mistake ends the program with a sentence."""
    if not gr.NO_RELOAD:  # Which means that Gradio runs app.py again.
        number_from_zero()
    try:
        loaded = load(Path(arguments[0]) if arguments else OUR_AGENT, coalesce=True)
        for sentence in misspelled(os.environ):
            log.warning(sentence)
        return loaded, Registry(loaded, read_settings(os.environ))
    except (LoadError, ValueError) as error:
        if not gr.NO_RELOAD:
            raise  # Gradio reports it, and goes on with the page as it was until the next change.
        sys.exit(str(error))


def serve(demo: gr.ChatInterface, loaded: LoadedAgent, registry: Registry, **options: Any) -> Any:
    """Launch the page, and the APIs beside it; `options` are `Blocks.launch`'s own."""
    served = Served(loaded, registry, api_app(loaded, registry).routes)
    settings = registry.settings
    is_reloading = take_over_reloads(demo)
    # Attributes of the page, because in a reload Gradio takes of `launch` only how it looks.
    attributes = {
        "state_session_capacity": settings.max_conversations or 10_000,
        "run_history": False,
        "show_error": False,
    }
    for name, value in {"served": served, **attributes}.items():
        setattr(demo, name, value)
    app, url, share_url = demo.launch(
        quiet=True,
        theme=gr.themes.Default(font=FONT, font_mono=["ui-monospace", "monospace"]),
        max_threads=settings.page_threads,
        footer_links=[],
        enable_monitoring=False,
        # The APIs describe themselves at /openapi.json; Gradio's own routes stay undescribed.
        app_kwargs={
            "openapi_url": None,
            "routes": served.routes,
            "middleware": middleware(
                has_sign_in=bool(options.get("auth")), is_reloading=is_reloading
            ),
            "exception_handlers": {RequestValidationError: validation_error_handler},
            "lifespan": lifespan(demo, served),
        },
        **{"head": RELOAD_HEAD if is_reloading else None, **attributes, **options},
    )
    if url is None:  # In a reload.
        prepare_config(demo)
    return app, url, share_url


def middleware(has_sign_in: bool, is_reloading: bool) -> list[Middleware]:
    """What every request passes through, from the outside to the inside."""
    closed = {"sign-in": not has_sign_in, "reload": not is_reloading}
    allowed = [path for feature in ROUTES if not closed.get(feature) for path in ROUTES[feature]]
    return [
        Middleware(ReloadedRoutes),
        Middleware(SecurityHeaders, is_open=is_open(allowed), is_embeddable=is_one_of(EMBEDDABLE)),
        Middleware(RequestBodyLimitMiddleware, max_body_size=MAX_BODY),
        Middleware(BodyFilter, path="/gradio_api/", is_unwanted=is_foreign),
    ]


def is_open(paths: Iterable[str]) -> IsMatch:
    """Whether a request is for the APIs, or for one of these paths of Gradio's; or for nothing that
    there is, which the router says in its own way."""
    is_allowed = is_one_of(paths)

    def is_open(scope: Scope) -> bool:
        path, app = scope["path"], scope["app"]
        # The router redirects to the same path with or without a slash at its end.
        other = path.rstrip("/") if path.endswith("/") else f"{path}/"
        scopes = scope, {**scope, "path": other}
        if any(is_allowed(each) or _matches(app.state.served.routes, each) for each in scopes):
            return True
        is_gradios = path.lstrip("/").startswith("gradio_api/")
        return not (is_gradios or any(_matches(app.router.routes, each) for each in scopes))

    return is_open


def is_one_of(paths: Iterable[str]) -> IsMatch:
    """Whether a request is for one of these paths, as Starlette's router understands both."""
    return partial(_matches, [Route(path, PlainTextResponse()) for path in paths])


def _matches(routes: Iterable[BaseRoute], scope: Scope) -> bool:
    return any(route.matches(scope)[0] is not Match.NONE for route in routes)


class ReloadedRoutes:
    """ASGI middleware: after Gradio has reloaded the app, which puts a new page in place of the
    one that was launched, the APIs are those beside the new page too. The old page's turns go on
    to their end. Middleware itself stays as it was until the app is started again."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan":
            _take_over(scope["app"])
        await self._app(scope, receive, send)


def _take_over(app: Any) -> None:
    old: Served = app.state.served
    new: Served = attribute_of_page(app, "served", old)
    if new is not old:
        app.state.served = new
        app.router.routes[: len(old.routes)] = new.routes  # Gradio's come after them.
        old.registry.retire()
        open_clients_soon(new.loaded)


def is_foreign(json: dict[str, Any]) -> bool:
    """Whether a browser sends what this page never shows: a component, which Gradio would build
    with any arguments (gradio/components/chatbot.py), or a file, which it would fetch."""
    return bool(json.keys() & {"constructor_args", "path"})


def lifespan(demo: gr.Blocks, served: Served) -> Any:
    """What goes on while the page is served."""

    @asynccontextmanager
    async def living(app: Any) -> AsyncIterator[None]:
        app.state.served = served
        open_clients_soon(served.loaded)
        async with housekeeping(demo, served.registry.settings)(app):
            yield

    return living


def serve_until_end(demo: ChatPage, loaded: LoadedAgent, registry: Registry) -> None:
    """Serve the page until Ctrl-C or SIGTERM. Then stop what runs, so that what was said is stored,
    and end the process. If the server ends by itself, so does the process, with an exit code of 1,
    for whoever is to start it again.

    Where Gradio has run the app again to reload it, it has a server, and this returns at once.
    """
    # Nobody may say where a request comes from, but a proxy that uvicorn is told to trust.
    os.environ.setdefault("FORWARDED_ALLOW_IPS", "")
    options = {"mcp_server": demo.for_mcp, "prevent_thread_lock": True}
    app, url, _ = serve(demo, loaded, registry, **options)
    if url is None:
        return
    announce(url)
    thread = server_thread(demo)
    wait_for_signal(thread)
    if thread and not thread.is_alive():
        log.critical("The server has ended by itself, and so the app ends.")
        os._exit(1)
    app.state.served.registry.close_from_outside()
    os._exit(0)  # Python itself would wait for tools that are at work.


def announce(url: str) -> None:
    """Tell the host where the page is."""
    wanted = os.environ.get("GRADIO_SERVER_PORT", "7860")
    if str(urlsplit(url).port) != wanted:
        log.warning("Port %s is in use, perhaps by another run of this app.", wanted)
    print(f"Running on {url} (stop with Ctrl-C)", flush=True)  # noqa: T201


def wait_for_signal(server: threading.Thread | None = None) -> None:
    """Warm up, and wait for Ctrl-C or SIGTERM, or for the server's end."""
    signals: list[int] = []
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

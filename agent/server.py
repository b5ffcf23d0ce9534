"""Page and APIs in one process: what is served, how it begins and how it ends."""

import logging
import os
import re
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import gradio as gr
from fastapi.exceptions import RequestValidationError
from starlette.middleware import Middleware
from starlette.middleware.body_limit import RequestBodyLimitMiddleware

from agent.api import api_app
from agent.api.body_filter import BodyFilter
from agent.api.errors import validation_error_handler
from agent.api.security_headers import SecurityHeaders
from agent.chat.loader import OUR_AGENT, LoadedAgent, LoadError, load
from agent.chat.registry import Registry
from agent.chat.warmup import open_clients_soon, warm_up
from agent.core.settings import Settings, misspelled, read_settings
from agent.page.chat_interface import ChatPage
from agent.page.gradio_internals import housekeeping

log = logging.getLogger(__name__)


CLOSED = re.compile(
    r"/+gradio_api/+openapi"
    r"|/+(gradio_api/+)*(deep_link|file=|proxy=|upload|component_server|stream/|run-history|runs"
    r"|vibe|undo-vibe|monitoring|profiling|dev/|process_recording|login|logout|token|user)"
)
"""Gradio's paths that this page does not need. A deep link writes a visitor's whole page to disk
for whoever knows the session's hash; `file=` fetches for anybody, and names folders of this
machine; uploads fill the disk."""

PICTURES = re.compile(r"/+(files/|assets/|static/|favicon|pwa_icon|theme\.css)")
"""Paths that a page may embed: the agent's pictures, and what Gradio's page is made of."""

MAX_BODY = 4_000_000
"""Bytes of a request: more than anybody types."""


def is_foreign(thing: dict[str, Any]) -> bool:
    """Whether a browser sends what this page never shows: a component, which Gradio would build
    with any arguments (gradio/components/chatbot.py), or a file, which it would fetch."""
    return bool(thing.keys() & {"constructor_args", "path"})


FONT = ["system-ui", "sans-serif"]
"""The visitor's own: what Gradio 6.31 serves for bold text lacks most letters."""


def serve(demo: gr.ChatInterface, loaded: LoadedAgent, registry: Registry, **options: Any) -> Any:
    """Launch the page, and the other doors beside it; `options` are `Blocks.launch`'s own."""
    return demo.launch(
        quiet=True,
        theme=gr.themes.Default(font=FONT, font_mono=["ui-monospace", "monospace"]),
        max_threads=registry.settings.page_threads,
        state_session_capacity=registry.settings.max_conversations or 10_000,
        run_history=False,
        footer_links=[],
        enable_monitoring=False,
        # The doors tell of themselves at /openapi.json; Gradio's own routes stay untold.
        app_kwargs={
            "openapi_url": None,
            "routes": api_app(loaded, registry).routes,
            "middleware": [
                Middleware(SecurityHeaders, closed=CLOSED, pictures=PICTURES),
                Middleware(RequestBodyLimitMiddleware, max_body_size=MAX_BODY),
                Middleware(BodyFilter, path="/gradio_api/", is_unwanted=is_foreign),
            ],
            "exception_handlers": {RequestValidationError: validation_error_handler},
            "lifespan": lifespan(demo, loaded, registry.settings),
        },
        **options,
    )


def lifespan(demo: gr.Blocks, loaded: LoadedAgent, settings: Settings) -> Any:
    """What goes on while the page is served."""

    @asynccontextmanager
    async def living(app: object) -> AsyncIterator[None]:
        open_clients_soon(loaded)
        async with housekeeping(demo, settings)(app):
            yield

    return living


def load_agent(arguments: Sequence[str]) -> tuple[LoadedAgent, Registry]:
    """The agent in the folder that is named, or else this app's own, and its conversations; a
    host's mistake ends the program with a sentence."""
    try:
        loaded = load(Path(arguments[0]) if arguments else OUR_AGENT, coalesce=True)
        for sentence in misspelled(os.environ):
            log.warning(sentence)
        return loaded, Registry(loaded, read_settings(os.environ))
    except (LoadError, ValueError) as error:
        sys.exit(str(error))


def serve_until_end(demo: ChatPage, loaded: LoadedAgent, registry: Registry) -> None:
    """Serve the page until Ctrl-C or SIGTERM."""
    # Nobody may say where a request comes from, but a proxy that uvicorn is told to trust.
    os.environ.setdefault("FORWARDED_ALLOW_IPS", "")
    options = {"mcp_server": demo.for_mcp, "prevent_thread_lock": True}
    _, url, _ = serve(demo, loaded, registry, **options)
    announce(url, demo.server_port)
    wait_for_end(registry)


def announce(url: str, port: int) -> None:
    """Tell the host where the page is."""
    wanted = os.environ.get("GRADIO_SERVER_PORT", "7860")
    if str(port) != wanted:
        log.warning("Port %s is in use, perhaps by another run of this app.", wanted)
    print(f"Running on {url} (stop with Ctrl-C)", flush=True)  # noqa: T201


def wait_for_end(registry: Registry) -> None:
    """Serve until Ctrl-C or SIGTERM; then stop what runs, so that what was said is stored."""
    told: list[int] = []
    try:
        # An exception out of nowhere may be lost in the warm-up, as in a finalizer.
        _on_end(lambda sign, _: told.append(sign))
        warm_up()
        _on_end(signal.default_int_handler)
        while not told:
            time.sleep(3600)
    except KeyboardInterrupt:
        pass
    registry.close_from_outside()
    os._exit(0)  # Python itself would wait for tools that are at work.


def _on_end(act: Callable[[int, FrameType | None], None]) -> None:
    for sign in (signal.SIGINT, signal.SIGTERM):
        signal.signal(sign, act)

"""Page and APIs in one process: what is served, how it begins, is reloaded and ends."""

import logging
import os
import signal
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache, partial
from types import FrameType
from typing import Any
from urllib.parse import urlsplit

import gradio as gr
from fastapi.exceptions import RequestValidationError
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import PlainTextResponse
from starlette.routing import BaseRoute, Match, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from agent.api import api_app
from agent.api.body_filter import BodyFilter, BodyLimit
from agent.api.body_limit import body_limit, is_upload
from agent.api.delivery import Delivery
from agent.api.errors import validation_error_handler
from agent.api.language import ReadersLanguage
from agent.api.open_requests import OpenRequests
from agent.api.openai_error import OpenAIErrors
from agent.api.origins import OriginCheck, host_name, is_local
from agent.api.path_prefix import PathPrefix, checked_root_path, own_path, prefix_in
from agent.api.proxy_header import NotePeer
from agent.api.security_headers import IsMatch, SecurityHeaders
from agent.chat.agents import Agents
from agent.chat.telemetry import export_telemetry
from agent.chat.warmup import open_clients_soon, warm_up
from agent.core.settings import Settings
from agent.core.sign_in import SignIn
from agent.limits.client_address import network
from agent.limits.connections import Connections, most_files
from agent.page.browser import RELOAD_HEAD
from agent.page.chat_interface import ChatPage
from agent.page.gradio_internals import (
    attribute_of_page,
    count_connections,
    is_api_name,
    launch_options,
    prepare_config,
    remove_cors,
    server_thread,
    shares_by_itself,
    shorten_tracebacks,
    take_over_reloads,
    wrap_server,
)
from agent.page.gradio_sign_in import has_sign_in
from agent.page.housekeeping import housekeeping
from agent.page.routes import ROUTES
from agent.page.theme import theme
from agent.sign_in import SignInFault, public_paths, sign_in_here, sign_in_middleware

log = logging.getLogger(__name__)

# Paths whose answers a page may embed: the agent's pictures, and what Gradio's page is made of.
EMBEDDABLE = (
    *(*ROUTES["pictures"], "/theme.css", "/favicon.ico", "/look/{agent}/{part}"),
    *("/files/{name}", "/files/{name}/{shown_name}"),
)

# As connections from this machine are counted: a proxy's, if not the host's own.
OWN_ADDRESSES = (network("127.0.0.1"), network("::1"))

# What does more than to open a page: pages of other sites may not ask for it.
WORK = (
    *("/gradio_api/{path:path}", "/chat/stream", "/chat/stop", "/chat/result", "/v1/{path:path}"),
    *("/agui", "/files"),
    *ROUTES["sign-in"],  # But not what Hugging Face leads back to.
)

# Gradio's routes whose {name} is a step's.
STEPS = [
    Route(path, PlainTextResponse())
    for paths in ROUTES.values()
    for path in paths
    if "{name}" in path
]


@dataclass(frozen=True)
class Served:
    """What is served beside a page; the page has it as its attribute `served`."""

    agents: Agents
    # Of the APIs.
    routes: list[BaseRoute]


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
    if told := root_path(options):
        options["root_path"] = checked_root_path(told)
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


def middleware(
    settings: Settings, options: Mapping[str, Any], sign_in: SignIn, is_reloading: bool
) -> list[Middleware]:
    """What every request passes through, from the outside to the inside."""
    by_huggingface = sign_in.by == "huggingface"
    there = {"reload": is_reloading, "huggingface": by_huggingface, "sign-in": not by_huggingface}
    features = [feature for feature in ROUTES if there.get(feature, True)]
    allowed = [path for feature in features for path in ROUTES[feature]]
    origins = settings.origins
    cors = Middleware(
        CORSMiddleware,
        allow_origins=origins,
        allow_methods=["GET", "POST", "DELETE"],
        allow_headers=["*"],
        # Gradio's client in a browser asks for them; but not everybody may have a visitor's.
        allow_credentials="*" not in origins,
        expose_headers=["Retry-After"],
    )
    known = None if behind_proxy(options) or not is_loopback(options) else is_known(origins)
    return [
        Middleware(
            PathPrefix,
            prefix=prefix_in(options.get("root_path") or ""),
            asks_proxy=behind_proxy(options),
            is_route=lambda scope: _matches(scope["app"].router.routes, scope),
        ),
        Middleware(ReadersLanguage, offered=settings.languages),
        Middleware(ReloadedRoutes),
        Middleware(OpenAIErrors),
        *([cors] if origins else []),
        Middleware(
            SecurityHeaders,
            is_open=is_open(allowed, sign_in),
            is_embeddable=is_one_of(EMBEDDABLE),
            sites=settings.sites,
        ),
        Middleware(Delivery, is_page=is_one_of(["/"]), is_part=is_one_of(["/assets/{path:path}"])),
        Middleware(OriginCheck, allowed=origins, is_work=is_one_of(WORK), is_known=known),
        Middleware(OpenRequests, most=settings.address_connections),
        *sign_in_middleware(sign_in, settings, is_one_of(public_paths(sign_in))),
        Middleware(BodyLimit, limit_of=body_limit(settings)),
        Middleware(BodyFilter, path="/gradio_api/", is_unwanted=is_foreign, is_file=is_upload),
    ]


def is_loopback(options: Mapping[str, Any]) -> bool:
    """Whether only this machine itself can reach the page that is launched with these options."""
    name = options.get("server_name") or os.environ.get("GRADIO_SERVER_NAME") or "127.0.0.1"
    return "SPACE_ID" not in os.environ and is_local(str(name).strip("[]"))


def is_for_host(options: Mapping[str, Any]) -> bool:
    """Whether nobody but who sits at this machine opens the page that is launched so."""
    told = options.get("share"), os.environ.get("GRADIO_SHARE", "").lower() == "true"
    return is_loopback(options) and not (behind_proxy(options) or any(told) or shares_by_itself())


def behind_proxy(options: Mapping[str, Any]) -> bool:
    """Whether the host has told of a proxy, through which all connections come."""
    told = root_path(options) or os.environ.get("FORWARDED_ALLOW_IPS")
    return bool(told) or "SPACE_ID" in os.environ


def root_path(options: Mapping[str, Any]) -> str:
    """At which path or address of its own a proxy shows the page; "" if the host has not told."""
    return str(options.get("root_path") or os.environ.get("GRADIO_ROOT_PATH") or "")


def is_known(origins: Iterable[str]) -> Callable[[Scope, str], bool]:
    """Whether the page is to be found by a name: one of this machine's own, of the allowed origins,
    or of the link by which Gradio shares it."""
    names = {host_name(origin) for origin in origins} | {"0.0.0.0"}  # As some systems have it.

    def is_known(scope: Scope, name: str) -> bool:
        shared = attribute_of_page(scope["app"], "share_url", None) or ""
        return is_local(name) or "*" in origins or name in {*names, host_name(shared)} - {""}

    return is_known


def is_open(paths: Iterable[str], sign_in: SignIn) -> IsMatch:
    """Whether a request is for the APIs, or for one of these paths of Gradio's; or for nothing that
    there is, which the router says in its own way. Of the paths those of Gradio's form are open
    where there is one; `sign_in` says whether the host wants that, should Gradio not tell."""
    has_form = sign_in.by == "gradio"
    is_allowed = is_one_of(paths)
    is_for_form = is_one_of(() if sign_in.by == "huggingface" else ROUTES["sign-in"])

    def is_open(scope: Scope) -> bool:
        path, app = own_path(scope), scope["app"]
        if scope["type"] == "websocket":  # Gradio's page needs none.
            return _matches(app.state.served.routes, scope)
        # The router redirects to the same path with or without a slash at its end.
        whole: str = scope["path"]
        other = whole.rstrip("/") if whole.endswith("/") else f"{whole}/"
        scopes = scope, {**scope, "path": other}
        if any(map(is_for_form, scopes)):
            return has_sign_in(app, has_form)
        if any(map(_is_private_step, scopes)):
            return False
        if any(is_allowed(each) or _matches(app.state.served.routes, each) for each in scopes):
            return True
        is_gradios = path.lstrip("/").startswith("gradio_api/")
        return not (is_gradios or any(_matches(app.router.routes, each) for each in scopes))

    return is_open


def _is_private_step(scope: Scope) -> bool:
    """Whether it names one of the page's own steps, or none that there is."""
    matches = (route.matches(scope) for route in STEPS)
    names = {found["path_params"]["name"] for match, found in matches if match is not Match.NONE}
    # More than one where a path can be read in two ways: `call/v2/chat`.
    is_open = any(name == "predict" or is_api_name(scope["app"], name) for name in names)
    return bool(names) and not is_open


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
        old.agents.retire()
        new.agents.begin()
        open_clients_soon(new.agents.first.loaded)


def is_foreign(json: dict[str, Any]) -> bool:
    """Whether a browser sends what this page never shows: a component, which Gradio would build
    with any arguments (gradio/components/chatbot.py), or a file, which it would fetch."""
    return bool(json.keys() & {"constructor_args", "path"})


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
    for loaded in (registry.loaded for registry in agents.loaded):
        tell(loaded.why_not_loaded)
        tell(loaded.no_ai)
        tell(loaded.recorded_to)
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
        os._exit(0)  # Python itself would wait for tools that are at work.


@cache  # At the start Gradio's reload mode runs app.py twice.
def tell(text: str) -> None:
    """Tell the host, once; "" is nothing."""
    if text:
        print(f"\n{text}\n", file=sys.stderr, flush=True)  # noqa: T201


def announce(url: str, options: Mapping[str, Any]) -> None:
    """Tell the host where the page is that was launched with these options."""
    wanted = options.get("server_port") or os.environ.get("GRADIO_SERVER_PORT", "7860")
    if str(urlsplit(url).port) != str(wanted):
        log.warning("Port %s is in use, perhaps by another run of this app.", wanted)
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

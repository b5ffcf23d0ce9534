"""What every request passes through, and which paths are open to whom."""

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import PlainTextResponse
from starlette.routing import BaseRoute, Match, Route
from starlette.types import Scope

from agent.api.body_filter import BodyFilter, BodyLimit
from agent.api.body_limit import body_limit, is_upload
from agent.api.delivery import Delivery
from agent.api.language import ReadersLanguage
from agent.api.open_requests import OpenRequests
from agent.api.openai_error import OpenAIErrors
from agent.api.origins import OriginCheck
from agent.api.path_prefix import PathPrefix, own_path, prefix_in
from agent.api.security_headers import IsMatch, SecurityHeaders
from agent.api.unread_body import UnreadBody
from agent.core.settings import Settings
from agent.core.sign_in import SignIn
from agent.middleware.exposure import behind_proxy, is_known, is_loopback
from agent.middleware.reloading import ReloadedRoutes
from agent.middleware.sign_in import public_paths, sign_in_middleware
from agent.page.gradio_internals import is_api_name
from agent.page.gradio_sign_in import has_sign_in
from agent.page.routes import ROUTES

# Paths whose answers a page may embed: the agent's pictures, and what Gradio's page is made of.
EMBEDDABLE = (
    *(*ROUTES["pictures"], "/theme.css", "/favicon.ico", "/look/{agent}/{part}"),
    *("/files/{name}", "/files/{name}/{shown_name}"),
)

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
        Middleware(UnreadBody),
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


def is_open(paths: Iterable[str], sign_in: SignIn) -> IsMatch:
    """Whether a request is for the APIs, or for one of these paths of Gradio's; or for nothing that
    there is, which the router says in its own way. Of the paths those of Gradio's form are open
    where there is one; `sign_in` says whether the host wants that, should Gradio not tell."""
    has_form = sign_in.by == "gradio"
    is_allowed = is_one_of(paths)
    is_for_form = is_one_of(() if sign_in.by == "huggingface" else ROUTES["sign-in"])

    def may_pass(scope: Scope) -> bool:
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
        if any(is_allowed(form) or _matches(app.state.served.routes, form) for form in scopes):
            return True
        is_gradios = path.lstrip("/").startswith("gradio_api/")
        return not (is_gradios or any(_matches(app.router.routes, form) for form in scopes))

    return may_pass


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


def is_foreign(json: dict[str, Any]) -> bool:
    """Whether a browser sends what this page never shows: a component, which Gradio would build
    with any arguments (gradio/components/chatbot.py), or a file, which it would fetch."""
    return bool(json.keys() & {"constructor_args", "path"})

"""Behind a proxy that shows the page below a path of its own, as `https://example.org/chat/`.

A proxy either takes that path off what it passes on, or leaves it there. Both end up as ASGI has
it: `root_path` is the proxy's own path, and `path` begins with it. So the routes, the closed paths
and the addresses that are made of a request are the same behind any proxy.
"""

import re
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from agent.api.security_headers import IsMatch

# Names, as they stand in an address. Without "//", which another machine's name would follow.
PREFIX = re.compile(r"(/[\w.~-]+)+", re.ASCII)

# A longer one is nobody's.
MAX_PREFIX = 200


def checked_root_path(told: str) -> str:
    """What the host has told, as Gradio takes it: a whole address, or a path that begins with "/";
    without "/" at its end.

    Raises:
        SystemExit: It is neither, in a sentence.
    """
    place = urlsplit(told.rstrip("/"))
    path = place.path if place.scheme else f"/{told.strip('/')}"
    if place.query or place.fragment or (path.strip("/") and not _is_prefix(path)):
        raise SystemExit(
            f"The root path {told[:80]!r} cannot be used. Write the path at which the proxy "
            "shows the page, such as /chat, or its address, such as https://example.org/chat."
        )
    return place.geturl() if place.scheme else path.rstrip("/")


def prefix_in(root_path: str) -> str:
    """The path in it; "" for none."""
    return urlsplit(root_path).path


def own_path(scope: Scope) -> str:
    """The path of a request, without a proxy's own before it."""
    path: str = scope["path"]
    return path.removeprefix(scope.get("root_path", "")) or "/"


class PathPrefix:
    """ASGI middleware.

    Args:
        app: What answers.
        prefix: The proxy's own path, if it is known: "/chat".
        asks_proxy: Whether else the proxy says which it is, by `X-Forwarded-Prefix`.
        is_route: Whether a request is for something that there is.
    """

    def __init__(self, app: ASGIApp, prefix: str, asks_proxy: bool, is_route: IsMatch) -> None:
        self._app, self._prefix, self._asks_proxy = app, prefix, asks_proxy
        self._is_route = is_route

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, at the path that is meant."""
        app = self._app
        if scope["type"] != "lifespan" and (prefix := self._prefix_of(scope)):
            placed = self._placed(scope, prefix)
            if scope["path"] == prefix and not self._is_route(placed):
                app = _redirect(scope, prefix)
            scope = placed
        await app(scope, receive, send)

    def _prefix_of(self, scope: Scope) -> str:
        if self._prefix or not self._asks_proxy:
            return self._prefix
        said = Headers(scope=scope).get("x-forwarded-prefix", "").rstrip("/")
        return said if _is_prefix(said) else ""

    def _placed(self, scope: Scope, prefix: str) -> Scope:
        """Of `/chat/stream` only the routes tell whether it is `/stream` below a prefix `/chat`
        that was left there."""
        kept = {**scope, "root_path": prefix}
        if scope["path"].startswith(f"{prefix}/") and self._is_route(kept):
            return kept
        return {**kept, "path": prefix + scope["path"]}


def _redirect(scope: Scope, prefix: str) -> RedirectResponse:
    """From `/chat` to `/chat/`, below which stands all that the page is made of."""
    query = scope["query_string"].decode("latin-1")
    name = prefix.rpartition("/")[2]
    return RedirectResponse(f"{name}/?{query}" if query else f"{name}/")


def _is_prefix(path: str) -> bool:
    return len(path) <= MAX_PREFIX and bool(PREFIX.fullmatch(path))

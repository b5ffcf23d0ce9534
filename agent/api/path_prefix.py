"""Behind a proxy that shows the page below a path of its own, as `https://example.org/chat/`.

Some proxies take that path off the requests that they pass on, others leave it there. Both kinds of
requests are made into what ASGI asks for: `root_path` is the proxy's own path, and `path` begins
with it. So the routes, the closed paths and the addresses that are made of a request are the same
behind any proxy.
"""

import re
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from agent.api.security_headers import IsMatch

# The names of folders in an address. Without "//", which another machine's name would follow.
PREFIX = re.compile(r"(/[\w.~-]+)+", re.ASCII)

# Characters of a prefix: far more than any proxy's has.
MAX_PREFIX = 200


def checked_root_path(root_path: str) -> str:
    """The host's setting in the form that Gradio takes: a whole address, or a path that begins with
    "/"; either without "/" at its end.

    Raises:
        SystemExit: It is neither; with a sentence for the host.
    """
    place = urlsplit(root_path.rstrip("/"))
    path = place.path if place.scheme else f"/{root_path.strip('/')}"
    if place.query or place.fragment or (path.strip("/") and not _is_prefix(path)):
        raise SystemExit(
            f"The root path {root_path[:80]!r} cannot be used. Write the path at which the proxy "
            "shows the page, such as /chat, or its address, such as https://example.org/chat."
        )
    return place.geturl() if place.scheme else path.rstrip("/")


def prefix_in(root_path: str) -> str:
    """The path in a root path, which may be a whole address; "" for none."""
    return urlsplit(root_path).path


def own_path(scope: Scope) -> str:
    """The path of a request, without a proxy's own before it."""
    path: str = scope["path"]
    return path.removeprefix(scope.get("root_path", "")) or "/"


class PathPrefix:
    """ASGI middleware that puts the proxy's own path into `root_path` and `path`.

    Args:
        app: What answers.
        prefix: The proxy's own path, such as "/chat"; "" where it is not known.
        asks_proxy: Whether it is read from `X-Forwarded-Prefix` where it is not known.
        is_route: Whether some route answers a request of this scope.
    """

    def __init__(self, app: ASGIApp, prefix: str, asks_proxy: bool, is_route: IsMatch) -> None:
        self._app, self._prefix, self._asks_proxy = app, prefix, asks_proxy
        self._is_route = is_route

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, with its paths as ASGI has them."""
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
        prefix = Headers(scope=scope).get("x-forwarded-prefix", "").rstrip("/")
        return prefix if _is_prefix(prefix) else ""

    def _placed(self, scope: Scope, prefix: str) -> Scope:
        """The scope with the prefix in its paths.

        `/chat/stream` may be `/stream` below a prefix `/chat` that the proxy has left there, or a
        route of that whole name below it: the routes tell which.
        """
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

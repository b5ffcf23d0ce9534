"""Whose pages may use this app: its own, and those of the origins that the host has named.

Any web page can have its reader's browser send requests to any address, those of a program on that
reader's own machine included. Browsers say where a request comes from (`Sec-Fetch-Site`, `Origin`).
A request that says neither is no browser's, or an old one's, and passes.

A page could also have its own name lead to this machine once it is open (DNS rebinding), and then
be taken for this app's own. The name in `Host` shows that. It is checked where no other machine can
reach the app, and no proxy is known to be in front of it.
"""

import logging
from collections.abc import Callable, Sequence
from functools import cache
from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from agent.api.security_headers import IsMatch
from agent.core.language import N_, _

log = logging.getLogger(__name__)

FOREIGN = N_(
    "This came from another web site, whose pages may not use this agent. "
    "Its host can allow them: see ALLOWED_ORIGINS in .env.example."
)

UNKNOWN_HOST = N_(
    "This page is for the machine that it runs on, and is not known by the name in its address. "
    "Its host can add that name: see ALLOWED_ORIGINS in .env.example."
)

# `Sec-Fetch-Site` for the app's own pages, and for an address that was typed or bookmarked.
OWN_SITES = ("same-origin", "none")

# The headers that name the sender of a request without `Sec-Fetch-Site`.
SENDERS = ("origin", "referer")

# The headers with the host's name that the request was sent to: its own, and a proxy's.
HOST_HEADERS = ("host", "x-forwarded-host")


class OriginCheck:
    """ASGI middleware that refuses what pages of other sites send.

    Args:
        app: What takes the requests that are let through.
        allowed: The origins whose pages may use the app, "*" being any.
        is_work: Whether a request does more than open a page.
        is_known: Whether the app may be reached under this name; None where that is not checked.
    """

    def __init__(
        self,
        app: ASGIApp,
        allowed: Sequence[str],
        is_work: IsMatch,
        is_known: Callable[[Scope, str], bool] | None = None,
    ) -> None:
        self._app, self._allowed, self._is_work = app, frozenset(allowed), is_work
        self._is_known = is_known

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it with status 403 in a sentence."""
        if scope["type"] != "lifespan" and (refusal := self._refusal(scope)):
            await JSONResponse({"detail": refusal}, 403)(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    def _refusal(self, scope: Scope) -> str | None:
        headers = Headers(scope=scope)
        name = host_name(f"//{headers.get('host', '')}")
        if self._is_known and name and not self._is_known(scope, name):
            _warn(f"A request for {name[:100]!r} was refused: {UNKNOWN_HOST}")
            return _(UNKNOWN_HOST)
        # A socket is no visit: any page can open one, and reads what comes through it.
        is_visit = scope.get("method") in ("GET", "HEAD") and not self._is_work(scope)
        if is_visit or not self._is_foreign(headers):
            return None
        _warn(
            f"A request of {headers.get('origin', 'another site')[:100]!r} was refused: {FOREIGN}"
        )
        return _(FOREIGN)

    def _is_foreign(self, headers: Headers) -> bool:
        """Whether a page of another origin has sent it, which is not among those allowed."""
        origin = headers.get("origin", "").lower()
        if self._allowed & {origin, "*"}:
            return False
        site = headers.get("sec-fetch-site")
        if site is not None:
            return site not in OWN_SITES
        sender = next(filter(None, map(headers.get, SENDERS)), None)
        # Another site's page may set these only after a preflight request, which is refused.
        own = [name.strip() for key in HOST_HEADERS for name in headers.get(key, "").split(",")]
        own_places = {_place(f"//{name}") for name in own} - {None}
        return sender is not None and _place(sender) not in own_places


def _place(url: str) -> str | None:
    """The host and port in a URL, without the ports 80 and 443; None for no URL of a page."""
    try:
        place = urlsplit(url.lower()).netloc.rpartition("@")[2]
    except ValueError:
        return None
    return place.removesuffix(":80").removesuffix(":443") or None


def host_name(url: str) -> str:
    """The name of the machine in a URL; "" where there is none, and "?" where it cannot be read."""
    try:
        return (urlsplit(url).hostname or "").rstrip(".")
    except ValueError:
        return "?"


def is_local(name: str) -> bool:
    """Whether this names the machine itself, whatever anybody's name server says."""
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False


@cache
def _log_once(sentence: str) -> None:
    log.warning(sentence)


def _warn(sentence: str) -> None:
    """Log a sentence once, and no more than 20 sentences: more nobody would read."""
    if _log_once.cache_info().currsize < 20:
        _log_once(sentence)

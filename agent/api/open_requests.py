"""A limit on the requests of one network address that are open at once: streams, and bodies that
come in slowly.

Each takes a connection, and a browser's page holds two or three for as long as it is open. They are
counted by the address that all other limits use, so that this holds behind a proxy too.
"""

import logging
from collections import Counter

from starlette.requests import HTTPConnection
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from agent.core.language import N_, _
from agent.limits.client_address import client_address

log = logging.getLogger(__name__)

TOO_MANY = N_(
    "Your network address has too many connections open here. Close some pages, and try again."
)


class OpenRequests:
    """ASGI middleware that refuses one more request of an address that has `most` open; 0 is any
    number."""

    def __init__(self, app: ASGIApp, most: int) -> None:
        self._app, self._most = app, most
        self._open: Counter[str] = Counter()
        # The addresses that the log has a line about, until they have no request open.
        self._logged: set[str] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it with status 429."""
        if scope["type"] == "lifespan" or not self._most:
            await self._app(scope, receive, send)
            return
        address = client_address(HTTPConnection(scope))
        if self._open[address] >= self._most:
            self._log_once(address)
            headers = {"Retry-After": "5"}
            await JSONResponse({"detail": _(TOO_MANY)}, 429, headers)(scope, receive, send)
            return
        self._open[address] += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._open[address] -= 1
            if not self._open[address]:
                del self._open[address]
                self._logged.discard(address)

    def _log_once(self, address: str) -> None:
        if address not in self._logged:
            self._logged.add(address)
            log.warning(
                "%s has %s requests open, and can have no more (ADDRESS_CONNECTIONS).",
                address,
                f"{self._most:,}",
            )

"""The person that a trusted proxy names in a header of its requests.

Anybody can send a header. It counts only where the very connection comes from that proxy. uvicorn's
own middleware hides that when it puts the visitor's address in place of the proxy's.
"""

import logging
from collections.abc import Sequence
from functools import cache
from ipaddress import ip_address

from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send

from agent.core.sign_in import Network
from agent.core.visitor import Person, person_id

log = logging.getLogger(__name__)

# Different lines about proxies in the log: more nobody would read.
MAX_WARNINGS = 20


class NotePeer:
    """ASGI middleware around uvicorn's: keeps the address from which each connection comes."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a connection on, with its address in `scope["state"]["peer"]`."""
        if scope.get("client"):
            scope.setdefault("state", {})["peer"] = scope["client"][0]
        await self._app(scope, receive, send)


class ProxyHeader:
    """Reads the header of a proxy.

    Args:
        name: The header's name.
        trusted: The networks from which the proxy connects.
    """

    def __init__(self, name: str, trusted: Sequence[Network]) -> None:
        self._name, self._trusted = name, trusted

    async def person(self, connection: HTTPConnection) -> Person | None:
        """The person that the header names, if the proxy has sent it; None where there are two such
        headers, as the visitor may have added one of them."""
        values = connection.headers.getlist(self._name)
        if not (values and self._comes_from_proxy(connection)):
            return None
        if len(values) > 1:
            _warn(f"A request had two headers {self._name}. Have your proxy replace the visitor's.")
            return None
        name = values[0].strip()
        # IAP writes "accounts.google.com:ann@example.com".
        return Person(person_id(name), name.rpartition(":")[2] or name) if name else None

    def _comes_from_proxy(self, connection: HTTPConnection) -> bool:
        peer = getattr(connection.state, "peer", "")
        try:
            address = ip_address(peer)
        except ValueError:
            return False
        address = getattr(address, "ipv4_mapped", None) or address
        if any(address in network for network in self._trusted):
            return True
        _warn(
            f"{peer} has sent the header {self._name}, and is not believed: it is not in "
            "FORWARDED_ALLOW_IPS."
        )
        return False


@cache
def _log_once(sentence: str) -> None:
    log.warning(sentence)


def _warn(sentence: str) -> None:
    """Log a sentence once."""
    if _log_once.cache_info().currsize < MAX_WARNINGS:
        _log_once(sentence)

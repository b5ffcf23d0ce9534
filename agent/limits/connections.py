"""Limits on the server's connections: how many there are, how many of one address, and how long
each may take to send a whole request.

uvicorn waits for ever for the rest of a request. By itself it lets as many half-sent requests as a
process may open files (often 1,024) shut everybody out, and nothing in the log says why. Here a
request has its time, and an address its number of connections; where all are taken, the address
that has most gives one up.
"""

import asyncio
import logging
import time
from collections import defaultdict
from collections.abc import Collection
from contextlib import suppress
from typing import Any, TypeAlias

from agent.limits.client_address import network

log = logging.getLogger(__name__)

# Seconds in which a request must have come in whole. Chosen, not measured: what a phone on a slow
# line sends, 80 kB at the most, takes a few.
REQUEST_TIMEOUT = 30.0

# Seconds between two looks at how long connections have waited.
SWEEP_INTERVAL = 1.0

# Open files that visitors' connections leave free: for the AI service, the store and the agent.
RESERVED_FILES = 256

# Seconds before a line is logged again about the same address.
LOG_INTERVAL = 60.0

# A connection, as uvicorn's protocol has it: `transport`, `client` and `cycle`, its latest request.
Protocol: TypeAlias = Any


class Connections:
    """All connections of one server.

    Args:
        per_address: How many of one network address; 0 is any number.
        total: How many in all; 0 is any number.
        trusted: Addresses that may have any number, such as a proxy's on this machine.
    """

    def __init__(self, per_address: int, total: int, trusted: Collection[str] = ()) -> None:
        self._per_address, self._total, self._trusted = per_address, total, trusted
        # By address, the oldest first: since when each waits for a request, and after which one.
        self._open: dict[str, dict[Protocol, tuple[float, Any]]] = defaultdict(dict)
        self._timer: asyncio.TimerHandle | None = None
        self._logged: dict[str, float] = {}

    def add(self, protocol: Protocol) -> None:
        """Count a new connection; where there are too many, close one: it may be this one."""
        address = _address(protocol)
        self._open[address][protocol] = time.monotonic(), _cycle(protocol)
        most = 0 if address in self._trusted else self._per_address
        if most and len(self._open[address]) > most:
            self._log("has too many connections (ADDRESS_CONNECTIONS)", address)
            self._make_room(address, protocol)
        elif self._total and sum(map(len, self._open.values())) > self._total:
            largest = max(self._open, key=lambda holder: len(self._open[holder]))
            self._log("has most of all connections that there can be (`ulimit -n`)", largest)
            self._make_room(largest, protocol)
        self._timer = self._timer or asyncio.get_running_loop().call_later(
            SWEEP_INTERVAL, self._sweep
        )

    def remove(self, protocol: Protocol) -> None:
        """Stop counting a connection."""
        address = _address(protocol)
        self._open[address].pop(protocol, None)
        if not self._open[address]:
            del self._open[address]

    def _make_room(self, address: str, newcomer: Protocol) -> None:
        """Close the address's oldest connection that waits for a request. Where none waits, close
        the newcomer, if it is this address's; else the address's oldest connection."""
        own = self._open[address]
        waiting = (protocol for protocol in own if protocol is not newcomer and _waits(protocol))
        oldest = newcomer if newcomer in own else next(iter(own))
        self._close(next(waiting, oldest))

    def _sweep(self) -> None:
        """Close the connections that have waited for too long; then again after a while."""
        now = time.monotonic()
        for address, own in list(self._open.items()):
            late = []
            for protocol, (since, cycle) in list(own.items()):
                if not _waits(protocol) or _cycle(protocol) is not cycle:
                    own[protocol] = now, _cycle(protocol)
                elif now - since > REQUEST_TIMEOUT:
                    late.append(protocol)
            if late:
                self._log(f"has sent no whole request in {REQUEST_TIMEOUT:g} seconds", address)
            for protocol in late:
                self._close(protocol)
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(SWEEP_INTERVAL, self._sweep) if self._open else None

    def _close(self, protocol: Protocol) -> None:
        self.remove(protocol)
        with suppress(AttributeError):
            protocol.transport.abort()

    def _log(self, what: str, address: str) -> None:
        now = time.monotonic()
        self._logged = {key: at for key, at in self._logged.items() if now - at < LOG_INTERVAL}
        if (key := f"{address} {what}") not in self._logged and len(self._logged) < 20:
            self._logged[key] = now
            log.warning("%s %s: connections of it are closed.", address, what)


def counted(protocol_class: type, connections: Connections) -> type:
    """A subclass of uvicorn's protocol that has these `connections` count it."""

    class CountedProtocol(protocol_class):  # type: ignore[misc]
        def connection_made(self, transport: asyncio.Transport) -> None:
            super().connection_made(transport)
            connections.add(self)

        def connection_lost(self, error: Exception | None) -> None:
            connections.remove(self)
            super().connection_lost(error)

        def handle_websocket_upgrade(self, event: Any) -> None:
            # uvicorn hands the connection to another protocol: this one does not see its end.
            connections.remove(self)
            super().handle_websocket_upgrade(event)

    return CountedProtocol


def most_files() -> int:
    """How many connections this process can hold, by its limit of open files; 0 if not known."""
    try:
        import resource  # Not on Windows.
    except ImportError:
        return 0
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return max(RESERVED_FILES, files - RESERVED_FILES) if files > 0 else 0


def _address(protocol: Protocol) -> str:
    client = getattr(protocol, "client", None)
    return network(client[0]) if client else ""


def _cycle(protocol: Protocol) -> Any:
    return getattr(protocol, "cycle", None)


def _waits(protocol: Protocol) -> bool:
    """Whether it is the client's turn: to send a request, or the rest of one."""
    if not hasattr(protocol, "cycle"):  # This release of uvicorn does not tell.
        return False
    cycle = protocol.cycle
    return cycle is None or bool(cycle.response_complete or cycle.more_body)

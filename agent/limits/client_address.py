"""From which address a request comes, for the limits that count by it."""

import os
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from starlette.requests import HTTPConnection

INTERNAL = [
    ip_network(network)
    for network in (
        *("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"),
        *("100.64.0.0/10", "169.254.0.0/16", "fe80::/10", "127.0.0.0/8", "::1/128"),
    )
]
"""Networks of proxies among themselves, never a visitor's on the internet."""


def client_address(connection: HTTPConnection) -> str:
    """The client's address; for IPv6 its /64, which is what one household gets.

    On a Space, whose ID Hugging Face sets, every connection comes from its proxy, which appends
    the visitor's address to `X-Forwarded-For`, and may append some of its own network. What stands
    before the last one that is not internal is the visitor's own say.
    Elsewhere the header is anybody's say, unless uvicorn is told to trust a proxy
    (`FORWARDED_ALLOW_IPS`) and so has put its word into `connection.client` already.
    """
    host = connection.client.host if connection.client else ""
    if "SPACE_ID" in os.environ:
        told = ",".join(connection.headers.getlist("x-forwarded-for")).split(",")
        latest = [_read(word) for word in reversed(told)]
        visitors = (ip for ip in latest if ip is None or not _is_internal(ip))
        host = str(next(visitors, latest[0]) or host)
    return _grouped(host)


def _is_internal(address: IPv4Address | IPv6Address) -> bool:
    return any(address in network for network in INTERNAL)


def _grouped(host: str) -> str:
    address = _read(host)
    if isinstance(address, IPv6Address):
        return str(ip_network((address, 64), strict=False))
    return str(address or host)


def _read(host: str) -> IPv4Address | IPv6Address | None:
    """The address that this says, an IPv4 one in IPv6's clothes too; None if it says none."""
    try:
        address = ip_address(host.strip())
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address

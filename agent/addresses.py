"""From which address a request comes, for the limits that count by it."""

import os
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from starlette.requests import HTTPConnection


def address_of(connection: HTTPConnection) -> str:
    """The client's address; for IPv6 its /64, which is what one household gets.

    On a Space, whose ID Hugging Face sets, every connection comes from its proxy, which appends
    the visitor's address to `X-Forwarded-For`, and may append some of its own network. What stands
    before the last public one is the visitor's own say.
    Elsewhere the header is anybody's say, unless uvicorn is told to trust a proxy
    (`FORWARDED_ALLOW_IPS`) and so has put its word into `connection.client` already.
    """
    host = connection.client.host if connection.client else ""
    if "SPACE_ID" in os.environ:
        told = ",".join(connection.headers.getlist("x-forwarded-for")).split(",")
        foreign = (ip for ip in map(_read, reversed(told)) if ip is None or ip.is_global)
        host = str(next(foreign, None) or host)
    return _grouped(host)


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

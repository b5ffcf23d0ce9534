"""From which address a request comes, for the limits that count by it."""

import os
from ipaddress import IPv6Address, ip_address, ip_network

from starlette.requests import HTTPConnection


def address_of(connection: HTTPConnection) -> str:
    """The client's address; for IPv6 its /64, which is what one household gets.

    On a Space, whose ID Hugging Face sets, every connection comes from its proxy, which appends
    the visitor's address to `X-Forwarded-For`. What stands before that is the visitor's own say.
    Elsewhere the header is anybody's say, unless uvicorn is told to trust a proxy
    (`FORWARDED_ALLOW_IPS`) and so has put its word into `connection.client` already.
    """
    host = connection.client.host if connection.client else ""
    if "SPACE_ID" in os.environ:
        *_, host = ",".join(connection.headers.getlist("x-forwarded-for") or [host]).split(",")
    return _grouped(host.strip())


def _grouped(host: str) -> str:
    try:
        address = ip_address(host)
    except ValueError:
        return host
    if not isinstance(address, IPv6Address):
        return str(address)
    return str(address.ipv4_mapped or ip_network((address, 64), strict=False))

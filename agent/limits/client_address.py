"""The network address that a request comes from, for the limits that count by it."""

import os
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from starlette.requests import HTTPConnection

# Networks that are not on the internet: proxies use them among themselves, and no visitor has an
# address in them.
INTERNAL_NETWORKS = [
    ip_network(network)
    for network in (
        *("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"),
        *("100.64.0.0/10", "169.254.0.0/16", "fe80::/10", "127.0.0.0/8", "::1/128"),
    )
]


def client_address(connection: HTTPConnection) -> str:
    """The client's address; for IPv6 its /64 network, which is what one household gets.

    On a Space, whose ID Hugging Face sets, every connection comes from its proxy, which appends
    the visitor's address to `X-Forwarded-For`, and may append some of its own network. So it is the
    last one that is not internal; what stands before it, the visitor may have made up.
    Elsewhere anybody may send that header. Where uvicorn is told to trust a proxy
    (`FORWARDED_ALLOW_IPS`), `connection.client` is already what that says.
    """
    host = connection.client.host if connection.client else ""
    if "SPACE_ID" in os.environ:
        forwarded = ",".join(connection.headers.getlist("x-forwarded-for")).split(",")
        latest_first = [_parse(entry) for entry in reversed(forwarded)]
        external = (
            address
            for address in latest_first
            if address is None or not any(address in network for network in INTERNAL_NETWORKS)
        )
        host = str(next(external, latest_first[0]) or host)
    return network(host)


def network(host: str) -> str:
    """The unit that the limits count by: an IPv4 address, or the /64 network of an IPv6 address."""
    address = _parse(host)
    if isinstance(address, IPv6Address):
        return str(ip_network((address, 64), strict=False))
    return str(address or host)


def _parse(text: str) -> IPv4Address | IPv6Address | None:
    """The address, as IPv4 also where that is written as IPv6 ("::ffff:…"); None if it is none."""
    try:
        address = ip_address(text.strip())
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address

"""How visitors sign in, as the host sets it (`SIGN_IN`)."""

import re
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Literal, NamedTuple

HOW = "it should be `huggingface`, `huggingface required`, or `header NAME`"

# Without which nobody but the proxy could be kept from sending its header.
NO_PROXY = (
    "SIGN_IN=header needs FORWARDED_ALLOW_IPS with the address or network of your proxy, such as "
    "10.0.0.7 or 10.0.0.0/24, because everybody else could send that header, too."
)

FORGEABLE = (
    "SIGN_IN=header does not go with {what}, through which everybody could send that header."
)

Network = IPv4Network | IPv6Network


class SignIn(NamedTuple):
    """By what visitors sign in: "" where the page does not ask who they are, "gradio" by what is
    handed to `launch` (`auth=`, `auth_dependency=`)."""

    by: Literal["", "gradio", "huggingface", "header"] = ""
    is_required: bool = False
    # The name of the proxy's header.
    header: str = ""


def parse_sign_in(text: str) -> SignIn:
    """What the setting says.

    Raises:
        ValueError: for anything else than what `HOW` names.
    """
    match text.split():
        case []:
            return SignIn()
        case ["huggingface"]:
            return SignIn("huggingface")
        case ["huggingface", "required"]:
            return SignIn("huggingface", is_required=True)
        case ["header", name] if re.fullmatch(r"[A-Za-z0-9-]+", name):
            return SignIn("header", is_required=True, header=name.lower())
    raise ValueError(HOW)


def trusted_networks(addresses: str) -> list[Network]:
    """The proxies that are named by `FORWARDED_ALLOW_IPS`.

    Raises:
        ValueError: where it names none, or everybody; with a sentence for the host.
    """
    written = [address.strip() for address in addresses.split(",") if address.strip()]
    try:
        networks = [ip_network(address, strict=False) for address in written]
    except ValueError:
        raise ValueError(NO_PROXY) from None
    if not networks or any(network.prefixlen == 0 for network in networks):
        raise ValueError(NO_PROXY)
    return networks

"""Who can reach the page that is launched with these options, and under which names."""

import os
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from starlette.types import Scope

from agent.api.origins import host_name, is_local
from agent.page.gradio_internals import attribute_of_page, shares_by_itself


def is_loopback(options: Mapping[str, Any]) -> bool:
    """Whether only this machine itself can reach the page that is launched with these options."""
    name = options.get("server_name") or os.environ.get("GRADIO_SERVER_NAME") or "127.0.0.1"
    return "SPACE_ID" not in os.environ and is_local(str(name).strip("[]"))


def is_for_host(options: Mapping[str, Any]) -> bool:
    """Whether nobody but who sits at this machine opens the page that is launched so."""
    shares = options.get("share"), os.environ.get("GRADIO_SHARE", "").lower() == "true"
    return is_loopback(options) and not (behind_proxy(options) or any(shares) or shares_by_itself())


def behind_proxy(options: Mapping[str, Any]) -> bool:
    """Whether the host has named a proxy, through which all connections come."""
    named_by_host = root_path(options) or os.environ.get("FORWARDED_ALLOW_IPS")
    return bool(named_by_host) or "SPACE_ID" in os.environ


def root_path(options: Mapping[str, Any]) -> str:
    """At which path or address of its own a proxy shows the page; "" if the host has not told."""
    return str(options.get("root_path") or os.environ.get("GRADIO_ROOT_PATH") or "")


def is_known(origins: Iterable[str]) -> Callable[[Scope, str], bool]:
    """Whether the page is to be found by a name: one of this machine's own, of the allowed origins,
    or of the link by which Gradio shares it."""
    names = {host_name(origin) for origin in origins} | {"0.0.0.0"}  # As some systems have it.

    def is_expected(scope: Scope, name: str) -> bool:
        shared = attribute_of_page(scope["app"], "share_url", None) or ""
        return is_local(name) or "*" in origins or name in {*names, host_name(shared)} - {""}

    return is_expected

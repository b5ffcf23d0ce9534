"""By what visitors sign in where the page is launched: what the host wants, and what is there."""

import logging
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

from starlette.middleware import Middleware
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from agent.api.proxy_header import ProxyHeader
from agent.api.security_headers import IsMatch
from agent.api.sign_in import (
    NOT_BY_PROXY,
    NOT_SIGNED_IN,
    FindPerson,
    Refuse,
    SignInCheck,
    offer_huggingface,
    refuse_plainly,
)
from agent.core.settings import Settings
from agent.core.sign_in import FORGEABLE, SignIn, parse_sign_in, trusted_networks
from agent.core.visitor import Person, person_id
from agent.page.gradio_internals import shares_by_itself
from agent.page.gradio_sign_in import (
    current_user,
    huggingface_profile,
    keep_profile_alone,
)
from agent.page.routes import ROUTES

log = logging.getLogger(__name__)

# What Hugging Face sets on a Space with `hf_oauth: true` (huggingface.co/docs/hub/spaces-oauth).
OAUTH = "OAUTH_CLIENT_ID", "OAUTH_CLIENT_SECRET", "OAUTH_SCOPES", "OPENID_PROVIDER_URL"

# Paths that are open to who has not signed in, where visitors sign in: what the form is made of,
# what says that the app is alive, and what Gradio itself asks for at the start.
PUBLIC = (
    *(path for feature in ("pictures", "sign-in", "huggingface") for path in ROUTES[feature]),
    *("/favicon.ico", "/look/{agent}/{part}", "/embed.js"),
    *("/healthz", "/readyz", "/gradio_api/app_id", "/gradio_api/startup-events"),
    *("/host", "/host/{path:path}", "/metrics"),  # Which ask for a secret of their own.
)

# Paths of the page that are open to who has not signed in, where it has no form of Gradio's.
PUBLIC_PARTS = tuple(path for path in ROUTES["page"] if path not in ("/", "/config"))

TWO_WAYS = "SIGN_IN={name} does not go with auth= or auth_dependency=: leave one of them out."


class SignInFault(ValueError):
    """The host wants visitors to sign in in a way that is not there, or not safe; in a sentence."""


def sign_in_here(
    settings: Settings, options: Mapping[str, Any], environment: Mapping[str, str], is_local: bool
) -> SignIn:
    """How visitors sign in at the page that is launched so.

    Args:
        settings: What the host wants.
        options: Of `Blocks.launch`.
        environment: The variables.
        is_local: Whether only this machine can open the page.

    Raises:
        SignInFault: where nobody could sign in, or everybody could as somebody else.
    """
    wanted = parse_sign_in(settings.sign_in or "")
    if options.get("auth") or options.get("auth_dependency"):
        if wanted.by:
            raise SignInFault(TWO_WAYS.format(name=wanted.by))
        return SignIn("gradio", is_required=True)
    if wanted.by == "header":
        _check_proxy(options, environment)
    if wanted.by == "huggingface" and (missing := _missing(environment)):
        if wanted.is_required and not is_local:
            raise SignInFault(f"Nobody could sign in with Hugging Face. {missing}")
        log.warning("Visitors do not sign in with Hugging Face. %s", missing)
        return SignIn()
    return wanted


def _check_proxy(options: Mapping[str, Any], environment: Mapping[str, str]) -> None:
    """Raise SignInFault where others than the proxy could send its header."""
    is_shared = environment.get("GRADIO_SHARE", "").lower() == "true"
    if "SPACE_ID" in environment:
        raise SignInFault(FORGEABLE.format(what="a Space's own proxy"))
    if options.get("share") or is_shared or shares_by_itself():
        raise SignInFault(FORGEABLE.format(what="Gradio's share link"))
    try:
        trusted_networks(environment.get("FORWARDED_ALLOW_IPS", ""))
    except ValueError as error:
        raise SignInFault(str(error)) from None


def _missing(environment: Mapping[str, str]) -> str:
    """What keeps visitors from signing in with Hugging Face, and the cure; "" for nothing."""
    if environment.get("SYSTEM") != "spaces" or not environment.get("SPACE_ID"):
        return "SIGN_IN=huggingface works on a Space alone."
    if not all(environment.get(name) for name in OAUTH):
        return "Add the line `hf_oauth: true` between the two `---` of the Space's README.md."
    if not (find_spec("authlib") and find_spec("itsdangerous")):
        return 'It needs `pip install "gradio[oauth]"`, which a Space does by itself.'
    return ""


@dataclass(frozen=True)
class _Way:
    """What a way of signing in is made of."""

    find_person: FindPerson
    refuse: Refuse


def public_paths(sign_in: SignIn) -> list[str]:
    """Those that are open to who has not signed in: the page, too, where Gradio's form is on it."""
    return [*PUBLIC, *(ROUTES["page"] if sign_in.by in ("", "gradio") else PUBLIC_PARTS)]


def sign_in_middleware(sign_in: SignIn, settings: Settings, is_public: IsMatch) -> list[Middleware]:
    """What finds out who asks, and refuses others where it is wanted."""
    way = _WAYS[sign_in.by](sign_in)

    check = Middleware(
        SignInCheck,
        find_person=way.find_person,
        is_required=sign_in.is_required,
        is_public=is_public,
        refuse=way.refuse,
        token=settings.api_token,
    )
    return [Middleware(ProfileAlone), check] if sign_in.by == "huggingface" else [check]


async def _nobody(_: HTTPConnection) -> None:
    """Where visitors do not sign in."""


async def _by_gradio(connection: HTTPConnection) -> Person | None:
    """Whom Gradio's form has let in, or a function of the host's."""
    user = await current_user(connection)
    return Person(person_id(str(user)), str(user)) if user else None


async def _by_huggingface(connection: HTTPConnection) -> Person | None:
    """Whom Hugging Face has told of. A name may be another person's later, `sub` is for good."""
    profile = huggingface_profile(connection.scope)
    name, subject = profile.get("preferred_username"), profile.get("sub")
    return Person(person_id(f"{name}+{subject}"), str(name)) if name and subject else None


def _header(sign_in: SignIn) -> _Way:
    trusted = trusted_networks(os.environ.get("FORWARDED_ALLOW_IPS", ""))
    return _Way(ProxyHeader(sign_in.header, trusted).person, refuse_plainly(NOT_BY_PROXY))


_WAYS: dict[str, Callable[[SignIn], _Way]] = {
    "": lambda _: _Way(_nobody, refuse_plainly(NOT_SIGNED_IN)),
    "gradio": lambda _: _Way(_by_gradio, refuse_plainly(NOT_SIGNED_IN)),
    "huggingface": lambda _: _Way(_by_huggingface, offer_huggingface),
    "header": _header,
}


class ProfileAlone:
    """ASGI middleware inside the one that keeps a session in a cookie: no token of a person's goes
    into that."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass it on; look at the session when the answer begins."""

        async def send_without_tokens(message: Message) -> None:
            if message["type"] == "http.response.start":
                keep_profile_alone(scope)
            await send(message)

        await self._app(scope, receive, send_without_tokens)

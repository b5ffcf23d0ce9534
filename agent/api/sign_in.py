"""Who asks: found out for page and APIs alike, in one place. Where the host has visitors sign in,
nobody else is answered.

Gradio asks who somebody is at its own routes; not at those beside them, nor at MCP's.
"""

import html
import secrets
from collections.abc import Awaitable, Callable
from pathlib import Path
from string import Template
from typing import TypeAlias
from urllib.parse import urlencode

from pydantic import SecretStr
from starlette.datastructures import Headers
from starlette.requests import HTTPConnection, Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from agent.api.security_headers import IsMatch
from agent.core.language import N_, _, direction, language
from agent.core.visitor import Person

NOT_SIGNED_IN = N_(
    "This page is for those who sign in. Please open its start page, and sign in there."
)

NOT_BY_PROXY = N_(
    "This page is for those who come through its host's sign-in. Please use the address that the "
    "host has given you."
)

# What is said where one can sign in with Hugging Face, by the names of the places there.
PAGE = Path(__file__).with_name("sign_in.html")
WORDS = {
    "title": N_("Sign in"),
    "why": N_(
        "This page is for those who sign in. Your chats are then on your other devices, too."
    ),
    "link": N_("Sign in with Hugging Face"),
}

FindPerson: TypeAlias = Callable[[HTTPConnection], Awaitable[Person | None]]

# Answers a request of who has not signed in.
Refuse: TypeAlias = Callable[[Scope], Response]


class SignInCheck:
    """ASGI middleware that finds out who asks (`person_of` tells it), and refuses whoever has not
    signed in, where that is asked for.

    Args:
        app: What takes the requests that are let through.
        find_person: Who has signed in, if anybody has.
        is_required: Whether nobody else is answered.
        is_public: Whether a request may pass all the same; who asks is not looked for then.
        refuse: What answers who has not signed in.
        token: The host's, by which programs may pass, which are nobody in person.
    """

    def __init__(
        self,
        app: ASGIApp,
        find_person: FindPerson,
        is_required: bool,
        is_public: IsMatch,
        refuse: Refuse,
        token: SecretStr | None,
    ) -> None:
        self._app, self._is_required, self._is_public = app, is_required, is_public
        self._find_person, self._refuse = find_person, refuse
        self._expected = f"Bearer {token.get_secret_value()}".encode() if token else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or answer it by 401."""
        app = self._app
        is_public = scope["type"] == "lifespan" or self._is_public(scope)
        if not (is_public or self._has_token(scope)):
            is_socket = scope["type"] == "websocket"
            connection = HTTPConnection(scope) if is_socket else Request(scope)
            person = await self._find_person(connection)
            scope.setdefault("state", {})["person"] = person
            if person is None and self._is_required:
                app = self._refuse(scope)
        await app(scope, receive, send)

    def _has_token(self, scope: Scope) -> bool:
        given = Headers(scope=scope).get("authorization", "").encode()
        return bool(self._expected) and secrets.compare_digest(given, self._expected or b"")


def refuse_plainly(sentence: str) -> Refuse:
    """Refuse by a sentence."""

    def refuse(scope: Scope) -> Response:
        headers, told = {"WWW-Authenticate": "Bearer"}, _(sentence)
        if _is_for_reader(scope):
            return PlainTextResponse(told, 401, headers)
        return JSONResponse({"detail": told}, 401, headers)

    return refuse


def offer_huggingface(scope: Scope) -> Response:
    """Refuse a program by a sentence; whoever opens a page can sign in on one of ours, which leads
    back to what was opened."""
    if not (_is_for_reader(scope) and scope.get("method") in ("GET", "HEAD")):
        return refuse_plainly(NOT_SIGNED_IN)(scope)
    path, query = scope["path"], scope["query_string"].decode("latin-1")
    back = {"_target_url": f"{path}?{query}" if query else path}
    said = {name: _(words) for name, words in WORDS.items()}
    said |= {"language": language(), "direction": direction()}
    said |= {"address": f"/login/huggingface?{urlencode(back)}"}
    template = Template(PAGE.read_text(encoding="utf-8"))
    page = template.substitute({name: html.escape(words) for name, words in said.items()})
    # As Gradio's own form it is what the page begins with, and no failure of that.
    return HTMLResponse(page, 200 if path == "/" else 401, {"Cache-Control": "no-store"})


def _is_for_reader(scope: Scope) -> bool:
    return "text/html" in Headers(scope=scope).get("accept", "")

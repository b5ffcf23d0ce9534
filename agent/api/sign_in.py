"""The person who sends a request, found in one place for page and APIs alike. Where the host has
visitors sign in, nobody else is answered.

Gradio looks for the person at its own routes alone; not at those beside them, nor at MCP's.
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

# The page where one can sign in with Hugging Face, and its words by the names of their places.
SIGN_IN_PAGE = Path(__file__).with_name("sign_in.html")
SIGN_IN_WORDS = {
    "title": N_("Sign in"),
    "why": N_(
        "This page is for those who sign in. Your chats are then on your other devices, too."
    ),
    "link": N_("Sign in with Hugging Face"),
}

FindPerson: TypeAlias = Callable[[HTTPConnection], Awaitable[Person | None]]

# Makes the response to a request of somebody who has not signed in.
Refuse: TypeAlias = Callable[[Scope], Response]


class SignInCheck:
    """ASGI middleware that finds the person who sends a request (for `person_of`), and refuses
    requests of nobody where signing in is required.

    Args:
        app: What takes the requests that are let through.
        find_person: Finds who has signed in; None for nobody.
        is_required: Whether only people who have signed in are answered.
        is_public: Whether a request may pass all the same; no person is looked for then.
        refuse: Makes the response to somebody who has not signed in.
        token: The host's. Programs that send it may pass, as no person.
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
        """Let a request through, or refuse it."""
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
    """A refusal by status 401 and a sentence."""

    def refuse(scope: Scope) -> Response:
        headers, detail = {"WWW-Authenticate": "Bearer"}, _(sentence)
        if _is_for_reader(scope):
            return PlainTextResponse(detail, 401, headers)
        return JSONResponse({"detail": detail}, 401, headers)

    return refuse


def offer_huggingface(scope: Scope) -> Response:
    """Refuse a program by a sentence. A reader who opens a page gets one to sign in on, which leads
    back to the opened page."""
    if not (_is_for_reader(scope) and scope.get("method") in ("GET", "HEAD")):
        return refuse_plainly(NOT_SIGNED_IN)(scope)
    path, query = scope["path"], scope["query_string"].decode("latin-1")
    back = {"_target_url": f"{path}?{query}" if query else path}
    values = {name: _(words) for name, words in SIGN_IN_WORDS.items()}
    values |= {"language": language(), "direction": direction()}
    values |= {"address": f"/login/huggingface?{urlencode(back)}"}
    template = Template(SIGN_IN_PAGE.read_text(encoding="utf-8"))
    page = template.substitute({name: html.escape(value) for name, value in values.items()})
    # At "/" status 200, as Gradio's own form has: there it is the page's beginning, not a failure.
    return HTMLResponse(page, 200 if path == "/" else 401, {"Cache-Control": "no-store"})


def _is_for_reader(scope: Scope) -> bool:
    return "text/html" in Headers(scope=scope).get("accept", "")

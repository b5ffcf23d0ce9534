"""Where the host has visitors sign in, the APIs answer nobody else either.

Gradio asks who somebody is at its own routes; not at those beside them, nor at MCP's.
"""

import secrets
from collections.abc import Awaitable, Callable
from typing import TypeAlias

from pydantic import SecretStr
from starlette.datastructures import Headers
from starlette.requests import HTTPConnection, Request
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from agent.api.security_headers import IsMatch
from agent.core.language import N_, _

NOT_SIGNED_IN = N_(
    "This page is for those who sign in. Please open its start page, and sign in there."
)

CurrentUser: TypeAlias = Callable[[HTTPConnection], Awaitable[object]]


class SignInRequired:
    """ASGI middleware that refuses whoever has not signed in, where that is asked for.

    Args:
        app: What takes the requests that are let through.
        is_asked_for: Whether one must sign in where this request is for.
        is_public: Whether it may pass all the same.
        current_user: Who has signed in, if anybody has.
        token: The host's, by which programs may pass.
    """

    def __init__(
        self,
        app: ASGIApp,
        is_asked_for: IsMatch,
        is_public: IsMatch,
        current_user: CurrentUser,
        token: SecretStr | None,
    ) -> None:
        self._app, self._is_asked_for, self._is_public = app, is_asked_for, is_public
        self._current_user = current_user
        self._expected = f"Bearer {token.get_secret_value()}".encode() if token else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or answer it by 401."""
        if scope["type"] == "lifespan" or await self._may_pass(scope):
            await self._app(scope, receive, send)
            return
        is_browser = "text/html" in Headers(scope=scope).get("accept", "")
        headers, told = {"WWW-Authenticate": "Bearer"}, _(NOT_SIGNED_IN)
        refusal = (
            PlainTextResponse(told, 401, headers)
            if is_browser
            else JSONResponse({"detail": told}, 401, headers)
        )
        await refusal(scope, receive, send)

    async def _may_pass(self, scope: Scope) -> bool:
        if not self._is_asked_for(scope) or self._is_public(scope):
            return True
        given = Headers(scope=scope).get("authorization", "").encode()
        if self._expected and secrets.compare_digest(given, self._expected):
            return True
        is_socket = scope["type"] == "websocket"
        connection = HTTPConnection(scope) if is_socket else Request(scope)
        return bool(await self._current_user(connection))

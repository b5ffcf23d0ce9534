"""Errors in OpenAI's form, which its clients show to their users."""

import json
from contextlib import suppress
from typing import Any

from fastapi import Response
from fastapi.responses import JSONResponse
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from agent.api.errors import PlainErrorRoute
from agent.api.path_prefix import own_path

# The codes of errors that have no other, by their HTTP status.
ERROR_CODES = {401: "invalid_api_key", 429: "rate_limit_exceeded"}

ERROR_TYPES = {429: "rate_limit_error"}


class ApiError(HTTPException):
    """An error with a code of OpenAI's.

    Args:
        status: The HTTP status.
        sentence: What is wrong.
        code: OpenAI's word for it, if there is one.
        wait: Seconds until it is worth while to ask again.
    """

    def __init__(
        self, status: int, sentence: str, code: str | None = None, wait: int | None = None
    ) -> None:
        super().__init__(status, sentence, {"Retry-After": str(wait)} if wait else None)
        self.code = code

    @property
    def body(self) -> dict[str, Any]:
        """The error as JSON."""
        kind = ERROR_TYPES.get(self.status_code) or (
            "api_error" if self.status_code >= 500 else "invalid_request_error"
        )
        code = self.code or ERROR_CODES.get(self.status_code)
        return {"error": {"message": self.detail, "type": kind, "param": None, "code": code}}


class OpenAIRoute(PlainErrorRoute):
    """A route whose errors have OpenAI's form."""

    def error_response(self, error: HTTPException) -> Response:
        """The error, with the `openai` client's own header for "do not retry": it would otherwise
        ask for each failing turn three times."""
        status = 400 if error.status_code == 422 else error.status_code
        api_error = error if isinstance(error, ApiError) else ApiError(status, error.detail)
        headers = {"x-should-retry": "false", **(error.headers or {})}
        return JSONResponse(api_error.body, status, headers=headers)


class OpenAIErrors:
    """ASGI middleware that gives errors from before the routes OpenAI's form: that of a body that
    is too large, say.

    Args:
        app: What takes the requests.
        path: The beginning of the paths whose errors it changes.
    """

    def __init__(self, app: ASGIApp, path: str = "/v1/") -> None:
        self._app, self._path = app, path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and change the response if it is an error in another form."""
        is_api = scope["type"] == "http" and own_path(scope).startswith(self._path)
        await self._app(scope, receive, ErrorResponse(send).send if is_api else send)


class ErrorResponse:
    """A response, which is held back until it is whole if it is an error."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._start: Message | None = None
        self._body = b""

    async def send(self, message: Message) -> None:
        """Send one message on, or the whole response with the last of them."""
        if message["type"] == "http.response.start" and message["status"] >= 400:
            self._start = message
        elif self._start is None:
            await self._send(message)
        else:
            self._body += message.get("body", b"")
            if not message.get("more_body"):
                await self._send_whole(self._start)

    async def _send_whole(self, start: Message) -> None:
        body = in_openais_form(start["status"], self._body)
        headers = MutableHeaders(scope=start)
        headers["content-type"], headers["content-length"] = "application/json", str(len(body))
        await self._send(start)
        await self._send({"type": "http.response.body", "body": body})


def in_openais_form(status: int, body: bytes) -> bytes:
    """An error's body in OpenAI's form, made from FastAPI's form, or from plain text."""
    sentence = body.decode(errors="replace").strip()
    with suppress(ValueError):
        parsed = json.loads(body)
        if isinstance(parsed, dict) and isinstance(parsed.get("error"), dict):
            return body
        if isinstance(parsed, dict):
            sentence = str(parsed.get("detail", sentence))
    return json.dumps(ApiError(status, sentence).body).encode()

"""Errors in OpenAI's form, which its clients show to their users."""

from typing import Any

from fastapi import Response
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from agent.api.errors import PlainErrorRoute

# What a client may know an error by, where nothing else is said.
CODES = {401: "invalid_api_key", 429: "rate_limit_exceeded"}

TYPES = {429: "rate_limit_error"}


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
        kind = TYPES.get(self.status_code) or (
            "api_error" if self.status_code >= 500 else "invalid_request_error"
        )
        code = self.code or CODES.get(self.status_code)
        return {"error": {"message": self.detail, "type": kind, "param": None, "code": code}}


class OpenAIRoute(PlainErrorRoute):
    """A route whose errors have OpenAI's form."""

    def error_response(self, error: HTTPException) -> Response:
        """The error, with the `openai` client's own header for "do not retry": it would otherwise
        ask for each failing turn three times."""
        status = 400 if error.status_code == 422 else error.status_code
        given = error if isinstance(error, ApiError) else ApiError(status, error.detail)
        headers = {"x-should-retry": "false", **(error.headers or {})}
        return JSONResponse(given.body, status, headers=headers)

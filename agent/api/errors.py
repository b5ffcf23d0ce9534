"""How a request is refused: with a status and one plain sentence."""

import re
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

from agent.chat.turn import Turn
from agent.limits.rate_limits import LimitExceeded
from agent.stores.fallback import StoreUnavailable

# The codes of notices that say why nobody at all is answered.
CLOSED_CODES = ("closing", "being_mended")

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class PlainErrorRoute(APIRoute):
    """A route whose errors are `{"detail": "a sentence"}`.

    FastAPI's own response to an invalid body quotes that body, and fails itself when there is a
    lone surrogate in it (fastapi/exception_handlers.py).
    """

    def get_route_handler(self) -> Handler:
        """FastAPI's handler, with its exceptions made into responses."""
        handle = super().get_route_handler()

        async def handle_plainly(request: Request) -> Response:
            try:
                return await handle(request)
            except HTTPException as error:
                return self.error_response(error)
            except RequestValidationError as error:
                return self.error_response(HTTPException(422, _sentence(error)))
            except LimitExceeded as error:
                return self.error_response(limit_error(error))
            except StoreUnavailable as error:
                return self.error_response(HTTPException(503, error.notice.text))

        return handle_plainly

    def error_response(self, error: HTTPException) -> Response:
        """The response that says what is wrong; one of status 204 has no body."""
        if error.status_code == 204:
            return Response(status_code=204)
        return JSONResponse({"detail": error.detail}, error.status_code, headers=error.headers)


def limit_error(error: LimitExceeded) -> HTTPException:
    """The HTTP error of a limit: 429; 503 where nobody is answered; 422 if waiting is no help."""
    headers = {"Retry-After": str(error.wait)} if error.wait else None
    status = 503 if error.notice.code in CLOSED_CODES else 429 if error.wait else 422
    return HTTPException(status, error.notice.text, headers)


async def check_admitted(turn: Turn, forget: Callable[[], None]) -> None:
    """Wait until the turn's run begins; call `forget` if a limit forbids it.

    Raises:
        HTTPException: for a turn over a limit, as `limit_error` says.
    """
    await turn.admitted.wait()
    if isinstance(error := turn.failure, LimitExceeded):
        forget()
        raise limit_error(error)


async def validation_error_handler(request: Request, error: Exception) -> Response:
    """An exception handler for Gradio's routes: it refuses an invalid body in one sentence, where
    FastAPI would send all of the body back."""
    assert isinstance(error, RequestValidationError)
    return JSONResponse({"detail": _sentence(error)}, 422)


def _sentence(error: RequestValidationError) -> str:
    """The first complaint in a sentence, with the name of the field that it is about."""
    first = error.errors()[0]
    steps = [str(step) for step in first["loc"][1:] if first["type"] != "json_invalid"]
    # A name of the client's own may hold anything.
    field = ".".join(step for step in steps if re.fullmatch(r"\w{1,64}", step, re.ASCII))
    return f"{field}: {first['msg']}." if field else f"The request cannot be read: {first['msg']}."

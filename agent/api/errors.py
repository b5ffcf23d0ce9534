"""How a door says no: with a status and one plain sentence."""

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

from agent.chat.turn import Turn
from agent.limits.rate_limits import LimitExceeded

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class PlainRoute(APIRoute):
    """A route that refuses in `{"detail": "a sentence"}`.

    FastAPI's own refusal of a wrong body quotes that body, and fails itself when there is half a
    character in it (fastapi/exception_handlers.py).
    """

    def get_route_handler(self) -> Handler:
        """FastAPI's handler, with its exceptions made into answers."""
        handle = super().get_route_handler()

        async def handled(request: Request) -> Response:
            try:
                return await handle(request)
            except RequestValidationError as error:
                return self.refusal(422, _sentence(error))
            except HTTPException as error:
                answer = self.refusal(error.status_code, error.detail)
                answer.headers.update(error.headers or {})
                return answer

        return handled

    def refusal(self, status: int, sentence: str) -> Response:
        """The answer that says no."""
        if status == 204:
            return Response(status_code=204)
        return JSONResponse({"detail": sentence}, status)


async def check_admitted(turn: Turn, forget: Callable[[], None]) -> None:
    """Wait until the turn's run begins; call `forget` if it may not.

    Raises:
        HTTPException: 429, or 422 where waiting does not help, for a turn over a limit.
    """
    await turn.admitted.wait()
    if isinstance(refused := turn.failure, LimitExceeded):
        forget()
        wait = {"Retry-After": str(refused.wait)} if refused.wait else {}
        raise HTTPException(429 if wait else 422, str(refused), wait)


async def unread(request: Request, error: Exception) -> Response:
    """The refusal of a body that a route cannot read, for routes that are not ours: the same
    sentence, where FastAPI would send all of the body back."""
    assert isinstance(error, RequestValidationError)
    return JSONResponse({"detail": _sentence(error)}, 422)


def _sentence(error: RequestValidationError) -> str:
    """The first complaint, with the name of what it is about."""
    first = error.errors()[0]
    name = ".".join(str(step) for step in first["loc"][1:] if first["type"] != "json_invalid")
    return f"{name}: {first['msg']}." if name else f"The request cannot be read: {first['msg']}."

"""A filter in front of routes that take any JSON: it cleans a body, or refuses it in a sentence.

One lone surrogate in an answer ends Gradio's stream without a word, or empties the page; and
FastAPI fails when it refuses a body with one, or with NaN, because it quotes what it refuses.
"""

import json
import re
from collections.abc import Callable
from typing import Any, NoReturn, TypeAlias

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from agent.core.text import clean

UNREADABLE = "The body of this request is not JSON that can be taken here."

# In JSON text, an escaped NUL; or an escaped backslash, which is matched to be stepped over: after
# it, `u0000` is text.
NUL = re.compile(r"(\\\\)|\\u0000")

# Levels of lists and objects; orjson, in which Gradio answers, fails at 254.
MAX_DEPTH = 100

IsUnwanted: TypeAlias = Callable[[dict[str, Any]], bool]


class BodyFilter:
    """ASGI middleware for the paths that contain `path`.

    Args:
        app: What takes the filtered requests.
        path: A part of the paths to filter, such as "/gradio_api/".
        is_unwanted: Whether a JSON object may not be sent there.
    """

    def __init__(self, app: ASGIApp, path: str, is_unwanted: IsUnwanted) -> None:
        self._app, self._path, self._is_unwanted = app, path, is_unwanted

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on with its body cleaned, or refuse it with status 400."""
        if scope["type"] != "http" or scope["method"] != "POST" or self._path not in scope["path"]:
            await self._app(scope, receive, send)
            return
        body = await Request(scope, receive).body()
        try:
            filtered = filter_body(body, self._is_unwanted)
        except (ValueError, RecursionError):
            await JSONResponse({"detail": UNREADABLE}, 400)(scope, receive, send)
        else:
            await self._app(scope, _receive_body(filtered, receive), send)


def filter_body(body: bytes, is_unwanted: IsUnwanted) -> bytes:
    """The same JSON without NULs and lone surrogates; an empty body stays empty.

    Raises:
        ValueError: It is not JSON, is nested too deep, or holds an unwanted object.
        RecursionError: It is nested so deep that it cannot even be parsed.
    """
    if not body:
        return body
    value = json.loads(body, parse_constant=_refuse_constant)
    _check(value, is_unwanted)
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return clean(NUL.sub(r"\1", text)).encode()


def _check(value: Any, is_unwanted: IsUnwanted) -> None:
    """Raise ValueError for what is too deep or unwanted; level by level, and so without recursion
    of its own."""
    level, depth = [value], 0
    while level:
        objects = [item for item in level if isinstance(item, dict)]
        lists = [item for item in level if isinstance(item, list)]
        if depth > MAX_DEPTH or any(map(is_unwanted, objects)):
            raise ValueError
        level = [child for item in objects for child in item.values()]
        level += [child for item in lists for child in item]
        depth += 1


def _refuse_constant(constant: str) -> NoReturn:
    """NaN and the infinities, which Python reads though they are not JSON."""
    raise ValueError(constant)


def _receive_body(body: bytes, receive: Receive) -> Receive:
    """An ASGI `receive` that brings this body first, and then what else comes."""
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive_body() -> Message:
        return messages.pop() if messages else await receive()

    return receive_body

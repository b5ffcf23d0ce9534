"""A sieve in front of routes that take their JSON as it comes: what falls through can be carried.

One lone surrogate in an answer ends Gradio's stream without a word, or empties the page; and
FastAPI fails when it refuses a body with one, or with NaN, because it quotes what it refuses.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NoReturn, TypeAlias

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from agent.core.text import clean

UNREADABLE = "The body of this request is not JSON that can be taken here."

NUL = re.compile(r"(\\\\)|\\u0000")
"""In JSON: the two backslashes that are one, to step over them, or a NUL."""

DEPTH = 100
"""Levels of lists and objects; orjson, in which Gradio answers, fails at 254."""

IsUnwanted: TypeAlias = Callable[[dict[str, Any]], bool]


class BodyFilter:
    """ASGI middleware for the paths that hold `path`; `is_unwanted` tells which objects of JSON
    nobody may send there."""

    def __init__(self, app: ASGIApp, path: str, is_unwanted: IsUnwanted) -> None:
        self._app, self._path, self._is_unwanted = app, path, is_unwanted

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through with its body clean, or refuse it in a sentence."""
        if scope["type"] != "http" or scope["method"] != "POST" or self._path not in scope["path"]:
            await self._app(scope, receive, send)
            return
        body = await Request(scope, receive).body()
        try:
            sifted = filter_body(body, self._is_unwanted)
        except (ValueError, RecursionError):
            await JSONResponse({"detail": UNREADABLE}, 400)(scope, receive, send)
        else:
            await self._app(scope, _with(sifted, receive), send)


def filter_body(body: bytes, is_unwanted: IsUnwanted) -> bytes:
    """The same JSON without NULs and halves of a character; an empty body stays empty.

    Raises:
        ValueError: It is no JSON, is deep, or holds what is unwanted.
        RecursionError: It is far too deep.
    """
    if not body:
        return body
    thing = json.loads(body, parse_constant=_refuse)
    for level, items in enumerate(_levels(thing)):
        if level > DEPTH or any(isinstance(item, dict) and is_unwanted(item) for item in items):
            raise ValueError
    text = json.dumps(thing, ensure_ascii=False, separators=(",", ":"))
    return clean(NUL.sub(r"\1", text)).encode()


def _levels(thing: Any) -> Iterator[list[Any]]:
    """What is at each depth."""
    items = [thing]
    while items:
        yield items
        items = [part for item in items for part in _parts(item)]


def _parts(item: Any) -> Iterable[Any]:
    match item:
        case dict():
            return item.values()
        case list():
            return item
    return ()


def _refuse(constant: str) -> NoReturn:
    """NaN and the infinities, which Python reads though they are no JSON."""
    raise ValueError(constant)


def _with(body: bytes, receive: Receive) -> Receive:
    """`receive`, after a message that brings this body."""
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive_again() -> Message:
        return messages.pop() if messages else await receive()

    return receive_again

"""A filter in front of routes that take any JSON: it cleans a body, or refuses it in a sentence.

A body is measured before it is parsed: 4 MB of brackets, parsed and passed on by Gradio, would hold
all other visitors up for seconds.

One lone surrogate in an answer ends Gradio's stream without a word, or empties the page; and
FastAPI fails when it refuses a body with one, or with NaN, because it quotes what it refuses.
"""

import json
import re
from collections.abc import Callable
from typing import Any, TypeAlias

from starlette.middleware.body_limit import RequestBodyLimitMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from agent.api.security_headers import IsMatch
from agent.core.text import clean, from_json

UNREADABLE = "The body of this request is not JSON that can be taken here."

# In JSON text, an escaped NUL; or an escaped backslash, which is matched to be stepped over: after
# it, `u0000` is text.
NUL = re.compile(r"(\\\\)|\\u0000")

# Levels of lists and objects; orjson, in which Gradio answers, fails at 254.
MAX_DEPTH = 100

# Values, keys included, in one body. A step of the page has some fifty, of Gradio's own page with a
# long chat on it some thousand. Gradio takes 0.1 s for 5,000. The longest conversation that a
# program sends to our own APIs has some thousand.
MAX_FILTERED_VALUES, MAX_VALUES = 3_000, 10_000

# What ends a value in JSON, or begins a list or an object.
VALUE_MARKS = (b",", b":", b"[", b"{")

# Characters of a name that Gradio goes by, such as a page's session hash, which has 36 at most.
MAX_GRADIO_NAME = 100

# The fields that hold such a name (`PredictBody`, gradio/data_classes.py).
NAME_FIELDS = ("session_hash", "event_id")

IsUnwanted: TypeAlias = Callable[[dict[str, Any]], bool]


class BodyLimit:
    """ASGI middleware that lets no body in that is larger than `limit_of` says, in bytes."""

    def __init__(self, app: ASGIApp, limit_of: Callable[[Scope], int]) -> None:
        self._app, self._limit_of = app, limit_of

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it with status 413 before the rest of it is read."""
        app = self._app
        if scope["type"] == "http":
            app = RequestBodyLimitMiddleware(app, self._limit_of(scope))
        await app(scope, receive, send)


class BodyFilter:
    """ASGI middleware that measures every body, and cleans it where the path contains `path`.

    Args:
        app: What takes the filtered requests.
        path: A part of the paths to filter, such as "/gradio_api/".
        is_unwanted: Whether a JSON object may not be sent there.
        is_file: Whether the body is a file, which is passed on unread.
    """

    def __init__(
        self, app: ASGIApp, path: str, is_unwanted: IsUnwanted, is_file: IsMatch = lambda _: False
    ) -> None:
        self._app, self._path, self._is_unwanted = app, path, is_unwanted
        self._is_file = is_file

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on with its body cleaned, or refuse it with status 400."""
        if scope["type"] != "http" or scope["method"] != "POST" or self._is_file(scope):
            await self._app(scope, receive, send)
            return
        try:
            body = await Request(scope, receive).body()
        except ClientDisconnect:
            return
        try:
            is_filtered = self._path in scope["path"]
            check_size(body, MAX_FILTERED_VALUES if is_filtered else MAX_VALUES)
            filtered = filter_body(body, self._is_unwanted) if is_filtered else body
        except ValueError:
            await JSONResponse({"detail": UNREADABLE}, 400)(scope, receive, send)
        else:
            await self._app(scope, _receive_body(filtered, receive), send)


def check_size(body: bytes, most: int) -> None:
    """Measure JSON without parsing it; what is no JSON passes, if it is small.

    Raises:
        ValueError: It has more than `most` values.
    """
    unescaped = body.replace(rb"\\", b"").replace(rb"\"", b"")
    if unescaped.count(b'"') > 2 * most:
        raise ValueError
    outside_texts = b"".join(unescaped.split(b'"')[::2])
    if sum(map(outside_texts.count, VALUE_MARKS)) > most:
        raise ValueError


def filter_body(body: bytes, is_unwanted: IsUnwanted) -> bytes:
    """A body of JSON without NULs and lone surrogates; an empty body stays empty.

    Raises:
        ValueError: It is not JSON, is nested too deep, holds an unwanted object, or a number or
            name that is too large.
    """
    if not body:
        return body
    value = from_json(body)
    if isinstance(value, dict) and any(
        len(str(value.get(name))) > MAX_GRADIO_NAME for name in NAME_FIELDS
    ):
        raise ValueError
    _check(value, is_unwanted)
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return clean(NUL.sub(r"\1", text)).encode()


def _check(value: Any, is_unwanted: IsUnwanted) -> None:
    """Check a value level by level, and so without recursion of its own.

    Raises:
        ValueError: It is nested too deep, or holds an unwanted object.
    """
    level, depth = [value], 0
    while level:
        objects = [item for item in level if isinstance(item, dict)]
        lists = [item for item in level if isinstance(item, list)]
        if depth > MAX_DEPTH or any(map(is_unwanted, objects)):
            raise ValueError
        level = [child for item in objects for child in item.values()]
        level += [child for item in lists for child in item]
        depth += 1


def _receive_body(body: bytes, receive: Receive) -> Receive:
    """An ASGI `receive` that brings this body first, and then the messages of the given one."""
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive_body() -> Message:
        return messages.pop() if messages else await receive()

    return receive_body

"""The rest of a request's body where the response comes before all of it was read.

A refusal does not wait for the body that it refuses. The server by itself would read on as long as
a client sends: gigabytes, for nothing.
"""

import asyncio
from contextlib import suppress

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

# Seconds for which the rest may still come: a client that reads only after it has sent all would
# lose the response with the connection.
LINGER = 2.0


class UnreadBody:
    """ASGI middleware that closes the connection of a request whose body is not read."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] != "http" or not has_body(Headers(scope=scope)):
            await self._app(scope, receive, send)
            return
        is_coming, is_unread = True, False

        async def receive_on() -> Message:
            nonlocal is_coming
            message = await receive()
            is_coming = bool(message.get("more_body"))
            return message

        async def send_on(message: Message) -> None:
            nonlocal is_unread
            if message["type"] == "http.response.start" and is_coming:
                is_unread = True
                MutableHeaders(scope=message)["Connection"] = "close"
            if is_unread and message["type"] == "http.response.body":
                is_last = not message.get("more_body")
                await send({**message, "more_body": True})
                if not is_last:
                    return
                with suppress(TimeoutError):
                    async with asyncio.timeout(LINGER):
                        while is_coming:
                            await receive_on()
                message = {"type": "http.response.body", "body": b""}
            await send(message)

        await self._app(scope, receive_on, send_on)


def has_body(headers: Headers) -> bool:
    """Whether a body follows these headers at once. With `Expect: 100-continue` a client first
    waits for an answer of the server's."""
    length = headers.get("content-length", "0")
    return "expect" not in headers and ("transfer-encoding" in headers or length != "0")

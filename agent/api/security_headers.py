"""A wall around the HTTP app: what browsers may do with its answers, and which paths are closed.

A model's text may hold any HTML, and Gradio renders what of it cannot run a script. The content
security policy keeps that from calling another origin, from sending a form, and from framing. What
is left to it are our own paths as the addresses of pictures and sounds: six of an endless stream
would take all the connections that a browser makes to one server, and the address of a question
would make the agent work.

And what fails behind the wall, in a route that is not this app's own, fails at a bad request: the
turns that such a route runs never raise. So it is refused in a sentence, instead of a 500.
"""

import logging
from collections.abc import Callable
from typing import TypeAlias

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

log = logging.getLogger(__name__)

IsMatch: TypeAlias = Callable[[Scope], bool]

WRONG = "This request cannot be answered: something in it is missing or wrong."

POLICY = {
    "default-src": "'self'",
    # Gradio's own page cannot do without these two (gradio/templates/frontend/index.html).
    "script-src": "'self' 'unsafe-inline' 'unsafe-eval'",
    "style-src": "'self' 'unsafe-inline'",
    "img-src": "'self' data: blob:",
    "font-src": "'self' data:",
    "media-src": "'self' data: blob:",
    "worker-src": "'self' blob:",
    "object-src": "'none'",
    "frame-src": "'none'",
    "form-action": "'none'",
    # Gradio sets a base of its own; another origin's would send every link there.
    "base-uri": "'self'",
    # A Space is shown in a frame of Hugging Face's.
    "frame-ancestors": "'self' https://huggingface.co https://*.hf.space",
}

HEADERS = {
    "Content-Security-Policy": "; ".join(f"{name} {sources}" for name, sources in POLICY.items()),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    # Over plain HTTP Chromium asks for the address of every link's host before it is clicked.
    "X-DNS-Prefetch-Control": "off",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}

EMBEDDED = {"image", "audio", "video", "track"}
"""What a browser fetches to show it inside a page, in the words of its `Sec-Fetch-Dest`. No
"iframe": a Space itself is one."""


TOO_LONG = "This message is too long to be sent. Shorten it, or send it in parts."


class TooLong(Exception):
    """The body was over the cap, which Starlette says in words that Gradio's page cannot read."""


class Failed(Exception):
    """A route that is not our own has answered 500."""


class SecurityHeaders:
    """ASGI middleware: what is not open is not there, and only what is embeddable can be embedded;
    both are told by a request's scope."""

    def __init__(self, app: ASGIApp, is_open: IsMatch, is_embeddable: IsMatch) -> None:
        self._app, self._is_open, self._is_embeddable = app, is_open, is_embeddable

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, unless its path is closed, and add headers to its answer."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        is_closed = self._is_closed(scope)
        app = PlainTextResponse("Not Found", 404) if is_closed else self._app
        answer = Answer(scope, send)
        try:
            await app(scope, receive, answer.send)
        except TooLong:
            await JSONResponse({"detail": TOO_LONG}, 413)(scope, receive, answer.pass_on)
        except Exception as error:
            await answer.end(error, receive)

    def _is_closed(self, scope: Scope) -> bool:
        if not self._is_open(scope):
            return True
        is_embedded = Headers(scope=scope).get("Sec-Fetch-Dest") in EMBEDDED
        return is_embedded and not self._is_embeddable(scope)


class Answer:
    """What is sent back, with headers; and how it ends where a route fails."""

    def __init__(self, scope: Scope, send: Send) -> None:
        self._scope, self._send = scope, send
        self._kind: str | None = None
        """Of an answer that has begun: its content type."""

    async def send(self, message: Message) -> None:
        """Send one message on.

        Raises:
            Failed: Instead of sending a 500 that is not our own.
            TooLong: Instead of sending a 413.
        """
        if message["type"] == "http.response.start":
            if message["status"] == 500 and not self._is_ours():
                raise Failed
            if message["status"] == 413:
                raise TooLong
        await self.pass_on(message)

    async def pass_on(self, message: Message) -> None:
        """Send one message on, whatever it is."""
        if message["type"] == "http.response.start":
            self._kind = Headers(raw=message["headers"]).get("content-type", "")
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers.setdefault(name, value)
        await self._send(message)

    async def end(self, error: Exception, receive: Receive) -> None:
        """Refuse the request, or end the stream of events that has begun, in which Gradio has told
        of the error; anything else fails as it would."""
        is_stream = (self._kind or "").startswith("text/event-stream")
        if self._is_ours() or (self._kind is not None and not is_stream):
            raise error
        _log(self._scope, error)
        if is_stream:
            await self._send({"type": "http.response.body"})
        else:
            await JSONResponse({"detail": WRONG}, 400)(self._scope, receive, self.send)

    def _is_ours(self) -> bool:
        """Whether a route of this app's own has answered, whose failures are what they are."""
        return str(getattr(self._scope.get("endpoint"), "__module__", "")).startswith("agent.")


def _log(scope: Scope, error: Exception) -> None:
    """One line of whatever was sent; its traceback for whoever looks for a fault of our own."""
    what = type(error).__name__, scope["method"], scope["path"][:200]
    log.warning("%s at %s %r", *what, exc_info=log.isEnabledFor(logging.DEBUG))

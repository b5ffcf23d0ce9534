"""What browsers may do with this app's responses, and which paths nobody may request.

A model's text may hold any HTML, and Gradio renders what of it cannot run a script. The content
security policy keeps that from calling another origin, from sending a form, and from framing. What
the policy allows are our own paths as the addresses of pictures and sounds: six of an endless
stream would take all the connections that a browser makes to one server, and the address of a
question would make the agent work. So only some paths can be embedded.

A route that is not this app's own and fails does so at a bad request: the turns that such a route
runs never raise. So its failure is a refusal in a sentence instead of a 500.
"""

import logging
import os
from collections.abc import Callable, Sequence
from typing import TypeAlias

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from agent.core.language import N_, _

log = logging.getLogger(__name__)

# A question of a middleware about a request, which it knows by its scope.
IsMatch: TypeAlias = Callable[[Scope], bool]

BAD_REQUEST = N_("This request cannot be answered: something in it is missing or wrong.")

TOO_LONG = N_("This is too long to be sent. Shorten it, or send it in parts.")

# The sites that show a Space in a frame. Every response names the sites that may show it, also one
# with a policy of its own.
HUGGING_FACE = "https://huggingface.co", "https://*.hf.space"

PAGE_POLICY = {
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
}

SECURITY_HEADERS = {
    "Content-Security-Policy": "; ".join(f"{name} {value}" for name, value in PAGE_POLICY.items()),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    # Over plain HTTP Chromium asks for the address of every link's host before it is clicked.
    "X-DNS-Prefetch-Control": "off",
    # For talks (talk_panel.js) and for what is dictated, which the visitor's browser alone hears.
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(self)",
}

# The values of `Sec-Fetch-Dest` for parts that a browser shows inside a page. Without "iframe": a
# Space itself is one.
EMBEDDED = {"image", "audio", "video", "track"}


class BodyTooLarge(Exception):
    """The response is Starlette's 413, whose body Gradio's page cannot read."""


class ForeignRouteFailed(Exception):
    """The response is a 500 of a route that is not our own."""


class SecurityHeaders:
    """ASGI middleware that adds the headers above to every response.

    Args:
        app: What takes the requests that are let through.
        is_open: Whether a request of this scope may pass; else it is answered by 404.
        is_embeddable: Whether it may also pass where a page embeds its response.
        sites: The origins whose pages may show this one in a frame, and on a Space Hugging Face's;
            without any, Hugging Face's.
    """

    def __init__(
        self,
        app: ASGIApp,
        is_open: IsMatch,
        is_embeddable: IsMatch,
        sites: Sequence[str] = (),
    ) -> None:
        self._app, self._is_open, self._is_embeddable = app, is_open, is_embeddable
        others = HUGGING_FACE if "SPACE_ID" in os.environ or not sites else ()
        self._ancestors = " ".join(("frame-ancestors", "'self'", *others, *sites))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through unless its path is closed; add headers to the response."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        app = PlainTextResponse("Not Found", 404) if self._is_closed(scope) else self._app
        if scope["type"] == "websocket":
            await app(scope, receive, send)
            return
        response = SecuredResponse(scope, send, self._ancestors)
        try:
            await app(scope, receive, response.send)
        except BodyTooLarge:
            await JSONResponse({"detail": _(TOO_LONG)}, 413)(scope, receive, response.pass_on)
        except Exception as error:
            await response.end(error, receive)

    def _is_closed(self, scope: Scope) -> bool:
        if not self._is_open(scope):
            return True
        is_embedded = Headers(scope=scope).get("Sec-Fetch-Dest") in EMBEDDED
        return is_embedded and not self._is_embeddable(scope)


class SecuredResponse:
    """A response on its way out: with headers, and with an end where its route fails."""

    def __init__(self, scope: Scope, send: Send, ancestors: str) -> None:
        self._scope, self._send, self._ancestors = scope, send, ancestors
        # None until the response has begun.
        self._content_type: str | None = None

    async def send(self, message: Message) -> None:
        """Send one message on.

        Raises:
            BodyTooLarge: Instead of sending a 413.
            ForeignRouteFailed: Instead of sending a 500 that is not our own.
        """
        if message["type"] == "http.response.start":
            if message["status"] == 413:
                raise BodyTooLarge
            if message["status"] == 500 and not self._is_ours():
                raise ForeignRouteFailed
        await self.pass_on(message)

    async def pass_on(self, message: Message) -> None:
        """Send one message on, whatever its status."""
        if message["type"] == "http.response.start":
            self._content_type = Headers(raw=message["headers"]).get("content-type", "")
            headers = MutableHeaders(scope=message)
            for name, value in SECURITY_HEADERS.items():
                headers.setdefault(name, value)
            policy = headers["Content-Security-Policy"]
            if "frame-ancestors" not in policy:
                headers["Content-Security-Policy"] = f"{policy}; {self._ancestors}"
        await self._send(message)

    async def end(self, error: Exception, receive: Receive) -> None:
        """Refuse the request, or end the event stream that has begun, in which Gradio has reported
        the error.

        Raises:
            Exception: `error`, where the route is our own or has sent a part of something else.
        """
        has_begun = self._content_type is not None
        is_stream = (self._content_type or "").startswith("text/event-stream")
        if self._is_ours() or (has_begun and not is_stream):
            raise error
        # One line whatever was sent; the traceback only where somebody looks for a fault of ours.
        scope, traceback = self._scope, log.isEnabledFor(logging.DEBUG)
        request = scope["method"], scope["path"][:200]
        log.warning("%s at %s %r", type(error).__name__, *request, exc_info=traceback)
        if is_stream:
            await self._send({"type": "http.response.body"})
        else:
            await JSONResponse({"detail": _(BAD_REQUEST)}, 400)(scope, receive, self.send)

    def _is_ours(self) -> bool:
        """Whether a route of this app's own has answered. Its failures are shown as they are."""
        return str(getattr(self._scope.get("endpoint"), "__module__", "")).startswith("agent.")

"""A wall around the HTTP app: what browsers may do with its answers, and which paths are closed.

A model's text may hold any HTML, and Gradio renders what of it cannot run a script. The content
security policy keeps that from calling another origin, from sending a form, and from framing. What
is left to it are our own paths as the addresses of pictures and sounds: six of an endless stream
would take all the connections that a browser makes to one server, and the address of a question
would make the agent work.
"""

import re

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

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


class Shield:
    """ASGI middleware: paths that match `closed` are not there, and only those that match
    `pictures` can be embedded."""

    def __init__(self, app: ASGIApp, closed: re.Pattern[str], pictures: re.Pattern[str]) -> None:
        self._app, self._closed, self._pictures = app, closed, pictures

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, unless its path is closed, and add headers to its answer."""

        async def send_shielded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        is_closed = scope["type"] == "http" and self._is_closed(scope)
        app = PlainTextResponse("Not Found", 404) if is_closed else self._app
        await app(scope, receive, send_shielded)

    def _is_closed(self, scope: Scope) -> bool:
        if self._closed.match(scope["path"]):
            return True
        is_embedded = Headers(scope=scope).get("Sec-Fetch-Dest") in EMBEDDED
        return is_embedded and not self._pictures.match(scope["path"])

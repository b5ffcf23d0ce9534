"""How the page reaches a browser quickly: compressed, and its parts fetched once."""

from starlette.datastructures import MutableHeaders
from starlette.middleware.gzip import GZipMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from agent.api.security_headers import IsMatch

# For parts whose names change with their content (gradio/templates/frontend/assets): without it
# browsers ask again for each of sixty whether it has changed.
CACHED = "public, max-age=31536000, immutable"


class Delivery:
    """ASGI middleware. Gradio 6.31 compresses only what has a file's ending, and so not the page
    itself, which at 190 kB takes a slow phone a second (gradio/brotli_middleware.py).

    Args:
        app: What answers.
        is_page: Whether a request is for the page.
        is_part: Whether it is for a part of the page whose name changes with its content.
    """

    def __init__(self, app: ASGIApp, is_page: IsMatch, is_part: IsMatch) -> None:
        self._app, self._compressed = app, GZipMiddleware(app)
        self._is_page, self._is_part = is_page, is_part

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer; the page compressed, and its parts to be kept by the browser."""

        async def send_once(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] == 200:
                MutableHeaders(scope=message)["Cache-Control"] = CACHED
            await send(message)

        if scope["type"] != "http":
            await self._app(scope, receive, send)
        elif self._is_page(scope):
            await self._compressed(scope, receive, send)
        else:
            await self._app(scope, receive, send_once if self._is_part(scope) else send)

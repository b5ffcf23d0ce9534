"""The language in which a request is answered: as chosen on the page, or as the browser asks;
English for a program that does not ask."""

from http.cookies import CookieError, SimpleCookie

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from agent.core.language import COOKIE, chosen, speaking


class ReadersLanguage:
    """ASGI middleware that sets the language, and puts it into `scope["language"]` for the page's
    steps, which run later than the requests for them.

    Args:
        app: What answers.
        offered: The languages that the app has.
    """

    def __init__(self, app: ASGIApp, offered: tuple[str, ...]) -> None:
        self._app, self._offered = app, offered

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, in that language."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        cookie = _language_cookie(headers.get("cookie", ""))
        language = chosen(self._offered, cookie, headers.get("accept-language"))
        scope["language"] = language

        async def send_with_language(message: Message) -> None:
            if message["type"] == "http.response.start":
                response_headers = MutableHeaders(scope=message)
                if response_headers.get("content-type", "").startswith("text/html"):
                    response_headers["Content-Language"] = language
                    response_headers.add_vary_header("Accept-Language, Cookie")
            await send(message)

        with speaking(language):
            await self._app(scope, receive, send_with_language)


def _language_cookie(sent: str) -> str | None:
    try:
        found = SimpleCookie(sent).get(COOKIE)
    except CookieError:
        return None
    return found.value if found else None

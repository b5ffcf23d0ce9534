"""In which language whoever sends a request is answered: as chosen on the page, or as the browser
asks; English for a program that does not ask."""

from http.cookies import CookieError, SimpleCookie

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from agent.core.language import COOKIE, chosen, speaking


class ReadersLanguage:
    """ASGI middleware that sets the language, and tells it as `scope["language"]`: the steps of the
    page run later than the requests for them.

    Args:
        app: What answers.
        offered: The languages that there are.
    """

    def __init__(self, app: ASGIApp, offered: tuple[str, ...]) -> None:
        self._app, self._offered = app, offered

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, in that language."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        kept = _cookie(headers.get("cookie", ""))
        language = chosen(self._offered, kept, headers.get("accept-language"))
        scope["language"] = language

        async def tell(message: Message) -> None:
            if message["type"] == "http.response.start":
                answered = MutableHeaders(scope=message)
                if answered.get("content-type", "").startswith("text/html"):
                    answered["Content-Language"] = language
                    answered.add_vary_header("Accept-Language, Cookie")
            await send(message)

        with speaking(language):
            await self._app(scope, receive, tell)


def _cookie(sent: str) -> str | None:
    try:
        found = SimpleCookie(sent).get(COOKIE)
    except CookieError:
        return None
    return found.value if found else None

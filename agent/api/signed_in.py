"""Where a sign-in elsewhere leads back to: a page that hands its own address to the chat, which is
open in another tab of the same browser. An agent's owner registers it as the `redirect_uri`.
"""

from pathlib import Path

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

PAGE = Path(__file__).with_name("signed_in.html")

# The address holds what the sign-in has given.
PAGE_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; form-action 'none'; frame-ancestors 'none'; "
    "script-src 'unsafe-inline'; style-src 'unsafe-inline'",
    "Cache-Control": "no-store",
}


def router() -> APIRouter:
    """`/signed-in`."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/signed-in")
    async def signed_in() -> HTMLResponse:
        """The page."""
        return HTMLResponse(PAGE.read_bytes(), headers=PAGE_HEADERS)

    return routes

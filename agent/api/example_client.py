"""A page of plain JavaScript that uses `/chat/stream`: a start for a front end of one's own."""

from pathlib import Path

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

CLIENT_PAGE = Path(__file__).with_name("example_client.html")

PAGE_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; connect-src 'self'; form-action 'none'; "
    "script-src 'unsafe-inline'; style-src 'unsafe-inline'"
}


def router() -> APIRouter:
    """`/chat/plain`."""
    routes = APIRouter(prefix="/chat", include_in_schema=False)

    @routes.get("/plain")
    async def plain() -> HTMLResponse:
        """The page."""
        return HTMLResponse(CLIENT_PAGE.read_bytes(), headers=PAGE_HEADERS)

    return routes

"""What a visitor shares: a conversation to be read by whoever has the link, and by nobody else."""

import asyncio

from fastapi import APIRouter, Response
from fastapi.responses import HTMLResponse, PlainTextResponse

from agent import keepsakes
from agent.directory import Directory
from agent.loading import Loaded
from agent.recall import Told
from agent.sharing import Shared

HEADERS = {
    "Content-Security-Policy": f"{keepsakes.POLICY}; frame-ancestors 'none'",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex, nofollow",
}

GONE = "This conversation is not shared, or not any more.\n"


def router(loaded: Loaded, directory: Directory) -> APIRouter:
    """`/shared/…`."""
    host = loaded.runner.agent.name
    routes = APIRouter(include_in_schema=False)

    @routes.get("/shared/{token}")
    async def shared(token: str) -> Response:
        """The conversation that was shared by this token."""
        link = await directory.links.find(token)
        told = await _readable(directory, link) if link else []
        if not (link and told):
            return PlainTextResponse(GONE, 404, headers=HEADERS)
        page = await asyncio.to_thread(keepsakes.to_html, told, link.title, host)
        return HTMLResponse(page, headers=HEADERS)

    return routes


async def _readable(directory: Directory, link: Shared) -> list[Told]:
    """What is left of what was shared."""
    visit = await directory.find(link.user_id, link.session_id)
    told = await visit.conversation.recall() if visit else []
    return [turn for turn in told if turn.invocation_id in link.turns]

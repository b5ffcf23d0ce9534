"""What a visitor shares: a conversation to be read by whoever has the link, and by nobody else."""

import asyncio

from fastapi import APIRouter, Response
from fastapi.responses import HTMLResponse, PlainTextResponse

from agent.chat.loader import LoadedAgent
from agent.chat.registry import Registry
from agent.core.history import TurnRecord
from agent.render import export
from agent.stores.share_links import SharedChat

HEADERS = {
    "Content-Security-Policy": f"{export.POLICY}; frame-ancestors 'none'",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex, nofollow",
}

GONE = "This conversation is not shared, or not any more.\n"


def router(loaded: LoadedAgent, registry: Registry) -> APIRouter:
    """`/shared/…`."""
    host = loaded.runner.agent.name
    routes = APIRouter(include_in_schema=False)

    @routes.get("/shared/{token}")
    async def shared(token: str) -> Response:
        """The conversation that was shared by this token."""
        link = await registry.links.find(token)
        told = await _readable(registry, link) if link else []
        if not (link and told):
            return PlainTextResponse(GONE, 404, headers=HEADERS)
        page = await asyncio.to_thread(export.to_html, told, link.title, host)
        return HTMLResponse(page, headers=HEADERS)

    return routes


async def _readable(registry: Registry, link: SharedChat) -> list[TurnRecord]:
    """What is left of what was shared."""
    visit = await registry.find(link.user_id, link.session_id)
    told = await visit.conversation.history() if visit else []
    return [turn for turn in told if turn.id in link.turns]

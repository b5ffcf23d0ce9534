"""What a visitor shares: a conversation to be read by whoever has the link, and by nobody else."""

import asyncio

from fastapi import APIRouter, Response
from fastapi.responses import HTMLResponse, PlainTextResponse

from agent.chat.loader import LoadedAgent
from agent.chat.registry import Registry
from agent.core.history import TurnRecord
from agent.render import export
from agent.stores.fallback import StoreUnavailable
from agent.stores.share_links import SharedChat

SHARED_HEADERS = {
    "Content-Security-Policy": f"{export.DOCUMENT_POLICY}; frame-ancestors 'none'",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex, nofollow",
}

NOT_SHARED = "This conversation is not shared, or not any more.\n"


def router(loaded: LoadedAgent, registry: Registry) -> APIRouter:
    """`/shared/…`."""
    root_agent = loaded.runner.agent.name
    routes = APIRouter(include_in_schema=False)

    @routes.get("/shared/{token}")
    async def shared(token: str) -> Response:
        """The conversation that was shared by this token."""
        try:
            link = await registry.links.find(token)
            turns = await _shared_turns(registry, link) if link else []
        except StoreUnavailable as error:
            return PlainTextResponse(f"{error}\n", 503, headers=SHARED_HEADERS)
        if not (link and turns):
            return PlainTextResponse(NOT_SHARED, 404, headers=SHARED_HEADERS)
        page = await asyncio.to_thread(export.to_html, turns, link.title, root_agent)
        return HTMLResponse(page, headers=SHARED_HEADERS)

    return routes


async def _shared_turns(registry: Registry, link: SharedChat) -> list[TurnRecord]:
    """Those of the shared turns that the conversation still has."""
    active = await registry.find(link.user_id, link.session_id)
    turns = await active.conversation.history() if active else []
    return [turn for turn in turns if turn.id in link.turns]

"""A conversation that a visitor has shared: everybody who has its link can read it."""

import asyncio
from collections import OrderedDict

from fastapi import APIRouter, Response
from fastapi.responses import HTMLResponse, PlainTextResponse

from agent.chat.agents import Agents
from agent.chat.registry import Registry
from agent.core.colours import ACCENT, Pair
from agent.core.history import TurnRecord
from agent.core.language import N_, _, language
from agent.render import export
from agent.stores.fallback import StoreUnavailable
from agent.stores.share_links import SharedChat

SHARED_HEADERS = {
    "Content-Security-Policy": f"{export.DOCUMENT_POLICY}; frame-ancestors 'none'",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex, nofollow",
}

# Characters of rendered pages that are kept, so that reloading a page takes no work.
MAX_KEPT = 10_000_000

NOT_SHARED = N_("This conversation is not shared, or not any more.\n")


def router(agents: Agents) -> APIRouter:
    """`/shared/…`."""
    pages = SharedPages()
    routes = APIRouter(include_in_schema=False)

    @routes.get("/shared/{token}")
    async def shared(token: str) -> Response:
        """The conversation that was shared by this token."""
        try:
            found = await agents.find_shared(token)
            turns = await _shared_turns(*found) if found else []
        except StoreUnavailable as error:
            return PlainTextResponse(f"{error.notice.text}\n", 503, headers=SHARED_HEADERS)
        if not (found and turns):
            return PlainTextResponse(_(NOT_SHARED), 404, headers=SHARED_HEADERS)
        registry, link = found
        accent = registry.loaded.look.accent
        page = await pages.page(token, turns, link.title, registry.agent_name, accent)
        return HTMLResponse(page, headers=SHARED_HEADERS)

    return routes


class SharedPages:
    """Pages of shared conversations: each is rendered again only when something of it has changed,
    and one at a time, so that threads and CPU are left for others."""

    def __init__(self) -> None:
        # By token and language, the page used longest ago first: its turns, title and HTML.
        self._kept: OrderedDict[tuple[str, str], tuple[list[TurnRecord], str, str]] = OrderedDict()
        self._lock = asyncio.Lock()

    async def page(
        self,
        token: str,
        turns: list[TurnRecord],
        title: str,
        root_agent: str,
        accent: Pair = ACCENT,
    ) -> str:
        """The page that shows these turns with that agent, in its accent."""
        key = token, language()
        async with self._lock:
            kept = self._kept.pop(key, None)
            if kept is None or kept[:2] != (turns, title):
                page = await asyncio.to_thread(
                    export.to_html, turns, title, root_agent, accent=accent
                )
                kept = turns, title, page
            self._kept[key] = kept
            while sum(len(page) for *_, page in self._kept.values()) > MAX_KEPT:
                self._kept.popitem(last=False)
            return kept[2]


async def _shared_turns(registry: Registry, link: SharedChat) -> list[TurnRecord]:
    """The shared turns that the conversation still has.

    Raises:
        StoreUnavailable: if the conversation cannot be looked up.
    """
    active = await registry.find(link.user_id, link.session_id)
    turns = await active.conversation.history() if active else []
    return [turn for turn in turns if turn.id in link.turns]

"""The self-check as a page for the host (agent/chat/self_check.py).

GET  /host/check    the list, without the checks that ask a model
POST /host/check    the whole list; it asks the model one short question
"""

import asyncio

from fastapi import APIRouter, Depends, Response

from agent.api.host_page import BACK, to_page
from agent.api.host_token import Guard
from agent.chat.agents import Agents
from agent.chat.self_check import self_check
from agent.render import check_list


def router(agents: Agents, may_enter: Guard) -> APIRouter:
    """`/host/check`, behind the check `may_enter`."""
    routes = APIRouter(prefix="/host", include_in_schema=False, dependencies=[Depends(may_enter)])
    one_at_a_time = asyncio.Lock()

    async def page(asks_model: bool) -> Response:
        async with one_at_a_time:
            loaded = [registry.loaded for registry in agents.loaded]
            checks = [check async for check in self_check(loaded, asks_model, None, agents.limits)]
        return to_page("Self-check", BACK + check_list.to_html(checks))

    @routes.get("/check")
    async def look() -> Response:
        """Look at what costs nothing."""
        return await page(asks_model=False)

    @routes.post("/check")
    async def ask() -> Response:
        """Ask the model, too."""
        return await page(asks_model=True)

    return routes

"""What the page is used for, as a page for the host (agent/core/usage_log.py).

GET  /host/usage
"""

from fastapi import APIRouter, Depends, Response

from agent.api.host_page import BACK, to_page
from agent.api.host_token import Guard
from agent.chat.agents import Agents
from agent.render import usage


def router(agents: Agents, may_enter: Guard) -> APIRouter:
    """`/host/usage`, behind the check `may_enter`."""
    routes = APIRouter(prefix="/host", include_in_schema=False, dependencies=[Depends(may_enter)])

    @routes.get("/usage")
    async def shown() -> Response:
        """The latest figures."""
        body = usage.to_html(agents.limits.usage, agents.settings)
        return to_page("Use of this page", BACK + body)

    return routes

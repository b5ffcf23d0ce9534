"""Is the app alive, and is it ready? For what watches over it: a Space, Docker, Kubernetes."""

import asyncio

from fastapi import APIRouter, HTTPException

from agent.chat.agents import Agents
from agent.chat.loader import LoadedAgent
from agent.limits.tool_threads import threads_left
from agent.stores.fallback import FallbackStore

# Anybody can read it. So it is without the reason, which may hold a path or a line of the agent's.
NOT_LOADED = "The agent could not be loaded. The app's log says why, and how to mend it."

# Seconds in which the session store must answer.
STORE_TIMEOUT = 2.0

TOOLS_USED_UP = (
    "{} calls of tools have not come back though their answers are over, and so no more tools are "
    "called. The app has to be restarted."
)


def router(agents: Agents) -> APIRouter:
    """`/healthz` and `/readyz`."""
    routes = APIRouter(tags=["health"])

    @routes.get("/healthz")
    async def alive() -> dict[str, str]:
        """The app runs."""
        return {"status": "ok"}

    @routes.get("/readyz", responses={503: {"description": "Not ready"}})
    async def ready() -> dict[str, str | int]:
        """There is an agent that can be loaded, conversations can be stored, and tools can be
        called. Tools that have not come back though their turns are over are counted, if there are
        any; so are agents that could not be loaded."""
        failed = sum(bool(registry.loaded.why_not_loaded) for registry in agents.loaded)
        if failed == len(agents.names):
            raise HTTPException(503, NOT_LOADED)
        left, is_used_up = threads_left()
        if is_used_up:
            raise HTTPException(503, TOOLS_USED_UP.format(left))
        try:
            async with asyncio.timeout(STORE_TIMEOUT):
                for registry in agents.loaded:
                    await _check_store(registry.loaded)
        except Exception as error:
            raise HTTPException(503, "The conversations cannot be stored at the moment.") from error
        counted = {"tools_left_behind": left, "agents_not_loaded": failed}
        counted = {name: number for name, number in counted.items() if number}
        return {"status": "ok", "agent": ", ".join(agents.names), **counted}

    return routes


async def _check_store(loaded: LoadedAgent) -> None:
    """Raise whatever the store raises when it is used."""
    runner, store = loaded.runner, loaded.runner.session_service
    if isinstance(store, FallbackStore):
        await store.check(runner.app_name)
    else:
        await store.get_session(app_name=runner.app_name, user_id="nobody", session_id="none")

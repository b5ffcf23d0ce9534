"""Is the app alive, and is it ready? For whoever watches over it: a Space, Docker, Kubernetes."""

import asyncio

from fastapi import APIRouter, HTTPException

from agent.chat.loader import LoadedAgent
from agent.stores.fallback import FallbackStore

# Seconds that the session store has to answer.
STORE_TIMEOUT = 2.0


def router(loaded: LoadedAgent) -> APIRouter:
    """`/healthz` and `/readyz`."""
    routes = APIRouter(tags=["health"])

    @routes.get("/healthz")
    async def alive() -> dict[str, str]:
        """The app runs."""
        return {"status": "ok"}

    @routes.get("/readyz", responses={503: {"description": "Not ready"}})
    async def ready() -> dict[str, str]:
        """The agent is loaded, and its conversations can be stored."""
        try:
            async with asyncio.timeout(STORE_TIMEOUT):
                await _check_store(loaded)
        except Exception as error:
            raise HTTPException(503, "The conversations cannot be stored at the moment.") from error
        return {"status": "ok", "agent": loaded.runner.agent.name}

    return routes


async def _check_store(loaded: LoadedAgent) -> None:
    """Raise whatever the store raises when it is used."""
    runner, store = loaded.runner, loaded.runner.session_service
    if isinstance(store, FallbackStore):
        await store.check(runner.app_name)
    else:
        await store.get_session(app_name=runner.app_name, user_id="nobody", session_id="none")

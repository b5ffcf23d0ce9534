"""How many sessions ADK keeps for an agent, looked at from beside its loop."""

import asyncio
import time

from agent.chat.loader import LoadedAgent


def is_emptied(what: LoadedAgent) -> bool:
    """Whether nothing stays stored. It is forgotten in a task of its own, after the answer."""
    deadline = time.monotonic() + 20
    while stored(what) and time.monotonic() < deadline:
        time.sleep(0.01)
    return not stored(what)


def stored(what: LoadedAgent) -> int:
    """How many sessions ADK keeps for this agent."""
    listing = asyncio.run(what.runner.session_service.list_sessions(app_name="test"))
    return len(listing.sessions)

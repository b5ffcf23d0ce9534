"""One turn of a conversation at a time, on all machines that share a store."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

from google.adk.sessions import BaseSessionService

from agent.core.adk_internals import AlreadyExistsError
from agent.core.notices import PlainError

# The ADK user that has a session, with the conversation's id, for each conversation that is being
# answered. It is no visitor's id, so that leases are neither listed nor deleted by retention.
LEASE_USER_ID = "running"

# The key in the state of such a session that tells who holds the lease.
HOLDER = "adk_chat_page_holder"


@asynccontextmanager
async def lease(
    store: BaseSessionService, app_name: str, session_id: str, holder: str, seconds: float
) -> AsyncIterator[None]:
    """Hold the conversation's lease inside; nobody else can have it meanwhile.

    A lease is a session, because a store lets only one of several callers create it.

    Args:
        store: Shared by all that may answer the conversation.
        app_name: ADK's name of the app.
        session_id: The conversation's.
        holder: Names this process, which answers each conversation once at a time: what it still
            holds it could not give back, because the store had failed.
        seconds: A lease older than this is taken over: its holder must have died.

    Raises:
        PlainError: if somebody else holds it.
    """
    key = {"app_name": app_name, "user_id": LEASE_USER_ID, "session_id": session_id}
    await _acquire(store, key, holder, seconds)
    try:
        yield
    finally:
        with suppress(Exception):  # This process takes it anew, others when it is too old.
            await store.delete_session(**key)


async def _acquire(
    store: BaseSessionService, key: dict[str, Any], holder: str, seconds: float
) -> None:
    for _ in range(2):  # The second time after an old lease has been deleted.
        try:
            await store.create_session(**key, state={HOLDER: holder})
            return
        except AlreadyExistsError:
            found = await store.get_session(**key)
            is_own = found and found.state.get(HOLDER) == holder
            if found and not is_own and found.last_update_time > time.time() - seconds:
                break
            await store.delete_session(**key)
    raise PlainError("elsewhere")

"""One turn of a conversation at a time, on all machines that share a store."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

from google.adk.errors.already_exists_error import AlreadyExistsError
from google.adk.sessions import BaseSessionService

from agent.core.errors import PlainError

HOLDER = "running"
"""The ADK user that has a session for each conversation which is being answered: no visitor, and
so neither listed nor swept. A store lets only one make it."""

ELSEWHERE = "This conversation is also being answered somewhere else. Try again in a moment."


@asynccontextmanager
async def alone(
    store: BaseSessionService, app_name: str, session_id: str, seconds: float
) -> AsyncIterator[None]:
    """While inside, nobody else is.

    Args:
        store: Shared by all who might.
        app_name: ADK's name of the app.
        session_id: Of the conversation.
        seconds: After which whoever is inside must have died there.

    Raises:
        PlainError: if somebody else is inside.
    """
    which = {"app_name": app_name, "user_id": HOLDER, "session_id": session_id}
    await _enter(store, which, seconds)
    try:
        yield
    finally:
        with suppress(Exception):  # Then it ends with its time.
            await store.delete_session(**which)


async def _enter(store: BaseSessionService, which: dict[str, Any], seconds: float) -> None:
    for _ in range(2):
        try:
            await store.create_session(**which)
            return
        except AlreadyExistsError:
            other = await store.get_session(**which)
            if other and other.last_update_time > time.time() - seconds:
                break
            await store.delete_session(**which)
    raise PlainError(ELSEWHERE)

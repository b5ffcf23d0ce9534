"""The state named "user:…", which ADK keeps of a user for all sessions, and never deletes."""

from contextlib import suppress
from typing import Any

from google.adk.events import Event, EventActions
from google.adk.sessions import BaseSessionService, InMemorySessionService

from agent.core.adk_internals import delete_user_row, forget_user


async def delete_user_state(store: BaseSessionService, app_name: str, user_id: str) -> None:
    """Delete the state of a user who has no session left."""
    if isinstance(store, InMemorySessionService):
        forget_user(store, app_name, user_id)
    if await delete_user_row(store, app_name, user_id):
        return
    user: dict[str, Any] = {"app_name": app_name, "user_id": user_id}
    with suppress(NotImplementedError):  # Then the store keeps such state with each session.
        if state := await store.get_user_state(**user):
            # Only a session's event can change it.
            session = await store.create_session(**user)
            nothing = EventActions(state_delta={f"user:{name}": None for name in state})
            await store.append_event(session, Event(author="user", actions=nothing))
            await store.delete_session(**user, session_id=session.id)

"""Deletes a session, and what ADK would keep of it and of its user."""

from contextlib import suppress

from google.adk.runners import Runner
from google.adk.sessions import InMemorySessionService

from agent.core.adk_internals import forget_user
from agent.core.visitor import SessionKey
from agent.stores.fallback import FallbackStore, StoreUnavailable
from agent.stores.memory import VisitorMemory
from agent.stores.user_state import delete_user_state


class InMemoryStore(InMemorySessionService):
    """ADK's session store in memory, which also frees what it holds of a user without sessions."""

    async def delete_session(self, *, app_name: str, user_id: str, session_id: str) -> None:
        """Delete a session; with a user's last one, the user's state too."""
        await super().delete_session(app_name=app_name, user_id=user_id, session_id=session_id)
        forget_user(self, app_name, user_id)


async def delete_session(runner: Runner, key: SessionKey) -> None:
    """Delete a session with its artifacts and what is remembered of it; with its user's last one
    also what belongs to the user: artifacts and state named "user:…", and all memory.

    Args:
        runner: Has the stores.
        key: Which session.
    """
    store, memory = runner.session_service, runner.memory_service
    listed = await store.list_sessions(app_name=key.app_name, user_id=key.user_id)
    others = [session for session in listed.sessions if session.id != key.session_id]
    # A store that fails does not tell all.
    is_last = not (others or getattr(store, "fails", False))
    # First, so that they can be found as long as they are there.
    await _delete_artifacts(runner, key, is_last)
    await store.delete_session(**key._asdict())
    if isinstance(memory, VisitorMemory):
        memory.forget_session(key)
    if not is_last:
        return
    if isinstance(memory, VisitorMemory):
        memory.forget_user(key.app_name, key.user_id)
    if isinstance(store, FallbackStore):
        with suppress(StoreUnavailable):  # What was said is gone, and nobody has this id any more.
            await store.delete_user_state(app_name=key.app_name, user_id=key.user_id)
    else:
        await delete_user_state(store, key.app_name, key.user_id)


async def _delete_artifacts(runner: Runner, key: SessionKey, is_last: bool) -> None:
    """Delete the session's artifacts; if it is its user's last, the user's too."""
    if not (artifacts := runner.artifact_service):
        return
    for name in await artifacts.list_artifact_keys(**key._asdict()):
        if is_last or not name.startswith("user:"):
            await artifacts.delete_artifact(**key._asdict(), filename=name)

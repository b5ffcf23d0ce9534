"""Deletes a session, and what ADK would keep of it and of its user."""

from collections.abc import Collection
from contextlib import suppress
from typing import Any

from google.adk.events import Event
from google.adk.runners import Runner
from google.adk.sessions import BaseSessionService, InMemorySessionService, Session

from agent.core.adk_internals import forget_user
from agent.core.history import changes_user, remaining_events
from agent.core.visitor import SessionKey
from agent.stores.credentials import VisitorCredentials
from agent.stores.fallback import FallbackStore, StoreUnavailable
from agent.stores.memory import ForgettingMemory
from agent.stores.user_state import delete_user_state


class InMemoryStore(InMemorySessionService):
    """ADK's session store in memory, which also frees what it holds of a user without sessions."""

    async def delete_session(self, *, app_name: str, user_id: str, session_id: str) -> None:
        """Delete a session; with a user's last one, the user's state too."""
        await super().delete_session(app_name=app_name, user_id=user_id, session_id=session_id)
        forget_user(self, app_name, user_id)


async def delete_session(runner: Runner, key: SessionKey) -> None:
    """Delete a session with its artifacts and what is remembered of it; with its user's last one
    also what belongs to the user: artifacts and state named "user:…", all memory and sign-ins.

    Args:
        runner: Has the stores.
        key: Which session.
    """
    store, memory = runner.session_service, runner.memory_service
    listed = await store.list_sessions(app_name=key.app_name, user_id=key.user_id)
    others = [session for session in listed.sessions if session.id != key.session_id]
    # A store that fails does not tell all.
    is_last = not (others or getattr(store, "fails", False))
    if not is_last:
        await take_back(runner, key)
    # First, so that they can be found as long as they are there.
    await _delete_artifacts(runner, key, is_last)
    if isinstance(memory, ForgettingMemory):
        await memory.forget_session(key)
        if is_last:
            await memory.forget_user(key.app_name, key.user_id)
    await store.delete_session(**key._asdict())
    if not is_last:
        return
    if isinstance(credentials := runner.credential_service, VisitorCredentials):
        credentials.forget(key.app_name, key.user_id)
    if isinstance(store, FallbackStore):
        with suppress(StoreUnavailable):  # What was said is gone, and nobody has this id any more.
            await store.delete_user_state(app_name=key.app_name, user_id=key.user_id)
    else:
        await delete_user_state(store, key.app_name, key.user_id)


async def take_back(
    runner: Runner, key: SessionKey, turn_ids: Collection[str] | None = None
) -> None:
    """Take back what these turns of a session, or all of it, have done to the state and the
    artifacts of its user. A value that was there before comes back, if any of the user's sessions
    tells of it.

    Args:
        runner: Has the stores.
        key: Which session.
        turn_ids: The turns; they have been rewound. Without them the session is to be deleted.
    """
    store = runner.session_service
    own = await store.get_session(**key._asdict())
    events = own.events if own else []
    gone = [event for event in events if turn_ids is None or event.invocation_id in turn_ids]
    if not (own and any(map(changes_user, gone))):
        return
    others = await _other_sessions(store, key)
    sessions = others if turn_ids is None else [own, *others]
    if not sessions:
        return
    left = [event for session in sessions for event in remaining_events(session.events)]
    left.sort(key=lambda event: event.timestamp)
    state: dict[str, Any] = dict.fromkeys(_names(gone, "state_delta"))
    for event in left:
        state |= {name: event.actions.state_delta.get(name, state[name]) for name in state}
    # With a time at which that session is no newer among the visitor's chats, nor stale.
    restored = Event(author="user", timestamp=sessions[0].last_update_time)
    restored.actions.state_delta = state
    await store.append_event(sessions[0], restored)
    if runner.artifact_service:
        for name in _names(gone, "artifact_delta") - _names(left, "artifact_delta"):
            await runner.artifact_service.delete_artifact(**key._asdict(), filename=name)


async def _other_sessions(store: BaseSessionService, key: SessionKey) -> list[Session]:
    """The user's other sessions, with all their events."""
    user: dict[str, Any] = {"app_name": key.app_name, "user_id": key.user_id}
    ids = [session.id for session in (await store.list_sessions(**user)).sessions]
    read = [await store.get_session(**user, session_id=id) for id in ids if id != key.session_id]
    return [session for session in read if session]


def _names(events: list[Event], delta: str) -> set[str]:
    """Of what belongs to the user and was changed in these events."""
    names = {name for event in events for name in getattr(event.actions, delta)}
    return {name for name in names if name.startswith("user:")}


async def _delete_artifacts(runner: Runner, key: SessionKey, is_last: bool) -> None:
    """Delete the session's artifacts; if it is its user's last, the user's too."""
    if not (artifacts := runner.artifact_service):
        return
    for name in await artifacts.list_artifact_keys(**key._asdict()):
        if is_last or not name.startswith("user:"):
            await artifacts.delete_artifact(**key._asdict(), filename=name)

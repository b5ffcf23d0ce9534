"""Preferences: which of two answers visitors find better, kept where the conversations are.

Each is the state of one ADK session, of a user of their own. So all replicas have the same, and no
model is told of them. They are as old as conversations may be, and go with their visitor.
"""

import hashlib
from collections.abc import Iterable

from google.adk.runners import Runner
from google.adk.sessions import Session

from agent.core.sides import Preference, from_stored, to_stored
from agent.stores.fallback import StoreUnavailable

# The ADK user that has the preferences as its sessions. It is no visitor's id.
PREFERENCES_USER_ID = "preferences"

# The key in such a session's state.
PREFERENCE = "adk_chat_page_preference"


class Preferences:
    """Those about answers of one agent; of two agents, those of pages with this one.

    Args:
        runner: Has the store.
    """

    def __init__(self, runner: Runner) -> None:
        self._store = runner.session_service
        self._who = {"app_name": runner.app_name, "user_id": PREFERENCES_USER_ID}

    async def keep(self, preference: Preference) -> None:
        """Store a preference.

        Raises:
            StoreUnavailable: if it cannot be stored.
        """
        id = hashlib.sha256(preference.id.encode()).hexdigest()[:32]
        state = {PREFERENCE: to_stored(preference)}
        await self._store.create_session(**self._who, session_id=id, state=state)

    async def all(self) -> list[Preference]:
        """All preferences, the newest first; without those in a store that fails."""
        found = [preference for _, preference in await self._stored()]
        return sorted(found, key=lambda preference: preference.at, reverse=True)

    async def of_visitor(self, user_id: str) -> list[Preference]:
        """One visitor's preferences."""
        return [preference for preference in await self.all() if preference.user_id == user_id]

    async def forget_visitor(self, user_id: str) -> None:
        """Delete a visitor's preferences.

        Raises:
            StoreUnavailable: if not all of them are known, or the store may still have some.
        """
        for session, preference in await self._stored():
            if preference.user_id == user_id:
                await self._store.delete_session(**self._who, session_id=session.id)
        if getattr(self._store, "fails", False):
            raise StoreUnavailable

    async def _stored(self) -> list[tuple[Session, Preference]]:
        listed = await self._store.list_sessions(**self._who)
        read = [(stored, from_stored(stored.state.get(PREFERENCE))) for stored in listed.sessions]
        return [(session, found) for session, found in read if found]


def old(stored: Iterable[Session], since: float) -> list[Session]:
    """Of the stored sessions those with preferences that are older."""
    ours = (session for session in stored if session.user_id == PREFERENCES_USER_ID)
    return [session for session in ours if session.last_update_time < since]

"""A session store whose sessions begin with the values that the agent's owner has given."""

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from google.adk.sessions import BaseSessionService, Session
from google.adk.sessions.state import State

from agent.core.visitor import is_visitor_id
from agent.stores.fallback import FallbackStore, Writing

# The prefixes of keys that are not the session's own: their values outlive it, or are not stored.
PREFIXES = (State.APP_PREFIX, State.USER_PREFIX, State.TEMP_PREFIX)


class FirstStateStore(FallbackStore):
    """Gives a visitor's session each first value that it does not have.

    They are given again whenever a session is read, because a rewind takes away what no event has
    set (adk/sessions/_rewind_utils.py), and because sessions of an earlier version have none.

    Args:
        real: The store that is called first.
        is_shared: Whether other machines use it too.
        forgets: Whether it is in memory itself, though the host has not asked for that.
        first_state: The values by their keys.
        writing: What is held while something is written to the store, if others write to it, too.
    """

    def __init__(
        self,
        real: BaseSessionService,
        is_shared: bool = False,
        forgets: bool = False,
        first_state: Mapping[str, Any] | None = None,
        writing: Writing | None = None,
    ) -> None:
        super().__init__(real, is_shared, forgets, writing)
        self.first_state = dict(first_state or {})

    async def create_session(
        self, *, user_id: str, state: dict[str, Any] | None = None, **session: Any
    ) -> Session:
        """Create a session that begins with the first values, which are stored, for `adk web`."""
        own = {key: v for key, v in self.first_state.items() if not key.startswith(PREFIXES)}
        if is_visitor_id(user_id):
            state = {**deepcopy(own), **(state or {})}
        return self._complete(await super().create_session(user_id=user_id, state=state, **session))

    async def get_session(self, **session: Any) -> Session | None:
        """The session, with first values where it has none.

        Raises:
            StoreUnavailable: if it is not in memory, and the real store fails.
        """
        found = await super().get_session(**session)
        return self._complete(found) if found else None

    def _complete(self, session: Session) -> Session:
        if is_visitor_id(session.user_id):
            for key, value in self.first_state.items():
                if session.state.get(key) is None:
                    session.state[key] = deepcopy(value)
        return session

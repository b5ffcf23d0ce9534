"""A memory service that the host has chosen: it is told to forget where ADK's service of that kind
can, and is never given what was taken back."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from google.adk.events import Event
from google.adk.memory.base_memory_service import BaseMemoryService, SearchMemoryResponse
from google.adk.memory.memory_entry import MemoryEntry
from google.adk.sessions import BaseSessionService, Session

from agent.core.adk_internals import delete_memories, has_memories_in_rows
from agent.core.history import remaining_events
from agent.core.visitor import SessionKey
from agent.stores.fallback import StoreUnavailable
from agent.stores.memory import ForgettingMemory


class HostMemory(ForgettingMemory):
    """Passes on to the real memory service.

    Args:
        real: The service.
        sessions: The store of the sessions that are added to it.

    Raises:
        StoreUnavailable: if it can forget, and fails to.
    """

    def __init__(self, real: BaseMemoryService, sessions: BaseSessionService) -> None:
        self.real, self._sessions = real, sessions
        self.forgets = has_memories_in_rows(real)

    def __getattr__(self, name: str) -> Any:
        # Some services have methods that ADK's other services have not.
        return getattr(self.__dict__["real"], name)

    async def add_session_to_memory(self, session: Session) -> None:
        """Add what a session holds, but for the turns that have been rewound."""
        left = {"events": remaining_events(session.events)}
        await self.real.add_session_to_memory(session.model_copy(update=left))

    async def add_events_to_memory(self, *, events: Sequence[Event], **where: Any) -> None:
        """Add these events, but for those of turns that have been rewound."""
        await self.real.add_events_to_memory(events=remaining_events(list(events)), **where)

    async def add_memory(
        self,
        *,
        app_name: str,
        user_id: str,
        memories: Sequence[MemoryEntry],
        custom_metadata: Mapping[str, object] | None = None,
    ) -> None:
        """Add what the agent has worded itself."""
        await self.real.add_memory(
            app_name=app_name, user_id=user_id, memories=memories, custom_metadata=custom_metadata
        )

    async def search_memory(
        self, *, app_name: str, user_id: str, query: str
    ) -> SearchMemoryResponse:
        """What the real service finds."""
        return await self.real.search_memory(app_name=app_name, user_id=user_id, query=query)

    async def delete_memory(
        self, *, app_name: str, user_id: str, memory_id: str | None = None
    ) -> None:
        """Forget one memory, if the real service can."""
        await self.real.delete_memory(app_name=app_name, user_id=user_id, memory_id=memory_id)

    async def forget_turns(self, key: SessionKey, turn_ids: Collection[str]) -> None:
        """Forget what was said in these turns of a session, which is still in its store."""
        with _as_unavailable():
            session = await self._sessions.get_session(**key._asdict()) if self.forgets else None
            events = session.events if session else []
            ids = [event.id for event in events if event.invocation_id in turn_ids]
            await delete_memories(self.real, *key, event_ids=ids)

    async def forget_session(self, key: SessionKey) -> None:
        """Forget a session."""
        with _as_unavailable():
            await delete_memories(self.real, *key)

    async def forget_user(self, app_name: str, user_id: str) -> None:
        """Forget all that is remembered of a user."""
        with _as_unavailable():
            await delete_memories(self.real, app_name, user_id)


@contextmanager
def _as_unavailable() -> Iterator[None]:
    try:
        yield
    except Exception as error:
        raise StoreUnavailable from error

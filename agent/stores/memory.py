"""What agents remember of their visitors beyond a session: ADK's memory, which also forgets."""

from abc import abstractmethod
from collections.abc import Collection, Mapping, Sequence

from google.adk.events import Event
from google.adk.memory import InMemoryMemoryService
from google.adk.memory.base_memory_service import BaseMemoryService, SearchMemoryResponse
from google.adk.sessions import Session

from agent.core.history import remaining_events
from agent.core.talk import begins_talk, with_words
from agent.core.visitor import SessionKey


class ForgettingMemory(BaseMemoryService):
    """A memory service of ADK's that can be told to forget, which ADK's own cannot."""

    # Whether nothing of what it is told to forget stays.
    forgets = True

    @abstractmethod
    async def forget_turns(self, key: SessionKey, turn_ids: Collection[str]) -> None:
        """Forget what was said in these turns of a session, which is still in its store."""

    @abstractmethod
    async def forget_session(self, key: SessionKey) -> None:
        """Forget a session."""

    @abstractmethod
    async def forget_user(self, app_name: str, user_id: str) -> None:
        """Forget all that is remembered of a user."""


class VisitorMemory(ForgettingMemory):
    """Holds, until the app ends, the events that agents add to it, and finds them as ADK's own
    memory service does, which has no way to forget a session or a visitor."""

    def __init__(self) -> None:
        # By the event's id, of each session, of each (app, user).
        self._events: dict[tuple[str, str], dict[str, dict[str, Event]]] = {}

    async def add_session_to_memory(self, session: Session) -> None:
        """Add what a session holds, to what is remembered of it already."""
        await self.add_events_to_memory(
            app_name=session.app_name,
            user_id=session.user_id,
            events=session.events,
            session_id=session.id,
        )

    async def add_events_to_memory(
        self,
        *,
        app_name: str,
        user_id: str,
        events: Sequence[Event],
        session_id: str | None = None,
        custom_metadata: Mapping[str, object] | None = None,
    ) -> None:
        """Add these events, but for those of turns that have been rewound."""
        sessions = self._events.setdefault((app_name, user_id), {})
        known = sessions.setdefault(session_id or "", {})
        for event in map(with_words, remaining_events(list(events))):
            if event.content and event.content.parts and not begins_talk(event):
                known.setdefault(event.id, event.model_copy(deep=True))

    async def search_memory(
        self, *, app_name: str, user_id: str, query: str
    ) -> SearchMemoryResponse:
        """What ADK's own service finds among the user's events."""
        service = InMemoryMemoryService()
        for session_id, events in self._events.get((app_name, user_id), {}).items():
            await service.add_events_to_memory(
                app_name=app_name,
                user_id=user_id,
                events=list(events.values()),
                session_id=session_id,
            )
        return await service.search_memory(app_name=app_name, user_id=user_id, query=query)

    async def delete_memory(
        self, *, app_name: str, user_id: str, memory_id: str | None = None
    ) -> None:
        """Forget one event, by its id."""
        for events in self._events.get((app_name, user_id), {}).values():
            events.pop(memory_id or "", None)

    async def forget_turns(self, key: SessionKey, turn_ids: Collection[str]) -> None:
        """Forget what was said in these turns of a session."""
        for events in self._events.get((key.app_name, key.user_id), {}).values():
            for event in [event for event in events.values() if event.invocation_id in turn_ids]:
                del events[event.id]

    async def forget_session(self, key: SessionKey) -> None:
        """Forget a session."""
        self._events.get((key.app_name, key.user_id), {}).pop(key.session_id, None)

    async def forget_user(self, app_name: str, user_id: str) -> None:
        """Forget all that is remembered of a user."""
        self._events.pop((app_name, user_id), None)

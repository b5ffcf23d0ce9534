"""Every event is stored with the invocation that it belongs to.

ADK sets it on the events of its own agents and nodes; on those of an agent of another class that
class would have to, and many do not, ADK's own examples included. Such an event would be a turn of
its own, which no Undo reaches.
"""

from google.adk.agents.invocation_context import InvocationContext
from google.adk.events import Event
from google.adk.plugins import BasePlugin


class Invocation(BasePlugin):
    """An ADK plugin, because plugins get an event before it is stored."""

    def __init__(self) -> None:
        # ADK refuses two plugins of one name, and the owner's app may have some of its own.
        super().__init__(name="adk_chat_page_invocation")

    async def on_event_callback(
        self, *, invocation_context: InvocationContext, event: Event
    ) -> None:
        """Set it in the event itself: of another one ADK does not take it (adk/runners.py)."""
        event.invocation_id = event.invocation_id or invocation_context.invocation_id

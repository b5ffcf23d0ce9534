"""What may be stored of an error: its code, never its text.

ADK stores each failed call as an event with the error's own text in it, which may quote a key, a
password in an address, or a path (adk/workflow/_node_runner.py).
"""

from google.adk.agents.invocation_context import InvocationContext
from google.adk.events import Event
from google.adk.plugins import BasePlugin


class Redaction(BasePlugin):
    """An ADK plugin, because plugins get an event before it is stored."""

    def __init__(self) -> None:
        # ADK refuses two plugins of one name, and the owner's app may have some of its own.
        super().__init__(name="adk_chat_page_redaction")

    async def on_event_callback(
        self, *, invocation_context: InvocationContext, event: Event
    ) -> Event | None:
        """The event without the error's text; None, which leaves it as it is, if it has none."""
        return event.model_copy(update={"error_message": None}) if event.error_message else None

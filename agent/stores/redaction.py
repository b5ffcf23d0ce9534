"""What may be remembered of an error: its kind, never its text.

ADK stores each failed call as an event with the error's own words in it, which may quote a key, a
password in an address, or a path (adk/workflow/_node_runner.py).
"""

from google.adk.agents.invocation_context import InvocationContext
from google.adk.events import Event
from google.adk.plugins import BasePlugin


class Redaction(BasePlugin):
    """An ADK plugin, since those see an event before it is stored."""

    def __init__(self) -> None:
        super().__init__(name="discretion")

    async def on_event_callback(
        self, *, invocation_context: InvocationContext, event: Event
    ) -> Event | None:
        """The event without the error's text; None, for it to stay as it is, where it has none."""
        return event.model_copy(update={"error_message": None}) if event.error_message else None

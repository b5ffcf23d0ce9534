"""Marks what is said by agents whose words are for other agents: `INNER` in the owner's module."""

from collections.abc import Collection

from google.adk.agents.invocation_context import InvocationContext
from google.adk.events import Event
from google.adk.plugins import BasePlugin

from agent.core.inner_talk import INNER


class InnerTalk(BasePlugin):
    """An ADK plugin, because plugins get an event before it is stored, and so the mark is there
    after a restart, too. Other agents are told the words as ever.

    Args:
        names: Of the agents.
    """

    def __init__(self, names: Collection[str]) -> None:
        # ADK refuses two plugins of one name, and the owner's app may have some of its own.
        super().__init__(name="adk_chat_page_inner_talk")
        self._names = names

    async def on_event_callback(
        self, *, invocation_context: InvocationContext, event: Event
    ) -> None:
        """Put the mark into the event itself: the owner's plugins may give ADK another."""
        if event.author in self._names:
            event.custom_metadata = {**(event.custom_metadata or {}), INNER: True}

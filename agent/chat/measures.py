"""What is measured of a turn is stored with its events, when ADK stores those.

So the figures below an answer outlast a restart, and cost no write of their own. ADK stores an
event of a run that was stopped or has failed, too.
"""

from contextvars import ContextVar
from dataclasses import replace

from google.adk.agents.invocation_context import InvocationContext
from google.adk.events import Event
from google.adk.plugins import BasePlugin

from agent.chat.turn import Turn
from agent.core import branches
from agent.core.branches import BRANCHES
from agent.core.choices import CHOSEN
from agent.core.figures import to_stored

# The turn that runs, in its own task.
running_turn: ContextVar[Turn] = ContextVar("running_turn")


class Measures(BasePlugin):
    """An ADK plugin, because plugins get an event before it is stored. It comes before the owner's:
    the first plugin that gives ADK another event is the last that is asked."""

    def __init__(self) -> None:
        # ADK refuses two plugins of one name, and the owner's app may have some of its own.
        super().__init__(name="adk_chat_page_measures")

    async def before_run_callback(self, *, invocation_context: InvocationContext) -> None:
        """Note when the question was stored. ADK tells of it as of any event, but not where the
        agent is a sequence, a loop or a class of the owner's own (`yield_user_message`,
        adk/runners.py); the next turn would be told the chat without it."""
        turn, session = running_turn.get(None), invocation_context.session
        if turn is None or session.id != turn.session_id:
            return
        for event in session.events[-1:]:
            if event.invocation_id == invocation_context.invocation_id:
                turn.asked_at = turn.asked_at or event.timestamp

    async def on_event_callback(
        self, *, invocation_context: InvocationContext, event: Event
    ) -> None:
        """Put it into the event itself, which is not part of what the turn has counted yet."""
        turn = running_turn.get(None)
        if turn is None or event.author == "user":
            return
        if event.branch:
            branches.note(event, turn.branches)
        if event.partial:
            return
        if invocation_context.session.id != turn.session_id:
            # An agent that is used as a tool has a session of its own, and the turn is told of its
            # result alone (adk/tools/agent_tool.py).
            turn.usage.count(event)
            return
        usage, figures = turn.usage.after(event), replace(turn.figures, total=turn.seconds)
        if figures.first_token is None and event.is_final_response():
            figures.first_token = figures.total  # Nothing of it was streamed.
        metadata = to_stored(figures, usage)
        if usage.chosen:
            metadata |= {CHOSEN: dict(usage.chosen)}
        if event.branch:
            metadata |= {BRANCHES: list(turn.branches)}
        event.custom_metadata = (event.custom_metadata or {}) | metadata

"""ADK's compaction, where the agent's `App` asks for it: the model is told a summary of earlier
events in their place. The visitor is shown what was said all the same.

ADK has a model write the summary, before it asks the agent's model or after that has answered. Here
the second holds no answer up, and neither costs more than there is, or fails an answer.
"""

import asyncio
import logging
import warnings
from collections.abc import Coroutine
from contextvars import ContextVar
from typing import Any

from google.adk.agents import LlmAgent
from google.adk.agents.invocation_context import InvocationContext
from google.adk.apps import App
from google.adk.apps.base_events_summarizer import BaseEventsSummarizer
from google.adk.apps.llm_event_summarizer import LlmEventSummarizer
from google.adk.events import Event
from google.adk.plugins import BasePlugin

from agent.limits.budget import current_usage, token_usage
from agent.models.without_key import is_offline

log = logging.getLogger(__name__)

# Seconds that a summary may take: less than a visitor waits for the first sign of an answer.
SUMMARY_TIMEOUT = 20.0

# The session of the running turn, and what is set when the agent has answered in it. What a turn's
# task starts inherits it.
_running: ContextVar[tuple[str, asyncio.Event]] = ContextVar("running")


def with_compaction(app: App, agents: list[LlmAgent]) -> App:
    """The app with compaction as it is done here, if its owner has configured any.

    Args:
        app: The owner's.
        agents: All its agents with a model. By default the first one's writes the summaries.
    """
    if not (config := app.events_compaction_config):
        return app
    with warnings.catch_warnings(action="ignore"):  # ADK's base class is experimental, it says.
        summarizer = Summarizer(config.summarizer, agents[0] if agents else None)
    changed = config.model_copy(update={"summarizer": summarizer})
    plugins = [RunEnd(), *app.plugins]
    return app.model_copy(update={"events_compaction_config": changed, "plugins": plugins})


class Summarizer(BaseEventsSummarizer):
    """Has the owner's summarizer, or else ADK's, sum events up, on the budget of the turn. If it
    fails or may cost nothing, there is no summary, and the model is told the events themselves."""

    def __init__(self, summarizer: BaseEventsSummarizer | None, agent: LlmAgent | None) -> None:
        self._summarizer, self._agent = summarizer, agent

    async def maybe_summarize_events(self, *, events: list[Event]) -> Event | None:
        """The event with the summary; None where there is none."""
        # A visitor's key does not pay for it, because the owner's summarizer may be anything; nor
        # does the host's for that visitor.
        if current_usage().is_offline or current_usage().is_on_own_key:
            return None
        try:
            async with asyncio.timeout(SUMMARY_TIMEOUT):
                summary = await self._summarize(events)
        except Exception as error:
            log.warning(
                "Earlier messages could not be summed up (%s). The model is told them as they are.",
                type(error).__name__,
            )
            return None
        if summary and (usage := token_usage.get(None)):
            usage.add_summary(summary)
        return summary

    async def _summarize(self, events: list[Event]) -> Event | None:
        summarizer = self._summarizer
        if summarizer is None and self._agent:
            model = self._agent.canonical_model
            # It is a program, which cannot sum anything up.
            summarizer = None if is_offline(model) else LlmEventSummarizer(model)
        return await summarizer.maybe_summarize_events(events=events) if summarizer else None


class RunEnd(BasePlugin):
    """An ADK plugin, because plugins are told when the agent has answered, before ADK goes on to
    what comes after that."""

    def __init__(self) -> None:
        # ADK refuses two plugins of one name, and the owner's app may have some of its own.
        super().__init__(name="adk_chat_page_run_end")

    async def after_run_callback(self, *, invocation_context: InvocationContext) -> None:
        """Called for an agent that is used as a tool, too, which has a session of its own."""
        session_id, answered = _running.get(("", asyncio.Event()))
        if invocation_context.session.id == session_id:
            answered.set()


async def until_answered(
    run: Coroutine[Any, Any, None], session_id: str
) -> asyncio.Task[None] | None:
    """Do a run of ADK's until the agent has answered.

    Returns:
        The task in which ADK goes on to compact; None if the run is over.

    Raises:
        Exception: what the run raises.
    """
    answered = asyncio.Event()
    token = _running.set((session_id, answered))
    task, signal = asyncio.create_task(run), asyncio.create_task(answered.wait())
    _running.reset(token)
    try:
        await asyncio.wait({task, signal}, return_when=asyncio.FIRST_COMPLETED)
    except asyncio.CancelledError:
        task.cancel()
        await asyncio.wait({task})
        raise
    finally:
        signal.cancel()
    if not task.done():
        task.add_done_callback(lambda task: task.cancelled() or task.exception())
        return task
    task.result()
    return None

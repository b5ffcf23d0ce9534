"""Another way to an answer where a model's first way fails: without streaming, by another model, by
the offline one. Each step is said in the answer.

An ADK plugin, because plugins are asked for every model in an agent's tree. The owner's
plugins and the agent's own callbacks for errors come first.
"""

import logging
import re
from contextlib import aclosing
from typing import Any
from weakref import WeakKeyDictionary

from google.adk.agents.callback_context import CallbackContext
from google.adk.agents.run_config import StreamingMode
from google.adk.models import BaseLlm, LlmRequest, LlmResponse
from google.adk.plugins import BasePlugin

from agent.chat.measures import running_turn
from agent.chat.turn import Turn
from agent.core.adk_internals import agent_of
from agent.core.containment import describe
from agent.core.errors import explain, is_about_streaming
from agent.core.notices import Notice
from agent.limits.budget import OFFLINE_MODEL, answer_offline, current_usage
from agent.models.credentials import fallbacks, name_of
from agent.models.litellm_setup import is_litellm

log = logging.getLogger(__name__)

# The failures of a model that is not there at the moment.
OUT_OF_REACH = {"unreachable", "connection_broken", "model_failed", "model_slow"}

# What is in no model's name, and may be Markdown.
UNUSUAL = re.compile(r"[^\w.:/@+ -]")


class Degrading(BasePlugin):
    """Tells of a fallback, and finds another way before an answer's first word.

    Args:
        offline_fallback: Whether the offline model may answer where the AI cannot be reached.
    """

    def __init__(self, offline_fallback: bool) -> None:
        # ADK refuses two plugins of one name, and the owner's app may have some of its own.
        super().__init__(name="adk_chat_page_degrading")
        self._offline_fallback = offline_fallback
        # The requests of each turn that are not answered yet, by the agent.
        self._requests: WeakKeyDictionary[Turn, dict[str, LlmRequest]] = WeakKeyDictionary()

    async def before_model_callback(
        self, *, callback_context: CallbackContext, llm_request: LlmRequest
    ) -> LlmResponse | None:
        """None, for the call to be made."""
        model = _model_of(callback_context)
        if turn := running_turn.get(None):
            self._requests.setdefault(turn, {})[callback_context.agent_name] = llm_request
        if any(map(is_litellm, [model, *fallbacks(model)])) and llm_request.config.http_options:
            # LiteLLM would retry by them whatever fails, a wrong key as well, on top of its own
            # retries, which know better (adk/models/lite_llm.py).
            llm_request.config.http_options.retry_options = None
        return None

    async def after_model_callback(
        self, *, callback_context: CallbackContext, llm_response: LlmResponse
    ) -> LlmResponse | None:
        """None, for the response to stay. ADK's `FallbackModel` has left in the request which of
        its models has answered it."""
        turn, models = running_turn.get(None), fallbacks(_model_of(callback_context))
        if turn is None or not models:
            return None
        first = name_of(models[0])
        request = self._requests.get(turn, {}).pop(callback_context.agent_name, None)
        second = request.model if request and request.model else first
        if second == OFFLINE_MODEL.model != first:
            turn.add_notice(Notice("unreachable_offline"))
        elif second != first:
            names = {"first": _shown(first), "second": _shown(second)}
            turn.add_notice(Notice("fell_back", names))
        return None

    async def on_model_error_callback(
        self, *, callback_context: CallbackContext, llm_request: LlmRequest, error: Exception
    ) -> LlmResponse | None:
        """An answer that was found in another way; None where there is none, and the call has
        failed."""
        # By which one sees what LiteLLM's error means (core/errors.py); ADK loses the context.
        error.__cause__ = error.__cause__ or error.__context__
        if getattr(error, "details", None) is None:
            # Else ADK looks for them in the response, which in a stream cannot be read, and hides
            # what has failed (adk/workflow/_errors.py).
            error.details = ""  # type: ignore[attr-defined]
        turn, agent = running_turn.get(None), agent_of(callback_context)
        if not (turn and agent) or agent.canonical_on_model_error_callbacks:
            return None
        if not all(isinstance(entry, Notice) for entry in turn.transcript):
            return None
        config = callback_context.run_config
        if config and config.streaming_mode == StreamingMode.SSE and is_about_streaming(error):
            # For the rest of the run, in which the agent may ask its model again.
            config.streaming_mode, turn.record.is_streamed = StreamingMode.NONE, False
            log.warning("%s is asked once more without streaming. %s", agent.name, describe(error))
            turn.add_notice(Notice("not_streamed"))
            if answer := await _ask_whole(agent.canonical_model, agent.name, llm_request):
                return answer
        if self._offline_fallback and explain(error, "model").code in OUT_OF_REACH:
            log.warning("The offline model answers for %s. %s", agent.name, describe(error))
            current_usage().is_offline = True
            turn.add_notice(Notice("unreachable_offline"))
            return await answer_offline(llm_request)
        return None


async def _ask_whole(model: BaseLlm, agent: str, request: LlmRequest) -> LlmResponse | None:
    """The model's answer to a request, in one piece; None where it fails, or may not be asked."""
    usage = current_usage()
    if usage.admit(agent):
        return None
    usage.begin_call(agent, usage.bound(agent))
    try:
        async with aclosing(model.generate_content_async(request, stream=False)) as answer:
            return [response async for response in answer][-1]
    except Exception as error:
        usage.end_call(agent)
        log.warning("That has failed, too. %s", describe(error))
        return None


def _model_of(context: CallbackContext) -> Any:
    agent = agent_of(context)
    return agent.model if agent else ""


def _shown(name: str) -> str:
    """A model's name in a sentence, without its provider's."""
    return UNUSUAL.sub("", name.rpartition("/")[2])

"""Limits what the models of a turn may cost: how many calls and tokens, and on whose key.

An ADK plugin, because plugins are asked before every call of every model in an agent's tree,
whoever made it (adk/flows/llm_flows/core/_model_call.py).
"""

import asyncio
import logging
import re
from contextvars import ContextVar
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

from google.adk.agents.callback_context import CallbackContext
from google.adk.models import LlmRequest, LlmResponse
from google.adk.plugins import BasePlugin
from google.genai import types

from agent.core.adk_internals import agent_of
from agent.core.errors import BUDGET_SPENT, MAX_TOKENS, TOO_MANY_CALLS
from agent.models.credentials import is_complete
from agent.models.offline import AskedToFail, OfflineModel, with_credentials
from agent.models.offline_schema import NoStandIn

log = logging.getLogger(__name__)

# Tools that a model may call in one reply. ADK runs all of them at once.
MAX_CALLS_PER_REPLY = 50

OFFLINE_MODEL = OfflineModel()

# A loop of the offline model's calls, which cost nothing, must end too: after as many as ADK's own
# default (`RunConfig.max_llm_calls`).
MAX_FREE_CALLS = 500

# How many tokens a Gemini without a thinking budget may think: the largest budget that every Gemini
# 2.5 takes (https://ai.google.dev/gemini-api/docs/thinking).
MOST_THOUGHTS = 24_576

# The Geminis that think unless they are told not to. Those that speak do not think, and take fewer
# tokens than that.
THINKS = re.compile(r"gemini-(2\.5|[3-9]|[1-9]\d|pro|flash)(?!.*(tts|audio|live))")


@dataclass
class TokenUsage:
    """The calls and tokens of all models in one turn so far."""

    # How many calls there may be that cost something; 0 is any number.
    max_calls: int = 0
    calls: int = 0
    free_calls: int = 0
    # Whether the day's tokens are spent, so that no further call may be made.
    is_budget_spent: bool = False
    # Whether the offline model answers from now on in place of the agents' own.
    is_offline: bool = False
    # Whether it is a talk, whose models are chosen when they are connected
    # (agent/chat/live_line.py).
    is_talk: bool = False
    # Whether all calls are on a key of the visitor's own, and none on the host's.
    is_on_own_key: bool = False
    # How many summaries of earlier events were made; their calls are not counted in `calls`.
    summaries: int = 0

    # Tokens of all calls but each agent's latest.
    _earlier: int = 0
    # Tokens of each agent's latest call, as far as the model has reported them.
    _latest: dict[str, int] = field(default_factory=dict)
    # How many tokens `take_uncounted` has returned so far.
    _counted: int = 0
    # What bounds the length of each agent's latest answer, in words for the log.
    _bounds: dict[str, str] = field(default_factory=dict)
    # Since when each agent waits for its model, in seconds of `time.monotonic`, and in which task.
    _waiting: dict[str, tuple[float, asyncio.Task[Any] | None]] = field(default_factory=dict)

    def admit(self, agent: str, is_free: bool = False) -> str | None:
        """Count one more call; None if it may be made, else an error code.

        The code ends the whole turn: a loop of agents would otherwise go on without a model.
        """
        self._earlier += self._latest.pop(agent, 0)
        if is_free:
            self.free_calls += 1
            most, calls = max(self.max_calls, MAX_FREE_CALLS), self.free_calls
        else:
            self.calls += 1
            most, calls = self.max_calls, self.calls
        if self.max_calls and calls > most:
            return TOO_MANY_CALLS
        return BUDGET_SPENT if self.is_budget_spent and not is_free else None

    def report(self, agent: str, response: LlmResponse) -> None:
        """Count the tokens of a call. Each of its responses reports the total so far."""
        tokens = _total(response.usage_metadata) if response.usage_metadata else 0
        self._latest[agent] = max(tokens, self._latest.get(agent, 0))

    def add_call(self, reported: types.GenerateContentResponseUsageMetadata) -> None:
        """Count the tokens that a model reports in a talk: each time those since the last
        report."""
        self._earlier += _total(reported)

    def begin_call(self, agent: str, bound: str) -> None:
        """Note that an agent calls its model, and what bounds the length of the answer."""
        self._bounds[agent] = bound
        self._waiting[agent] = monotonic(), asyncio.current_task()

    def end_call(self, agent: str) -> None:
        """Note that the agent's model has finished, or failed."""
        self._waiting.pop(agent, None)

    def bound(self, agent: str) -> str:
        """What bounds the length of the agent's latest answer."""
        return self._bounds.get(agent, "the model's own limit")

    def take_uncounted(self) -> int:
        """The tokens since this was called last."""
        counted, self._counted = self._counted, self.tokens
        return self._counted - counted

    @property
    def waiting_since(self) -> float | None:
        """Since when the longest of the running model calls runs, in seconds of `time.monotonic`;
        None while no model is at work."""
        # A cancelled call gets no `end_call`, but its task is done.
        calls = tuple(self._waiting.values())
        return min((since for since, task in calls if task and not task.done()), default=None)

    def add_summary(self, response: LlmResponse) -> None:
        """Count a summary and its tokens: ADK asks no plugin about its call."""
        self.summaries += 1
        self._earlier += _total(response.usage_metadata) if response.usage_metadata else 0

    @property
    def tokens(self) -> int:
        """The tokens of all calls, also of those that were cut off."""
        return self._earlier + sum(self._latest.values())


# The running turn's usage, shared by all its agents: ADK counts the calls of an agent that is used
# as a tool apart from those of the agent that uses it, and does not report their tokens.
token_usage: ContextVar[TokenUsage] = ContextVar("token_usage")


class Budget(BasePlugin):
    """Limits each model call by the turn's `token_usage`.

    Args:
        max_output_tokens: How many tokens a call may write beside its thoughts; 0 is any number.
    """

    def __init__(self, max_output_tokens: int) -> None:
        # ADK refuses two plugins of one name, and the owner's app may have some of its own.
        super().__init__(name="adk_chat_page_budget")
        self._max_output_tokens = max_output_tokens

    async def before_model_callback(
        self, *, callback_context: CallbackContext, llm_request: LlmRequest
    ) -> LlmResponse | None:
        """The offline model's answer, or an error, in place of the call; None for the call to be
        made, with no more output tokens than it may have."""
        usage, agent = current_usage(), callback_context.agent_name
        lacks_credentials = not usage.is_offline and _lacks_credentials(
            callback_context, llm_request
        )
        is_offline = llm_request.model == OFFLINE_MODEL.model or lacks_credentials
        if error_code := usage.admit(agent, usage.is_offline or is_offline):
            return LlmResponse(error_code=error_code)
        if usage.is_talk:
            self.bound_output(llm_request)
            return None
        if usage.is_offline:
            return await answer_offline(llm_request)
        if lacks_credentials:
            return await _stand_in(callback_context, llm_request)
        usage.begin_call(agent, self.bound_output(llm_request))
        return None

    def bound_output(self, request: LlmRequest) -> str:
        """Bound the length of the answer; the bound in words, for the log."""
        config, most = request.config, self._max_output_tokens
        own = config.max_output_tokens
        room = most + thinking_room(request)
        if most and not (own and own <= room):
            config.max_output_tokens = room
            beside = f", beside room for {room - most} tokens of thoughts" if room > most else ""
            return f"MAX_OUTPUT_TOKENS={most}{beside}"
        return f"the agent's own max_output_tokens={own}" if own else "the model's own limit"

    async def after_model_callback(
        self, *, callback_context: CallbackContext, llm_response: LlmResponse
    ) -> LlmResponse | None:
        """Count a response; one with too many tool calls, without those beyond the limit.

        ADK calls this for every part of an answer. So answers that are cut off are counted too.
        """
        usage, agent = current_usage(), callback_context.agent_name
        usage.report(agent, llm_response)
        if not llm_response.partial:
            usage.end_call(agent)
            if MAX_TOKENS in (llm_response.error_code, llm_response.finish_reason):
                log.warning("An answer of %s was cut off by %s.", agent, usage.bound(agent))
        return _with_fewer_calls(llm_response)

    async def on_model_error_callback(
        self, *, callback_context: CallbackContext, llm_request: LlmRequest, error: Exception
    ) -> None:
        """Note that the failed call is over."""
        current_usage().end_call(callback_context.agent_name)


def _with_fewer_calls(response: LlmResponse) -> LlmResponse | None:
    """The response with its first `MAX_CALLS_PER_REPLY` tool calls; None if it has no more."""
    parts = (response.content and response.content.parts) or []
    calls = [part for part in parts if part.function_call]
    if response.content is None or len(calls) <= MAX_CALLS_PER_REPLY:
        return None
    log.warning(
        "The model called %d tools in one reply, of which %d are run.",
        len(calls),
        MAX_CALLS_PER_REPLY,
    )
    left_out = {id(part) for part in calls[MAX_CALLS_PER_REPLY:]}
    kept = [part for part in parts if id(part) not in left_out]
    content = response.content.model_copy(update={"parts": kept})
    return response.model_copy(update={"content": content})


def thinking_room(request: LlmRequest) -> int:
    """How many tokens the model may think, which Gemini counts among those of its answer."""
    thinking = request.config.thinking_config
    budget = thinking.thinking_budget if thinking else None
    if budget is not None and budget >= 0:
        return budget
    return MOST_THOUGHTS if thinking or THINKS.search(request.model or "") else 0


def _lacks_credentials(context: CallbackContext, request: LlmRequest) -> bool:
    """Whether the agent's model has no credentials. At the start such models were replaced: so the
    agent was made later."""
    agent = agent_of(context)
    model = agent.model or agent.canonical_model if agent else request.model or ""
    return not is_complete(model)


async def _stand_in(context: CallbackContext, request: LlmRequest) -> LlmResponse | None:
    """Give the offline model to an agent without credentials that was made after the start, as by a
    node; None then. Where the agent is not found, the offline model's answer."""
    if agent := agent_of(context):
        agent.model = with_credentials(agent.model or agent.canonical_model)
        return None
    return await answer_offline(request)


async def answer_offline(request: LlmRequest) -> LlmResponse:
    """The offline model's answer, in one piece; an error code where it has failed."""
    try:
        [answer] = [response async for response in OFFLINE_MODEL.generate_content_async(request)]
    except (AskedToFail, NoStandIn) as error:
        # Not raised: ADK would hide which error it was.
        return LlmResponse(error_code=type(error).__name__)
    return answer


def _total(usage: types.GenerateContentResponseUsageMetadata) -> int:
    """The total that a model reports, which counts more than these parts; else their sum."""
    parts = usage.prompt_token_count, usage.candidates_token_count, usage.thoughts_token_count
    return usage.total_token_count or sum(filter(None, parts))


def current_usage() -> TokenUsage:
    """The running turn's usage; outside of a turn, as in `adk web`, one that nobody reads."""
    return token_usage.get(None) or TokenUsage()

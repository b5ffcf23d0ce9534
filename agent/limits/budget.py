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

# A loop of the offline model's calls, which cost nothing, must end too: here where ADK itself ends
# one by default.
MAX_FREE_CALLS = 500

# How many tokens a Gemini may think that is given no budget: the largest one that each of 2.5 takes
# (https://ai.google.dev/gemini-api/docs/thinking).
MOST_THOUGHTS = 24_576

# The Geminis that think unless they are told not to. Those that speak think not, and take fewer
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
    # Whether all of it is on a key of the visitor's own, and so nothing of the host's.
    is_on_own_key: bool = False
    # How many summaries of earlier events were made; their calls are not among those.
    summaries: int = 0

    # Tokens of all calls but each agent's latest.
    _earlier: int = 0
    # Tokens of each agent's latest call, as far as the model has reported them.
    _latest: dict[str, int] = field(default_factory=dict)
    # How many of them `take_uncounted` has returned.
    _counted: int = 0
    # What sets the bound of each agent's latest answer, for the log.
    _bounds: dict[str, str] = field(default_factory=dict)
    # Since when each agent waits for its model, in seconds of `time.monotonic`, and in which task.
    _waiting: dict[str, tuple[float, asyncio.Task[Any] | None]] = field(default_factory=dict)

    def admit(self, agent: str, is_free: bool = False) -> str | None:
        """Count one more call; None if it may be made, else an error code, which ends the whole
        turn: a loop of agents would otherwise go on without a model."""
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
        """Count the tokens of a call; each of its responses reports all of them until then."""
        tokens = _total(response.usage_metadata) if response.usage_metadata else 0
        self._latest[agent] = max(tokens, self._latest.get(agent, 0))

    def add_call(self, reported: types.GenerateContentResponseUsageMetadata) -> None:
        """Count what a model has reported in a talk, each time of what has come since the last."""
        self._earlier += _total(reported)

    def begin_call(self, agent: str, bound: str) -> None:
        """An agent calls its model, the length of whose answer this bounds."""
        self._bounds[agent] = bound
        self._waiting[agent] = monotonic(), asyncio.current_task()

    def end_call(self, agent: str) -> None:
        """The model has said all, or failed."""
        self._waiting.pop(agent, None)

    def bound(self, agent: str) -> str:
        """What bounds the length of the agent's latest answer."""
        return self._bounds.get(agent, "the model's own limit")

    def take_uncounted(self) -> int:
        """The tokens since it was called last."""
        counted, self._counted = self._counted, self.tokens
        return self._counted - counted

    @property
    def waiting_since(self) -> float | None:
        """Since when a model has been asked that has not said all yet, in seconds of
        `time.monotonic`; None while the agents themselves are at work."""
        # Of a call that was cancelled nobody tells the end, but its task is done.
        calls = tuple(self._waiting.values())
        return min((since for since, task in calls if task and not task.done()), default=None)

    def add_summary(self, response: LlmResponse) -> None:
        """Count a summary, of whose call no plugin is told."""
        self.summaries += 1
        self._earlier += _total(response.usage_metadata) if response.usage_metadata else 0

    @property
    def tokens(self) -> int:
        """Of all calls, those that were cut off included."""
        return self._earlier + sum(self._latest.values())


# The running turn's, shared by all agents in it: ADK counts the calls of an agent that is used as a
# tool apart from those of the agent that uses it, and reports no tokens of them.
token_usage: ContextVar[TokenUsage] = ContextVar("token_usage")


class Budget(BasePlugin):
    """Limits each model call by the turn's `token_usage`.

    Args:
        max_output_tokens: How many tokens a call may give beside its thoughts; 0 is any number.
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
        """Bound the length of the answer; what bounds it, for the log."""
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
        """Count a response: called for every partial of an answer, so that what is cut off is
        counted too. One with more tool calls than there may be is replaced by one with the first
        of them."""
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
        """A call that has failed is over."""
        current_usage().end_call(callback_context.agent_name)


def _with_fewer_calls(response: LlmResponse) -> LlmResponse | None:
    parts = (response.content and response.content.parts) or []
    calls = [part for part in parts if part.function_call]
    if response.content is None or len(calls) <= MAX_CALLS_PER_REPLY:
        return None
    log.warning(
        "The model called %d tools in one reply, of which %d are run.",
        *(len(calls), MAX_CALLS_PER_REPLY),
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
    """Whether it is an agent without credentials that was not there at the start."""
    agent = agent_of(context)
    model = agent.model or agent.canonical_model if agent else request.model or ""
    return not is_complete(model)


async def _stand_in(context: CallbackContext, request: LlmRequest) -> LlmResponse | None:
    """Give the offline model to an agent without credentials that was not there at the start, such
    as one that a node makes; where that cannot be, its answer."""
    if agent := agent_of(context):
        agent.model = with_credentials(agent.model or agent.canonical_model)
        return None
    return await answer_offline(request)


async def answer_offline(request: LlmRequest) -> LlmResponse:
    """The offline model's answer, in one piece; an error code where it has failed."""
    try:
        [answer] = [response async for response in OFFLINE_MODEL.generate_content_async(request)]
    except (AskedToFail, NoStandIn) as error:
        return LlmResponse(error_code=type(error).__name__)  # ADK would hide what was raised here.
    return answer


def _total(usage: types.GenerateContentResponseUsageMetadata) -> int:
    """The total, which has more in it than the parts; their sum where a model gives no total."""
    parts = usage.prompt_token_count, usage.candidates_token_count, usage.thoughts_token_count
    return usage.total_token_count or sum(filter(None, parts))


def current_usage() -> TokenUsage:
    """The running turn's; one that nobody reads where there is none, as in `adk web`."""
    return token_usage.get(None) or TokenUsage()

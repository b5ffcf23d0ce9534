"""Limits what the models of a turn may cost: how many calls and tokens, and on whose key.

An ADK plugin, because plugins are asked before every call of every model in an agent's tree,
whoever made it (adk/flows/llm_flows/core/_model_call.py).
"""

import logging
from contextvars import ContextVar
from dataclasses import dataclass, field

from google.adk.agents.callback_context import CallbackContext
from google.adk.models import LlmRequest, LlmResponse
from google.adk.plugins import BasePlugin
from google.genai import types

from agent.models.offline import WHAT_I_AM, AskedToFail, OfflineModel

log = logging.getLogger(__name__)

# Tools that a model may call in one reply. ADK runs all of them at once.
MAX_CALLS_PER_REPLY = 50

# Whether the offline model answers in this turn in place of the agent's own. What a turn's task
# starts inherits it, agents that are used as tools included.
use_offline: ContextVar[bool] = ContextVar("use_offline", default=False)

OFFLINE_MODEL = OfflineModel(introduction=WHAT_I_AM)


@dataclass
class TokenUsage:
    """The calls and tokens of all models in one turn so far."""

    # How many calls there may be; 0 is any number.
    max_calls: int = 0
    calls: int = 0

    # Tokens of all calls but each agent's latest.
    _earlier: int = 0
    # Tokens of each agent's latest call, as far as the model has reported them.
    _latest: dict[str, int] = field(default_factory=dict)

    def admit(self, agent: str) -> bool:
        """Count one more call; whether it may be made."""
        self._earlier += self._latest.pop(agent, 0)
        self.calls += 1
        return not self.max_calls or self.calls <= self.max_calls

    def report(self, agent: str, response: LlmResponse) -> None:
        """Count the tokens of a call; each of its responses reports all of them until then."""
        tokens = _total(response.usage_metadata) if response.usage_metadata else 0
        self._latest[agent] = max(tokens, self._latest.get(agent, 0))

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
        max_output_tokens: How many tokens a call may give; 0 is any number.
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
        if use_offline.get():
            return await _answer_offline(llm_request)
        if not _current_usage().admit(callback_context.agent_name):
            return LlmResponse(error_code="TOO_MANY_LLM_CALLS")
        most = self._max_output_tokens
        wanted = llm_request.config.max_output_tokens or most
        llm_request.config.max_output_tokens = min(wanted, most or wanted) or None
        return None

    async def after_model_callback(
        self, *, callback_context: CallbackContext, llm_response: LlmResponse
    ) -> LlmResponse | None:
        """Count a response: called for every partial of an answer, so that what is cut off is
        counted too. One with more tool calls than there may be is replaced by one with the first
        of them."""
        _current_usage().report(callback_context.agent_name, llm_response)
        return _with_fewer_calls(llm_response)


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


async def _answer_offline(request: LlmRequest) -> LlmResponse:
    try:
        [answer] = [response async for response in OFFLINE_MODEL.generate_content_async(request)]
    except AskedToFail as error:
        return LlmResponse(error_code=type(error).__name__)  # ADK would hide what was raised here.
    return answer


def _total(usage: types.GenerateContentResponseUsageMetadata) -> int:
    """The total, which has more in it than the parts; their sum where a model gives no total."""
    parts = usage.prompt_token_count, usage.candidates_token_count, usage.thoughts_token_count
    return usage.total_token_count or sum(filter(None, parts))


def _current_usage() -> TokenUsage:
    """The running turn's; one that nobody reads where there is none, as in `adk web`."""
    return token_usage.get(None) or TokenUsage()

"""On what terms the agent's models may be called in a turn: how many tokens, and on whose key.

An ADK plugin, since it is asked before every call of every model in an agent's tree, whatever
their makers (adk/flows/llm_flows/core/_model_call.py).
"""

from contextvars import ContextVar
from dataclasses import dataclass, field

from google.adk.agents.callback_context import CallbackContext
from google.adk.models import LlmRequest, LlmResponse
from google.adk.plugins import BasePlugin
from google.genai import types

from agent.models.offline import WHAT_I_AM, AskedToFail, OfflineModel

use_offline: ContextVar[bool] = ContextVar("for_free", default=False)
"""Whether the offline model answers in this turn in place of the agent's own. What a turn's task
starts inherits it, agents that are used as tools included."""


@dataclass
class TokenUsage:
    """What the models of one turn have cost so far."""

    most_calls: int = 0
    """How many calls there may be; 0 is any number."""

    calls: int = 0

    _before: int = 0
    _latest: dict[str, int] = field(default_factory=dict)
    """Tokens of each agent's latest call, as far as the model has reported them."""

    def admit(self, agent: str) -> bool:
        """Count one more call; whether it may be made."""
        self._before += self._latest.pop(agent, 0)
        self.calls += 1
        return not self.most_calls or self.calls <= self.most_calls

    def report(self, agent: str, response: LlmResponse) -> None:
        """Count what a call has used; each report of one call has all of it until then."""
        tokens = _tokens(response.usage_metadata) if response.usage_metadata else 0
        self._latest[agent] = max(tokens, self._latest.get(agent, 0))

    @property
    def tokens(self) -> int:
        """Of all calls, those that were cut off included."""
        return self._before + sum(self._latest.values())


token_usage: ContextVar[TokenUsage] = ContextVar("account")
"""The running turn's, for all agents that are at work in it: ADK itself counts the calls of an
agent that is used as a tool apart, and tells nobody of their tokens."""

OFFLINE_MODEL = OfflineModel(introduction=WHAT_I_AM)


class Budget(BasePlugin):
    """The host's terms for each call."""

    def __init__(self, max_output_tokens: int) -> None:
        super().__init__(name="terms")
        self._most = max_output_tokens

    async def before_model_callback(
        self, *, callback_context: CallbackContext, llm_request: LlmRequest
    ) -> LlmResponse | None:
        """The offline model's answer where nothing may be spent; else None, for the call to go
        on with no more tokens than it may have."""
        if use_offline.get():
            return await _answer_for_free(llm_request)
        if not _token_usage().admit(callback_context.agent_name):
            return LlmResponse(error_code="TOO_MANY_LLM_CALLS")
        wanted = llm_request.config.max_output_tokens or self._most
        llm_request.config.max_output_tokens = min(wanted, self._most or wanted) or None
        return None

    async def after_model_callback(
        self, *, callback_context: CallbackContext, llm_response: LlmResponse
    ) -> None:
        """Called for every piece of an answer, so that what is cut off is counted too."""
        _token_usage().report(callback_context.agent_name, llm_response)


async def _answer_for_free(request: LlmRequest) -> LlmResponse:
    try:
        [answer] = [whole async for whole in OFFLINE_MODEL.generate_content_async(request)]
    except AskedToFail as error:
        return LlmResponse(error_code=type(error).__name__)  # ADK would hide what was raised here.
    return answer


def _tokens(used: types.GenerateContentResponseUsageMetadata) -> int:
    """The total, which has more in it than the parts; but not every model gives it."""
    parts = used.prompt_token_count, used.candidates_token_count, used.thoughts_token_count
    return used.total_token_count or sum(filter(None, parts))


def _token_usage() -> TokenUsage:
    """The turn's; one for nobody where there is none, as in `adk web`."""
    return token_usage.get(None) or TokenUsage()

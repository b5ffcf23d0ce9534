"""On what terms the agent's models may be called in a turn: how many tokens, and on whose key.

An ADK plugin, since it is asked before every call of every model in an agent's tree, whatever
their makers (adk/flows/llm_flows/core/_model_call.py).
"""

from contextvars import ContextVar

from google.adk.agents.callback_context import CallbackContext
from google.adk.models import LlmRequest, LlmResponse
from google.adk.plugins import BasePlugin

from agent.offline import WHAT_I_AM, OfflineModel

for_free: ContextVar[bool] = ContextVar("for_free", default=False)
"""Whether the offline model answers in this turn in place of the agent's own. What a turn's task
starts inherits it, agents that are used as tools included."""

STAND_IN = OfflineModel(introduction=WHAT_I_AM)


class Terms(BasePlugin):
    """The host's terms for each call."""

    def __init__(self, max_output_tokens: int) -> None:
        super().__init__(name="terms")
        self._most = max_output_tokens

    async def before_model_callback(
        self, *, callback_context: CallbackContext, llm_request: LlmRequest
    ) -> LlmResponse | None:
        """The offline model's answer where nothing may be spent; else None, for the call to go
        on with no more tokens than it may have."""
        if for_free.get():
            [answer] = [whole async for whole in STAND_IN.generate_content_async(llm_request)]
            return answer
        wanted = llm_request.config.max_output_tokens or self._most
        llm_request.config.max_output_tokens = min(wanted, self._most or wanted) or None
        return None

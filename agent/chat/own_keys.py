"""A visitor's own key at the models of a turn: theirs alone, and never the host's in its place."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace

from google.adk.agents import LlmAgent
from google.adk.agents.callback_context import CallbackContext
from google.adk.models import BaseLlm, Gemini, LlmRequest, LlmResponse
from google.adk.plugins import BasePlugin

from agent.chat.turn import Turn
from agent.core.adk_internals import agent_of
from agent.core.choices import chosen_of
from agent.core.errors import KEY_NOT_USED, mark_own_key
from agent.core.own_key import checked_key, own_key
from agent.core.question import Question
from agent.core.settings import Settings
from agent.models.coalescing import coalescing
from agent.models.offline import OFFLINE_NAME, OfflineModel
from agent.models.without_key import (
    OfflineWithoutKey,
    for_own_keys,
    offline_without_key,
    takes_own_key,
    with_own_key,
)


@asynccontextmanager
async def on_its_key(turn: Turn, question: Question, settings: Settings) -> AsyncIterator[Question]:
    """While inside, the turn's models are asked on the key that comes with the question; without
    one, on the host's. Yields the question without its key, because the question is kept.

    Raises:
        PlainError: if the key cannot be used here.
    """
    key = checked_key(question.visitor.key, settings)
    own_key.set(key)
    turn.spent.is_on_own_key = key is not None
    turn.usage.chosen = chosen_of(question.options, key is not None)
    try:
        yield replace(question, visitor=replace(question.visitor, key=None))
    finally:
        if key:
            key.drop()


class OwnKeys(BasePlugin):
    """Has each request to a model sent on the key of the running turn's visitor, if there is one.

    An ADK plugin, because plugins are asked before every call of every model in an agent's tree,
    those of agents that are used as tools among them.
    """

    def __init__(self) -> None:
        # ADK refuses two plugins of one name, and the owner's app may have some of its own.
        super().__init__(name="adk_chat_page_own_keys")

    async def before_model_callback(
        self, *, callback_context: CallbackContext, llm_request: LlmRequest
    ) -> LlmResponse | None:
        """None, for the call to be made; an error in its place where that would be on the host's
        key."""
        key, agent = own_key.get(), agent_of(callback_context)
        if key is None:
            if agent and isinstance(agent.model, OfflineWithoutKey):
                llm_request.model = OFFLINE_NAME
            return None
        model = None
        with suppress(ValueError, ImportError):  # Of an unknown name: it is not asked at all.
            model = agent.canonical_model if agent else None
        if isinstance(model, OfflineModel):
            return None
        if not (key.value and takes_own_key(model)):
            return LlmResponse(error_code=KEY_NOT_USED)
        with_own_key(llm_request, key.value)
        return None

    async def on_model_error_callback(
        self, *, callback_context: CallbackContext, llm_request: LlmRequest, error: Exception
    ) -> None:
        """Note whose key it was that has failed."""
        if own_key.get():
            mark_own_key(error)


def waiting_for_keys(agents: Iterable[LlmAgent]) -> dict[str, Gemini]:
    """The Geminis of these agents that lack a key and can be asked on a visitor's, by the names of
    the agents."""
    found = {}
    for agent in agents:
        with suppress(Exception):  # What cannot be made fails when it is called, and says why.
            if model := for_own_keys(agent.canonical_model):
                found[agent.name] = model
    return found


def give_both(
    agents: Iterable[LlmAgent], waiting: dict[str, Gemini], offline: OfflineModel, coalesce: bool
) -> None:
    """Give these agents their Geminis for those who come with a key, and the offline model for all
    others."""
    for agent in agents:
        if (real := waiting.get(agent.name)) and isinstance(agent.canonical_model, OfflineModel):
            model: BaseLlm = coalescing(real) if coalesce else real
            if isinstance(model, Gemini):
                agent.model = offline_without_key(model, offline)

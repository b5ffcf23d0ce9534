"""What a question asks of the model that answers it: how long, how random, in which form."""

import logging
import re
from collections.abc import Collection, Iterable
from contextvars import ContextVar
from typing import Any

from google.adk.agents import LlmAgent
from google.adk.agents.callback_context import CallbackContext
from google.adk.models import LLMRegistry, LlmRequest, LlmResponse
from google.adk.plugins import BasePlugin
from google.adk.utils.instructions_utils import inject_session_state
from google.genai import types

from agent.chat.client_tools import add_tools
from agent.core.adk_internals import agent_of
from agent.core.question import Options
from agent.core.text import to_json

log = logging.getLogger(__name__)

# The running turn's, with the id of its session: an agent that is used as a tool has one of its
# own, and its answer is not the one that these are for.
turn_options: ContextVar[tuple[str, Options]] = ContextVar("turn_options")

# How many Gemini takes.
MAX_STOPS = 5

# How many tokens a Gemini 2.5 thinks at most, where one says "low" to OpenAI's API of Gemini
# (https://ai.google.dev/gemini-api/docs/openai#thinking); and the fewest that each of them takes.
BUDGETS = {"low": 1024, "medium": 8192, "high": 24_576}
FEWEST = {"pro": 128, "flash": 0}


class ModelOptions(BasePlugin):
    """Puts the turn's options into each request to a model. What the host allows at most is for
    plugins that come after it.

    Args:
        named: The agents that had their models by a name when they were loaded.
    """

    def __init__(self, named: Collection[str] = ()) -> None:
        # ADK refuses two plugins of one name, and the owner's app may have some of its own.
        super().__init__(name="adk_chat_page_model_options")
        self._named = named

    async def before_model_callback(
        self, *, callback_context: CallbackContext, llm_request: LlmRequest
    ) -> LlmResponse | None:
        """None, for the call to be made."""
        session_id, options = turn_options.get(("", Options()))
        if callback_context.session.id == session_id:
            agent = agent_of(callback_context)
            if options.model and agent and can_have(agent, options.model, self._named):
                llm_request.model = options.model
            _apply(options, llm_request)
            if options.instruction and agent and agent.parent_agent is None:
                await _tell_instead(options.instruction, agent, callback_context, llm_request)
        return None


def named_models(agents: Iterable[LlmAgent]) -> frozenset[str]:
    """The agents whose models are named, or which have ADK's own: a model that their owner has made
    stays as it is."""
    return frozenset(agent.name for agent in agents if _is_named(agent))


def _is_named(agent: LlmAgent) -> bool:
    above: object = agent
    while isinstance(above, LlmAgent) and not above.model:
        above = above.parent_agent
    return not isinstance(above, LlmAgent) or isinstance(above.model, str)


def can_have(agent: LlmAgent, name: str, named: Collection[str]) -> bool:
    """Whether the agent may be answered by the model of this name: one of the kind that it has."""
    if not (agent.name in named or isinstance(agent.model, str)):
        return False
    try:
        return isinstance(agent.canonical_model, LLMRegistry.resolve(name))
    except (ValueError, ImportError):
        return False


def warn_of_unfit(names: Iterable[str], agents: list[LlmAgent], named: Collection[str]) -> None:
    """Tell the host which of `MODELS` can answer for no agent, and are not offered."""
    for name in names:
        if not any(can_have(agent, name, named) for agent in agents):
            log.warning(
                "MODELS: %s is not offered. No agent here has a model of that kind by a name.", name
            )


def _apply(options: Options, request: LlmRequest) -> None:
    config = request.config
    if most := options.max_output_tokens:
        config.max_output_tokens = min(config.max_output_tokens or most, most)
    for name in ("temperature", "top_p", "seed"):
        if (value := getattr(options, name)) is not None:
            setattr(config, name, value)
    if options.thinking:
        _have_it_think(options.thinking, request)
    if options.stop:
        config.stop_sequences = [*(config.stop_sequences or []), *options.stop][:MAX_STOPS]
    _tell_of_client(options, request)  # Its tools count for what comes next.
    if options.json_schema is not None:
        _ask_for_json(options.json_schema, request)


def _tell_of_client(options: Options, request: LlmRequest) -> None:
    """Give the agent what a program has for it: tools and context."""
    if options.client_tools:
        add_tools(options.client_tools, request)
    if options.client_context:  # Told by the person's side, and so not as an instruction.
        request.contents.insert(0, types.UserContent(options.client_context))


async def _tell_instead(
    text: str, agent: LlmAgent, context: CallbackContext, request: LlmRequest
) -> None:
    """Tell the agent this in place of its own instruction; what ADK and others tell it stays."""
    text = await inject_session_state(text, context)
    own, is_whole = await agent.canonical_instruction(context)
    own = own if is_whole else await inject_session_state(own, context)
    instruction = request.config.system_instruction
    if own and isinstance(instruction, str) and own in instruction:
        request.config.system_instruction = instruction.replace(own, text, 1)
    else:
        request.append_instructions([text])


def thinks(model: str) -> bool:
    """Whether one can say how much the model of this name thinks: a Gemini since 2.5."""
    return bool(re.match(r"gemini-(2\.5|[3-9]|[1-9]\d)", model)) and not _SPEAKS.search(model)


_SPEAKS = re.compile("image|tts|audio|live")


def _have_it_think(how_much: str, request: LlmRequest) -> None:
    """Have the model think as much as is asked for, as far as it can be told; whether one sees its
    thoughts stays as it is."""
    model = request.model or ""
    if not thinks(model):
        return
    if model.startswith("gemini-2.5"):
        fewest = FEWEST["pro" if "pro" in model else "flash"]
        said: dict[str, Any] = {
            "thinking_budget": BUDGETS.get(how_much, fewest),
            "thinking_level": None,
        }
    else:  # A Pro does not know how to think as little.
        level = "low" if how_much == "minimal" and "pro" in model else how_much
        said = {"thinking_budget": None, "thinking_level": types.ThinkingLevel(level.upper())}
    own = request.config.thinking_config or types.ThinkingConfig()
    request.config.thinking_config = own.model_copy(update=said)


def _ask_for_json(schema: dict[str, object], request: LlmRequest) -> None:
    """Have the answer in JSON, unless the agent has a form of its own for it."""
    config = request.config
    if config.response_mime_type or config.response_schema or config.response_json_schema:
        return
    if config.tools:  # Together with them, Gemini before 3 takes no form for the answer.
        form = f" that fits this JSON schema: {to_json(schema)}" if schema else ""
        request.append_instructions([f"Answer with one JSON value alone{form}"])
    else:
        config.response_mime_type = "application/json"
        config.response_json_schema = schema or None

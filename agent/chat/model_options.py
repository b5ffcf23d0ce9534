"""What a question asks of the model that answers it: how long, how random, in which form."""

from contextvars import ContextVar

from google.adk.agents.callback_context import CallbackContext
from google.adk.models import LlmRequest, LlmResponse
from google.adk.plugins import BasePlugin
from google.genai import types

from agent.chat.client_tools import add_tools
from agent.core.question import Options
from agent.core.text import to_json

# The running turn's, with the id of its session: an agent that is used as a tool has one of its
# own, and its answer is not the one that these are for.
turn_options: ContextVar[tuple[str, Options]] = ContextVar("turn_options")

# How many Gemini takes.
MAX_STOPS = 5


class ModelOptions(BasePlugin):
    """Puts the turn's options into each request to a model. What the host allows at most is for
    plugins that come after it."""

    def __init__(self) -> None:
        # ADK refuses two plugins of one name, and the owner's app may have some of its own.
        super().__init__(name="adk_chat_page_model_options")

    async def before_model_callback(
        self, *, callback_context: CallbackContext, llm_request: LlmRequest
    ) -> LlmResponse | None:
        """None, for the call to be made."""
        session_id, options = turn_options.get(("", Options()))
        if callback_context.session.id == session_id:
            _apply(options, llm_request)
        return None


def _apply(options: Options, request: LlmRequest) -> None:
    config = request.config
    if options.max_output_tokens:
        own = config.max_output_tokens or options.max_output_tokens
        config.max_output_tokens = min(own, options.max_output_tokens)
    for name in ("temperature", "top_p", "seed"):
        if (value := getattr(options, name)) is not None:
            setattr(config, name, value)
    if options.stop:
        config.stop_sequences = [*(config.stop_sequences or []), *options.stop][:MAX_STOPS]
    if options.client_tools:
        add_tools(options.client_tools, request)
    if options.client_context:  # Told by the person's side, and so not as an instruction.
        request.contents.insert(0, types.UserContent(options.client_context))
    if options.json_schema is not None:
        _ask_for_json(options.json_schema, request)


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

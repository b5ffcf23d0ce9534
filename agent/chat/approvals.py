"""What a person has approved: a tool's call with the arguments that the person has changed, and
what stays done where the approval has been taken back.

ADK itself runs the arguments that the model has given, and refuses a call that differs.
"""

from collections.abc import Mapping
from contextvars import ContextVar
from typing import Any

from google.adk.agents import InvocationContext
from google.adk.agents.callback_context import CallbackContext
from google.adk.events import Event
from google.adk.models import LlmRequest
from google.adk.plugins import BasePlugin
from google.adk.tools import BaseTool, ToolContext
from google.genai import types

from agent.chat.agent_tree import llm_agents
from agent.core.history import DONE
from agent.core.json_schema import schema_error
from agent.core.pauses import CHANGED, REFUSED
from agent.core.text import to_json
from agent.models.offline_tools import declarations, request_with

# The arguments by the calls whose persons have changed them, of the turn that runs.
approved_arguments: ContextVar[Mapping[str, Mapping[str, Any] | None]] = ContextVar(
    "approved_arguments"
)

# What the model is told of tools that it does not remember to have called.
TAKEN_BACK = (
    "The person has taken back a part of this conversation, in which tools had been called with "
    "the person's approval. What they did stays done: {done}. Do not do it again unless you are "
    "asked to."
)

# What it is told where a person has changed arguments to some that need an approval of their own.
NEEDS_MORE = REFUSED + (
    " to {arguments}, which have to be approved by themselves. Call the tool again with those."
)


class Approvals(BasePlugin):
    """Comes before the owner's plugins and callbacks, which see what the tool gets."""

    def __init__(self) -> None:
        # ADK refuses two plugins of one name, and the owner's app may have some of its own.
        super().__init__(name="adk_chat_page_approvals")

    async def before_model_callback(
        self, *, callback_context: CallbackContext, llm_request: LlmRequest
    ) -> None:
        """Tell the model what it has done and does not remember."""
        if done := callback_context.state.get(DONE):
            llm_request.append_instructions([TAKEN_BACK.format(done="; ".join(done))])

    async def before_tool_callback(
        self, *, tool: BaseTool, tool_args: dict[str, Any], tool_context: ToolContext
    ) -> dict[str, Any] | None:
        """Put the changed arguments in place of the model's; an error, for the model to read, where
        the tool does not take them."""
        changed = _changed(tool_context)
        if changed is None:
            return None
        schemas = map(_schema, declarations(request_with([tool])))
        if wrong := schema_error(changed, next(schemas, {})):
            return {"error": f"{REFUSED}, and {wrong}."}
        needs_more, needed = [
            await tool.check_require_confirmation(dict(arguments), tool_context)
            for arguments in (changed, tool_args)
        ]
        if needs_more and not needed:
            return {"error": NEEDS_MORE.format(arguments=to_json(changed, ensure_ascii=False))}
        tool_args.clear()
        tool_args.update(changed)
        return None

    async def on_event_callback(
        self, *, invocation_context: InvocationContext, event: Event
    ) -> Event | None:
        """Tell the model what the person has changed, since its own call stays as it was. Done in
        `after_tool_callback`, it would keep all other plugins and callbacks from theirs."""
        changed = approved_arguments.get({})
        for response in event.get_function_responses():
            arguments = changed.get(response.id or "")
            if event.author != "user" and arguments is not None:
                response.response = {**(response.response or {}), CHANGED: dict(arguments)}
        return None


def argument_error(root: object, tool: str, arguments: Mapping[str, Any]) -> str | None:
    """What is wrong with changed arguments, as far as the tools of these agents are known without a
    connection; the plugin looks at all others when they are called."""
    for agent in llm_agents(root):
        for function in declarations(request_with(agent.tools)):
            if function.name == tool:
                return schema_error(arguments, _schema(function))
    return None


def _schema(function: types.FunctionDeclaration) -> dict[str, Any]:
    """What a function says that its arguments are, as JSON Schema; {} where it says nothing."""
    if isinstance(function.parameters_json_schema, dict):
        return function.parameters_json_schema
    if function.parameters:
        schema = function.parameters.json_schema
        return dict(schema.model_dump(mode="json", exclude_none=True))
    return {}


def _changed(context: ToolContext) -> Mapping[str, Any] | None:
    """The arguments that a person has changed for this call and approved."""
    confirmation = context.tool_confirmation
    if not (confirmation and confirmation.confirmed):
        return None
    return approved_arguments.get({}).get(context.function_call_id or "")

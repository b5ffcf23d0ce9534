"""The tools of a person's application, in the requests of one turn to its models."""

from collections.abc import Sequence
from typing import Any

from google.adk.models import LlmRequest
from google.adk.tools import BaseTool, ToolContext
from google.genai import types

from agent.core.client_tools import TICKET, ClientTool


class CalledByModel(BaseTool):
    """One of them, as ADK knows it: its result is a ticket, and ends the run."""

    def __init__(self, tool: ClientTool) -> None:
        super().__init__(name=tool.name, description=tool.description, is_long_running=True)
        self._parameters = dict(tool.parameters)

    def _get_declaration(self) -> types.FunctionDeclaration:
        return types.FunctionDeclaration(
            name=self.name,
            description=self.description,
            parameters_json_schema=self._parameters or None,
        )

    async def run_async(self, *, args: dict[str, Any], tool_context: ToolContext) -> dict[str, str]:
        """The ticket. No model is asked what it makes of that."""
        tool_context.actions.skip_summarization = True
        return dict(TICKET)


def add_tools(tools: Sequence[ClientTool], request: LlmRequest) -> None:
    """Let a model call these, too; but none that is called like one of the agent's own. What gives
    its answer in a form, or has a tool of Google's own, takes no others (Gemini before 3)."""
    config = request.config
    others = [tool for tool in config.tools or [] if not getattr(tool, "function_declarations", 0)]
    if others or config.response_schema or config.response_json_schema:
        return
    added = [CalledByModel(tool) for tool in tools if tool.name not in request.tools_dict]
    request.append_tools(list(added))

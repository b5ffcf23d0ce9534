"""A tool that fails ends its own call alone: the model is told, as far as that helps.

An ADK plugin, because plugins are asked before any agent and any call of a tool.
The owner's plugins and the agent's own callbacks come first.
"""

import asyncio
import logging
import re
from collections.abc import Iterable
from contextvars import ContextVar
from dataclasses import dataclass, field, fields, is_dataclass
from functools import wraps
from typing import Any, TypeAlias, cast

from google.adk.agents import BaseAgent, LlmAgent
from google.adk.agents.callback_context import CallbackContext
from google.adk.agents.invocation_context import InvocationContext
from google.adk.events import Event
from google.adk.plugins import BasePlugin
from google.adk.tools import BaseTool, ToolContext
from google.adk.tools.base_toolset import BaseToolset
from pydantic import BaseModel

from agent.core.containment import contained, describe
from agent.core.notices import PlainError
from agent.core.origin import origin
from agent.core.secrets import redacted

log = logging.getLogger(__name__)

# How often a model is told of the same failure in a turn. Then the turn has failed.
MAX_TOLD = 3

# How many characters of an error's text a model is told.
MAX_ERROR_LENGTH = 500

# The folders of a path on this machine, which are nobody's business; the file's name may help.
FOLDERS = re.compile(r"(?<![\w/:.])(?:[A-Za-z]:)?[/\\](?:[^\s/\\'\":]+[/\\])+")

HOLDS_ITSELF = "Its result holds itself, so that it cannot be told."

# The tool that failed, and what its error says.
ToolError: TypeAlias = tuple[str, str]

# A model's step: its session, and how much was said there before. Calls that the model makes at
# once fail in one step.
Step: TypeAlias = tuple[str, int]


@dataclass
class ToolFaults:
    """What has failed of the tools in one turn so far."""

    # The steps in which a model was told of an error.
    steps: dict[ToolError, set[Step]] = field(default_factory=dict)
    # The sets of tools that could not be listed, by their classes; ADK goes on without them.
    missing: set[str] = field(default_factory=set)


# The running turn's, shared by all agents in it.
tool_faults: ContextVar[ToolFaults] = ContextVar("tool_faults")


class ToolFailures(BasePlugin):
    """Contains what tools raise, and answers their failed calls where nobody else does."""

    def __init__(self) -> None:
        # ADK refuses two plugins of one name, and the owner's app may have some of its own.
        super().__init__(name="adk_chat_page_tool_failures")

    async def before_agent_callback(
        self, *, agent: BaseAgent, callback_context: CallbackContext
    ) -> None:
        """Put `tell_model` after the agent's own callbacks, and watch its sets of tools. A plugin's
        `on_tool_error_callback` would come before the agent's."""
        if isinstance(agent, LlmAgent):
            callbacks = agent.canonical_on_tool_error_callbacks
            if tell_model not in callbacks:
                agent.on_tool_error_callback = [*callbacks, tell_model]
            for toolset in agent.tools:
                if isinstance(toolset, BaseToolset):
                    watch(toolset)

    async def before_tool_callback(
        self, *, tool: BaseTool, tool_args: dict[str, Any], tool_context: ToolContext
    ) -> None:
        """Whatever this tool raises or returns ends no more than its call."""
        contain(tool)

    async def on_event_callback(
        self, *, invocation_context: InvocationContext, event: Event
    ) -> Event | None:
        """The event with a result that can be told, where a callback has given one that cannot."""
        parts = event.content.parts or [] if event.content else []
        for response in [part.function_response for part in parts if part.function_response]:
            if holds_itself(response.response):
                log.error('What a callback answered for the tool "%s" holds itself.', response.name)
                response.response = {"error": HOLDS_ITSELF}
        return None


async def tell_model(
    tool: BaseTool, args: dict[str, Any], tool_context: ToolContext, error: BaseException
) -> dict[str, Any] | None:
    """What a model is told of a failed call; None where it is not, and the turn has failed: when
    it has been told so often enough, or a model itself is what failed, in an agent that is used as
    a tool."""
    who = origin(error)
    if isinstance(error, asyncio.CancelledError) or who.kind == "model":
        return None
    text = redacted(str(error) if isinstance(error, PlainError) else describe(error))
    text = FOLDERS.sub("…/", text)[:MAX_ERROR_LENGTH]
    steps = _current_faults().steps.setdefault((who.name or tool.name, text), set())
    steps.add((tool_context.session.id, len(tool_context.session.events)))
    if len(steps) > MAX_TOLD:
        return None
    log.error('The tool "%s" failed, and the model is told so. %s', tool.name, text, exc_info=error)
    return {"error": text}


def contain(tool: BaseTool) -> None:
    """Have the tool raise nothing that ends more than its call, and return what can be told."""
    run = tool.run_async
    if getattr(run, "is_containing", False):
        return

    @wraps(run)
    async def run_contained(*, args: dict[str, Any], tool_context: ToolContext) -> Any:
        try:
            result = await run(args=args, tool_context=tool_context)
        except GeneratorExit:  # The call is closed; or it is contained by its task.
            raise
        except BaseException as error:
            if (allowed := contained(error)) is error:
                raise
            raise allowed from None
        if holds_itself(result):
            raise ValueError(HOLDS_ITSELF)
        return _tellable(result)

    cast(Any, run_contained).is_containing = True
    tool.run_async = run_contained  # type: ignore[method-assign]


def _tellable(result: Any) -> Any:
    """The result, with texts as its names, as ADK wants it, and without a secret in its error."""
    if not isinstance(result, dict):
        return result
    if not all(isinstance(name, str) for name in result):
        result = {str(name): value for name, value in result.items()}
    text = result.get("error")
    if isinstance(text, str) and (safe := redacted(text)) != text:
        return {**result, "error": safe}
    return result


def watch(toolset: BaseToolset) -> None:
    """Have the turn know when these tools cannot be listed."""
    list_tools = toolset.get_tools_with_prefix
    if getattr(list_tools, "is_watched", False):
        return

    @wraps(list_tools)
    async def list_watched(*args: Any, **options: Any) -> list[BaseTool]:
        try:
            return await list_tools(*args, **options)
        except GeneratorExit:
            raise
        except BaseException as error:
            allowed = contained(error)
            if isinstance(allowed, Exception):
                _current_faults().missing.add(type(toolset).__name__)
            raise allowed from error.__cause__

    cast(Any, list_watched).is_watched = True
    toolset.get_tools_with_prefix = list_watched  # type: ignore[method-assign,misc]


def holds_itself(result: Any) -> bool:
    """Whether a tool's result is a part of itself, or nested too deep to be told."""
    try:
        return _is_in(result, frozenset(), set())
    except RecursionError:
        return True


def _is_in(value: Any, above: frozenset[int], seen: set[int]) -> bool:
    """Whether the value is one of those `above`, by their ids, or one below it is."""
    if id(value) in above:
        return True
    if id(value) in seen:
        return False
    seen.add(id(value))
    above |= {id(value)}
    return any(_is_in(part, above, seen) for part in _parts(value))


def _parts(value: Any) -> list[Any]:
    """What the value is made of that may hold something itself."""
    parts: Iterable[Any] = ()
    match value:
        case dict():
            parts = value.values()
        case BaseModel():
            parts = vars(value).values()
        case list() | tuple():
            parts = value
        case _ if is_dataclass(value):
            parts = [getattr(value, field.name, None) for field in fields(value)]
    return [part for part in parts if isinstance(part, dict | list | tuple) or _has_fields(part)]


def _has_fields(value: Any) -> bool:
    return isinstance(value, BaseModel) or (is_dataclass(value) and not isinstance(value, type))


def _current_faults() -> ToolFaults:
    """The running turn's; one that nobody reads where there is none."""
    return tool_faults.get(None) or ToolFaults()

"""Which of an agent's tools a message asks the offline model for, and with which arguments.

It knows the tools only as a model does, by their declarations, and so works for those of any agent:
a message asks for a tool if it has the words of its name ("time" for `get_time`), or one of the
fixed values of its argument (a sub-agent's name), or a sum where the tool takes an expression.
"""

import json
import re
import uuid
from typing import Any

from google.adk.models import LlmRequest
from google.genai import types

from agent.core.adk_internals import TRANSFER

# Possessive (`*+`), because thousands of digits would otherwise block the event loop for many
# seconds. A sum is taken whole or not at all: half of "10 + 50% of 80" would give a wrong figure.
NUMBER = r"(?:\d++(?:[.,]\d++)*+|\.\d++)(?:\s*+\))*+"
SUM = re.compile(
    rf"(?<![^\s=:'\"])[-−(]*+{NUMBER}(?:\s*+[-−+*/%^×÷]++[-−(\s]*+{NUMBER})++(?=[\s?=.,;:'\"]|$)"
)
OBJECT = re.compile(r"\b(?:in|for|of|about|at)\s+([^?!]+)", re.IGNORECASE)
AND = re.compile(r",\s+|\s+and\s+(?:in\s+|for\s+)?", re.IGNORECASE)

# How many characters of a message are searched for what a tool is to be asked about, and how many
# calls one message can ask for: enough for any plain question.
SEARCHED_LENGTH = 500
MAX_CALLS = 5


def find_calls(message: str, request: LlmRequest, may_transfer: bool) -> list[types.Part]:
    """Calls of the tool that the message seems to ask for, or none."""
    for tool in _tools(request):
        if tool.name != TRANSFER or may_transfer:
            calls = [_call(tool.name, args) for args in _find_arguments(tool, message)]
            if calls:
                return calls[:MAX_CALLS]
    return []


def _find_arguments(tool: types.FunctionDeclaration, message: str) -> list[dict[str, Any]]:
    """The arguments for each call of `tool` that the message asks for."""
    match _required(tool):
        case []:
            return [{}] if _mentions(message, tool.name) else []
        case ["expression"]:
            return [{"expression": found[0].strip()} for found in SUM.finditer(message)]
        case [name] if _properties(tool)[name].get("type") in ("string", types.Type.STRING):
            values = _find_fixed_value(tool, name, message) or _find_objects(tool, message)
            return [{name: value} for value in values]
    return []


def find_example(message: str, request: LlmRequest) -> str | None:
    """How to call the tool that the message mentions without all that it needs, if there is one."""
    for tool in _tools(request):
        if _required(tool) and _mentions(message, tool.name):
            return _example(tool)
    return None


def _find_fixed_value(tool: types.FunctionDeclaration, name: str, message: str) -> list[str]:
    """Which of a parameter's fixed values the message mentions, such as another agent's name."""
    values = _properties(tool)[name].get("enum", [])
    return [value for value in values if _mentions(message, str(value))][:1]


def _find_objects(tool: types.FunctionDeclaration, message: str) -> list[str]:
    """What follows "in" or "for", if the message mentions the tool: "time in Rome and Oslo"."""
    found = OBJECT.search(message[:SEARCHED_LENGTH])
    if not found or not _mentions(message, tool.name):
        return []
    pieces = (piece.strip(" .") for piece in AND.split(found[1]))
    return [piece for piece in pieces if piece]


def _mentions(message: str, name: str | None) -> bool:
    """Whether most of the name's words are in the message, verbs such as "get" aside."""
    words = set(re.findall(r"[a-z]+", (name or "").lower())) - {"get", "to", "agent", "current"}
    said = set(re.findall(r"[a-z]+", message.lower()))
    return len(words & said) * 2 > len(words)


def call_by_command(rest: str, request: LlmRequest) -> types.Part:
    """`/call NAME {json}`; a mistake is explained, not raised."""
    name, json_args, *_ = [*rest.split(maxsplit=1), "", ""]
    tool = next((tool for tool in _tools(request) if tool.name == name), None)
    if tool is None:
        sorry = f"There is no tool `{name}`." if name else "Which tool?"
        return types.Part(text=f"{sorry}\n\n{describe_tools(request)}")
    try:
        args = json.loads(json_args or "{}")
    except (ValueError, RecursionError):
        args = None
    if not isinstance(args, dict):
        example = _example(tool)
        return types.Part(text=f"The arguments must be a JSON object, as in `{example}`.")
    return _call(name, args)


def _example(tool: types.FunctionDeclaration) -> str:
    args = json.dumps(dict.fromkeys(_required(tool), "…"), ensure_ascii=False)
    return f"/call {tool.name or ''} {args}"


def describe_tools(request: LlmRequest) -> str:
    """A list of the tools, each with the command that calls it."""
    tools = [
        f"- `{_example(tool)}` {(tool.description or ' ').splitlines()[0]}"
        for tool in _tools(request)
    ]
    return "This agent's tools:\n\n" + "\n".join(tools) if tools else "This agent has no tools."


def _tools(request: LlmRequest) -> list[types.FunctionDeclaration]:
    tools = [tool for tool in request.config.tools or [] if isinstance(tool, types.Tool)]
    return [function for tool in tools for function in tool.function_declarations or []]


def _properties(tool: types.FunctionDeclaration) -> dict[str, dict[str, Any]]:
    return _schema(tool).get("properties") or {}


def _required(tool: types.FunctionDeclaration) -> list[str]:
    return _schema(tool).get("required") or []


def _schema(tool: types.FunctionDeclaration) -> dict[str, Any]:
    """The parameters as JSON schema, in whichever of its two forms the tool declared them."""
    if isinstance(tool.parameters_json_schema, dict):
        return tool.parameters_json_schema
    return tool.parameters.model_dump(exclude_none=True) if tool.parameters else {}


def _call(name: str | None, args: dict[str, Any]) -> types.Part:
    # With an id, ADK gives the call the same one in its partial and in its whole.
    call = types.FunctionCall(id=f"call-{uuid.uuid4().hex[:8]}", name=name, args=args)
    return types.Part(function_call=call)

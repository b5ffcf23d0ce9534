"""Which of an agent's tools a message asks the offline model for, and its arguments.

It knows the tools only as a model does, by their declarations, and so works for those of any agent:
a message asks for a tool if it has the words of its name ("time" for `get_time`), or one of the
fixed values of its argument (a sub-agent's name), or a sum where the tool takes an expression, or
numbers where it takes a list of them.
"""

import json
import re
import uuid
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from google.adk.models import LlmRequest
from google.adk.tools import BaseTool, FunctionTool
from google.genai import types

from agent.core.adk_internals import SET_RESPONSE, TRANSFER
from agent.core.language import _
from agent.models.offline_schema import as_json_schema, sample
from agent.models.offline_texts import ASKS_FIRST, HELP, PLAIN_WORDS

# Possessive (`*+`), because thousands of digits would otherwise block the event loop for many
# seconds. A sum is taken whole or not at all: half of "10 + 50% of 80" would give a wrong figure.
NUMBER = r"(?:\d++(?:[.,]\d++)*+|\.\d++)(?:\s*+\))*+"
SUM = re.compile(
    rf"(?<![^\s=:'\"])[-−(]*+{NUMBER}(?:\s*+[-−+*/%^×÷]++[-−(\s]*+{NUMBER})++(?=[\s?=.,;:'\"]|$)"
)
PLAIN_NUMBER = re.compile(r"(?<![\w.])-?\d{1,15}(?:\.\d{1,15})?(?![\w.]*\w)")
OBJECT = re.compile(r"\b(?:in|for|of|about|at)\s+([^?!]+)", re.IGNORECASE)
AND = re.compile(r",\s+|\s+and\s+(?:in\s+|for\s+)?", re.IGNORECASE)

# How many characters of a message are searched for what a tool is to be asked about, and how many
# calls one message can ask for: enough for any plain question.
SEARCHED_LENGTH = 500
MAX_CALLS = 5

# What sounds like a person, where an agent has tools for it; and how many tools' words are named.
PLAIN_QUESTIONS = "what time is it in Tokyo?", "12*7"
MAX_EXAMPLES = 5


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
        case [name] if _is_numbers(_properties(tool)[name]):
            numbers = [float(found) for found in PLAIN_NUMBER.findall(message[:SEARCHED_LENGTH])]
            return [{name: numbers}] if numbers and _mentions(message, tool.name) else []
        case [name] if _properties(tool)[name].get("type") in ("string", types.Type.STRING):
            values = _find_fixed_value(tool, name, message) or _find_objects(tool, message)
            return [{name: value} for value in values]
    return []


def _is_numbers(schema: dict[str, Any]) -> bool:
    """Whether a parameter is a list of numbers."""
    kind, items = schema.get("type"), schema.get("items") or {}
    is_list = kind in ("array", types.Type.ARRAY)
    return is_list and items.get("type") in ("number", types.Type.NUMBER)


def help_text(request: LlmRequest) -> str:
    """The commands, and the plain words that are answered with the tools that there are."""
    questions: dict[str | None, str] = {}
    for question in (*PLAIN_QUESTIONS, *map(_question, _tools(request))):
        for part in find_calls(question, request, may_transfer=False)[:1]:
            if part.function_call:
                questions.setdefault(part.function_call.name, question)
    examples = [*list(questions.values())[:MAX_EXAMPLES], "what did I ask before?"]
    plain = _(PLAIN_WORDS).format(examples=", ".join(f"`{example}`" for example in examples))
    return "\n\n".join([_(HELP).strip(), plain, *([_(ASKS_FIRST)] if _tools(request) else [])])


def _question(tool: types.FunctionDeclaration) -> str:
    """Plain words that may ask for this tool."""
    words, required = (tool.name or "").replace("_", " "), _required(tool)
    if not required:
        return words
    about = _properties(tool).get(required[0], {})
    if _is_numbers(about):
        return f"{words} 3, 5, 8"
    return f"{words} {about['enum'][0]}" if about.get("enum") else f"{words} for …"


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
    name, json_args, *_more = [*rest.split(maxsplit=1), "", ""]
    tool = next((tool for tool in _tools(request) if tool.name == name), None)
    if tool is None:
        sorry = _("There is no tool `{name}`.") if name else _("Which tool?")
        if name in built_in_tools(request):
            sorry = _("`{name}` is a part of Gemini, which I cannot use.")
        return types.Part(text=f"{sorry.format(name=name)}\n\n{describe_tools(request)}")
    try:
        args = json.loads(json_args or "{}")
    except (ValueError, RecursionError):
        args = None
    if not isinstance(args, dict):
        example = _example(tool)
        wrong = _("The arguments must be a JSON object, as in `{example}`.")
        return types.Part(text=wrong.format(example=example))
    return _call(name, args)


def _example(tool: types.FunctionDeclaration) -> str:
    """The command that calls the tool: as it is, if it takes only fixed values."""
    values = {name: _properties(tool).get(name, {}).get("enum") for name in _required(tool)}
    args = {name: fixed[0] if fixed else "…" for name, fixed in values.items()}
    return f"/call {tool.name or ''} {json.dumps(args, ensure_ascii=False)}"


def describe_tools(request: LlmRequest) -> str:
    """A list of the tools, each with the command that calls it; and of those that only Gemini can
    use."""
    tools = [
        f"- `{_example(tool)}` {_first_line(tool.description or '')}" for tool in _tools(request)
    ]
    foreign = _("- `{name}`: a part of Gemini, which I cannot use")
    tools += [foreign.format(name=name) for name in built_in_tools(request)]
    if not tools:
        return _("This agent has no tools.")
    return _("This agent's tools:") + "\n\n" + "\n".join(tools)


def _first_line(description: str) -> str:
    """What a tool does; not the mark that ADK puts before what an MCP server says of its tools."""
    lines = [line.strip() for line in description.splitlines()]
    return next((line for line in lines if line and not line.startswith("<<<")), "")


def built_in_tools(request: LlmRequest) -> list[str]:
    """The names of the request's tools that are a part of Gemini, such as `google_search`: no
    program but Gemini itself can call them."""
    tools = [tool for tool in request.config.tools or [] if isinstance(tool, types.Tool)]
    names = [name for tool in tools for name in tool.model_dump(exclude_none=True)]
    return [name for name in dict.fromkeys(names) if name != "function_declarations"]


def find_built_in(message: str, request: LlmRequest) -> str | None:
    """The tool of Gemini's own that the message mentions, if there is such a one."""
    said = set(re.findall(r"[a-z]+", message.lower()))
    names = built_in_tools(request)
    return next((name for name in names if said & (set(name.split("_")) - {"google"})), None)


def request_with(tools: Iterable[Any]) -> LlmRequest:
    """A request of an agent with these tools, as far as they are known without a connection."""
    request = LlmRequest()
    for tool in tools:
        with suppress(Exception):  # What cannot be declared fails when it is called, and says why.
            if isinstance(tool, BaseTool) or callable(tool):
                single = tool if isinstance(tool, BaseTool) else FunctionTool(tool)
                request.append_tools([single])
    return request


def answer_by_tool(parts: list[types.Part], request: LlmRequest) -> types.Part | None:
    """The call by which an agent with tools and a form of its own is answered, where the parts are
    the end of an answer, and not calls of other tools.

    Raises:
        NoStandIn: The form is one in which nothing can be answered.
    """
    declared = (tool for tool in declarations(request) if tool.name == SET_RESPONSE)
    if any(part.function_call for part in parts) or not (tool := next(declared, None)):
        return None
    parameters = tool.parameters_json_schema or tool.parameters or {}
    return _call(tool.name, sample(as_json_schema(parameters)))


def _tools(request: LlmRequest) -> list[types.FunctionDeclaration]:
    """Those that a message can ask for."""
    return [tool for tool in declarations(request) if tool.name != SET_RESPONSE]


def declarations(request: LlmRequest) -> list[types.FunctionDeclaration]:
    """What a request tells a model of all functions that it can call."""
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

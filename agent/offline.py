"""A model that needs no key and no network, and says so.

It goes the very path of a real one: chunks at reading speed, then the whole; thoughts; calls of
the agent's real tools. It understands a handful of commands and a few plain questions, and says
that it does not understand the rest.
"""

import asyncio
import json
import os
import re
import uuid
from collections.abc import AsyncGenerator, Iterator
from typing import Any

from google.adk.agents import LlmAgent
from google.adk.models import BaseLlm, Gemini, LLMRegistry, LlmRequest, LlmResponse
from google.adk.utils.env_utils import is_env_enabled
from google.genai import types

HOW_TO_ADD_A_KEY = (
    "To hear from Gemini instead, set `GOOGLE_API_KEY` (a free key comes from "
    "[Google AI Studio](https://aistudio.google.com/apikey)) and start the app again."
)

INTRODUCTION = (
    "I am the **built-in offline model**: a small program, not an AI. I know nothing of the "
    "world, but I can show you how this page works: I stream, I think aloud, I remember, and I "
    f"use this agent's real tools.\n\n{HOW_TO_ADD_A_KEY}\n\n"
)

HELP = """These commands work:

- `/help`: this list
- `/tools`: the tools that this agent has
- `/call NAME {"argument": "value"}`: call one of them
- `/think`: a longer thought before the answer
- `/long`: a long answer, to try Stop, scrolling and reading on
- `/markdown`: headings, tables, code, formulas, other scripts
- `/fail`: an answer that breaks off in the middle

And so do plain questions that name a tool (*what time is it in Tokyo?*), sums (*12*7*), and \
*what did I ask before?*
"""

MARKDOWN = """# A heading

Some **bold**, some *italic*, some `code`, a [link](https://google.github.io/adk-docs/).

1. one
    - nested, by four spaces
2. two

| fruit | price |
|:------|------:|
| apple |  1.20 |
| pear  |  0.90 |

```python
def greet(name: str) -> str:
\treturn f"Hello, {name}!"  # a tab before me
```

> A quotation.

$$ e^{i\\pi} + 1 = 0 $$

Other scripts: 日本語, العربية, עברית, हिन्दी. Emoji: 🙂 👩‍🚀 🏳️‍🌈.
"""

THOUGHT = "The message says: {message!r}. I look for a command, for a tool it may mean, or a sum."

LONG_THOUGHT = (
    "This is what a thought looks like. A model that reasons says such things to itself before "
    "it answers.\n\nThe page keeps them apart from the answer, and the agent does not remember "
    "them in the next turn.\n\nThat will do."
)


class AskedToFail(Exception):
    """What `/fail` raises."""


class OfflineModel(BaseLlm):
    """Answers by `reply`, a word at a time. Keeps nothing between calls."""

    model: str = "offline"

    delay: float = 0.03
    """Seconds between two chunks: about the speed at which one reads."""

    @classmethod
    def supported_models(cls) -> list[str]:
        """So that `model="offline"` works in any agent, once registered."""
        return ["offline"]

    async def generate_content_async(
        self, llm_request: LlmRequest, stream: bool = False
    ) -> AsyncGenerator[LlmResponse, None]:
        """Partials for each thought and text, then the whole; the whole alone if not streaming."""
        parts = reply(llm_request)
        if stream:
            for piece in _pieces(parts):
                yield LlmResponse(content=types.ModelContent([piece]), partial=True)
                await asyncio.sleep(self.delay)
        if _command(_message(llm_request)) == "/fail":
            raise AskedToFail
        yield LlmResponse(
            content=types.ModelContent(parts),
            partial=False,
            usage_metadata=_usage(llm_request, parts),
        )


def reply(request: LlmRequest) -> list[types.Part]:
    """What the offline model says to a request: thoughts, text and calls of tools."""
    introduction = "" if _has_spoken(request) else INTRODUCTION
    if results := _results(request):
        return [_text(introduction + "\n\n".join(map(_told, results)))]
    message = _message(request)
    if command := _command(message):
        return _obey(command, message[len(command) :].strip(), request)
    if "help" in message.lower().split():
        return [_text(introduction + HELP)]
    thought = types.Part(text=THOUGHT.format(message=_short(message)), thought=True)
    if calls := _calls_meant(message, request):
        return [thought, *calls]
    return [thought, _text(introduction + _say(message, request))]


def model_or_offline(name: str | None = None) -> str | BaseLlm:
    """The model `name`, or ADK's default one; the offline model where credentials are missing."""
    name = name or LlmAgent.DEFAULT_MODEL
    return OfflineModel() if needs_credentials(name) and not has_credentials() else name


def needs_credentials(model: str | BaseLlm) -> bool:
    """Whether this is a Gemini that brings no key of its own."""
    if isinstance(model, str):
        try:
            model = LLMRegistry.new_llm(model)
        except ValueError:  # An unknown name: the first turn will say so.
            return False
    return isinstance(model, Gemini) and not (model.client_kwargs or {}).get("api_key")


def has_credentials() -> bool:
    """Whether the environment names a key, or asks for Google Cloud (genai/_api_client.py)."""
    if any(os.environ.get(name) for name in ("GOOGLE_API_KEY", "GEMINI_API_KEY")):
        return True
    return any(map(is_env_enabled, ("GOOGLE_GENAI_USE_ENTERPRISE", "GOOGLE_GENAI_USE_VERTEXAI")))


LLMRegistry.register(OfflineModel)


def _obey(command: str, rest: str, request: LlmRequest) -> list[types.Part]:
    match command:
        case "/help":
            return [_text(HELP)]
        case "/tools":
            return [_text(_describe_tools(request))]
        case "/call":
            return [_call_plainly(rest, request)]
        case "/think":
            return [types.Part(text=LONG_THOUGHT, thought=True), _text("I have thought about it.")]
        case "/long":
            return [_text("\n\n".join(map(_paragraph, range(1, 21))))]
        case "/markdown":
            return [_text(MARKDOWN)]
        case "/fail":
            return [_text("This answer is going to break off in the mid")]
    return [_text(f"I do not know the command `{command}`.\n\n{HELP}")]


def _say(message: str, request: LlmRequest) -> str:
    if re.search(
        r"\bdid i (just )?(ask|say|tell|write)|\bi (asked|said|told|wrote)\b", message, re.I
    ):
        return _recall(request)
    return (
        f"You said: {_short(message)!r}. I do not understand that, and will not pretend to. "
        "Say `/help` to see what I can do."
    )


def _recall(request: LlmRequest) -> str:
    earlier = _messages(request)[:-1]
    if not earlier:
        return "This is the first message that I know of in this conversation."
    return "Before this message you said:\n\n" + "\n".join(f"- {_short(m)}" for m in earlier)


def _paragraph(number: int) -> str:
    return (
        f"**Paragraph {number} of 20.** There is nothing to learn here: this text is only long. "
        "Press Stop whenever you like; what has been written stays, and the agent remembers "
        "just that much. Scroll up while it runs, and the page leaves you where you are."
    )


# Tools


def _calls_meant(message: str, request: LlmRequest) -> list[types.Part]:
    """Calls of the tool that the message seems to ask for, or none."""
    if expression := re.search(r"[-(\d.][\d.\s()]*(?:[-+*/%^×÷]+\s*[-(\d.][\d.\s()]*)+", message):
        for tool in _tools(request):
            if "expression" in _required(tool):
                return [_call(tool.name, {"expression": expression[0].strip()})]
    for tool in _tools(request):
        if calls := [_call(tool.name, args) for args in _arguments_meant(tool, message)]:
            return calls
    return []


def _arguments_meant(tool: types.FunctionDeclaration, message: str) -> list[dict[str, Any]]:
    """The arguments for each call of `tool` that the message asks for."""
    match _required(tool):
        case []:
            return [{}] if _mentions(message, tool.name) else []
        case [name]:
            values = _choices(tool, name, message) or _objects(tool, message)
            return [{name: value} for value in values]
    return []


def _choices(tool: types.FunctionDeclaration, name: str, message: str) -> list[str]:
    """Which of a parameter's fixed values the message mentions, such as another agent's name."""
    values = _properties(tool)[name].get("enum", [])
    return [value for value in values if _mentions(message, str(value))][:1]


def _objects(tool: types.FunctionDeclaration, message: str) -> list[str]:
    """What follows "in" or "for", if the message mentions the tool: "time in Rome and Oslo"."""
    found = re.search(r"\b(?:in|for|of|about|at)\s+([^?!]+)", message, re.I)
    if not found or not _mentions(message, tool.name):
        return []
    return [
        piece.strip(" .") for piece in re.split(r",\s*|\s+and\s+", found[1]) if piece.strip(" .")
    ]


def _mentions(message: str, name: str | None) -> bool:
    """Whether most of the name's words are in the message, verbs such as "get" aside."""
    words = set(re.findall(r"[a-z]+", (name or "").lower())) - {"get", "to", "agent", "current"}
    said = set(re.findall(r"[a-z]+", message.lower()))
    return len(words & said) * 2 > len(words)


def _call_plainly(rest: str, request: LlmRequest) -> types.Part:
    """`/call NAME {json}`; a mistake is explained, not raised."""
    name, _, given = rest.partition(" ")
    if name not in {tool.name for tool in _tools(request)}:
        return _text(f"There is no tool `{name}`.\n\n{_describe_tools(request)}")
    try:
        args = json.loads(given or "{}")
    except ValueError as error:
        return _text(
            f"The arguments are not JSON: {error}. Write them like `{_example(name, request)}`."
        )
    if not isinstance(args, dict):
        return _text(f"The arguments must be a JSON object, such as `{_example(name, request)}`.")
    return _call(name, args)


def _example(name: str, request: LlmRequest) -> str:
    tool = next(tool for tool in _tools(request) if tool.name == name)
    return f"/call {name} " + json.dumps(dict.fromkeys(_required(tool), "…"), ensure_ascii=False)


def _describe_tools(request: LlmRequest) -> str:
    tools = [
        f"- `{_example(tool.name or '', request)}` {(tool.description or ' ').splitlines()[0]}"
        for tool in _tools(request)
    ]
    return "This agent's tools:\n\n" + "\n".join(tools) if tools else "This agent has no tools."


def _tools(request: LlmRequest) -> list[types.FunctionDeclaration]:
    tools = [tool for tool in request.config.tools or [] if isinstance(tool, types.Tool)]
    return [declared for tool in tools for declared in tool.function_declarations or []]


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


def _told(result: types.FunctionResponse) -> str:
    answer = json.dumps(result.response, ensure_ascii=False, indent=2, default=str)
    return f"The tool `{result.name}` answered:\n\n```json\n{answer}\n```"


# What the request holds


def _results(request: LlmRequest) -> list[types.FunctionResponse]:
    """The answers of the tools that were just called."""
    parts = (request.contents[-1].parts or []) if request.contents else []
    return [part.function_response for part in parts if part.function_response]


def _messages(request: LlmRequest) -> list[str]:
    """What the visitor said, in order."""
    texts = [
        "".join(part.text or "" for part in content.parts or [])
        for content in request.contents
        if content.role == "user"
    ]
    # ADK tells an agent what another agent said as if the visitor had (flows/llm_flows/context).
    return [text for text in texts if text and not text.startswith("For context:")]


def _message(request: LlmRequest) -> str:
    return (_messages(request) or [""])[-1].strip()


def _command(message: str) -> str:
    return message.split()[0].lower() if message.startswith("/") else ""


def _has_spoken(request: LlmRequest) -> bool:
    """Whether this model, or another agent's, has said something in this conversation."""
    texts = (p.text for c in request.contents if c.role == "model" for p in c.parts or [])
    return any(texts) or any(" said: " in text for text in _reports(request))


def _reports(request: LlmRequest) -> list[str]:
    parts = (p.text or "" for c in request.contents if c.role == "user" for p in c.parts or [])
    return [text for text in parts if text.startswith("[")]


# How it is said


def _pieces(parts: list[types.Part]) -> Iterator[types.Part]:
    """Thoughts and texts word by word, spaces and all; calls come with the whole."""
    for part in parts:
        for word in re.findall(r"\s*\S+|\s+$", part.text or ""):
            yield types.Part(text=word, thought=part.thought)


def _text(text: str) -> types.Part:
    return types.Part(text=text)


def _short(text: str) -> str:
    return text if len(text) <= 200 else text[:200] + "…"


def _usage(
    request: LlmRequest, parts: list[types.Part]
) -> types.GenerateContentResponseUsageMetadata:
    """Words, since this model has no other tokens. Without usage ADK warns at every turn."""
    asked = sum(len(message.split()) for message in _messages(request))
    said = sum(len((part.text or "").split()) for part in parts)
    return types.GenerateContentResponseUsageMetadata(
        prompt_token_count=asked, candidates_token_count=said, total_token_count=asked + said
    )

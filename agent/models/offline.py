"""A model that needs no key and no network, and says so.

It answers in the way of a real one: chunks at reading speed, then the whole; thoughts; calls of the
agent's real tools. It understands a few commands and plain questions, and says that it does not
understand the rest.
"""

import asyncio
import os
import re
from collections.abc import AsyncGenerator, Iterable, Iterator
from typing import Any

from google.adk.agents import LlmAgent
from google.adk.models import BaseLlm, Gemini, LLMRegistry, LlmRequest, LlmResponse
from google.genai import types
from pydantic import field_validator

from agent.core.adk_internals import CONTEXT, SAID, SET_RESPONSE, TRANSFER
from agent.models.offline_schema import NoStandIn, stand_in
from agent.models.offline_talk import WHAT_TO_SAY, asks_what_it_is, small_talk
from agent.models.offline_tools import (
    ONLY_GEMINI,
    answer_by_tool,
    call_by_command,
    describe_tools,
    find_built_in,
    find_calls,
    find_example,
    request_with,
)

# ADK's built-in tools refuse a model that is not called as a Gemini is
# (adk/utils/model_name_utils.py).
NAME = "gemini-offline"

# The environment variables that google-genai takes a key from, and those by which it is to use
# Google Cloud (google/genai/_api_client.py).
KEYS = {"GOOGLE_API_KEY", "GEMINI_API_KEY"}
CLOUD_SWITCHES = ("GOOGLE_GENAI_USE_ENTERPRISE", "GOOGLE_GENAI_USE_VERTEXAI")

HOW_TO_ADD_A_KEY = (
    "To hear from Gemini instead, set `GOOGLE_API_KEY` (a free key comes from "
    "[Google AI Studio](https://aistudio.google.com/apikey)) and start the app again."
)

WHAT_I_AM = (
    "I am the **built-in offline model**: a small program, not an AI. I know nothing of the "
    "world, but I can show you how this page works: I stream, I think aloud, I remember, and I "
    "use this agent's real tools.\n\n"
)

INTRODUCTION = f"{WHAT_I_AM}{HOW_TO_ADD_A_KEY}\n\n"

HELP = """These commands work:

- `/help`: this list
- `/tools`: the tools that this agent has
- `/call NAME {"argument": "value"}`: call one of them
- `/think`: a longer thought before the answer
- `/long`: a long answer, to try Stop, scrolling and reading on
- `/markdown`: headings, tables, code, formulas, other scripts
- `/fail`: an answer that breaks off in the middle

And so do plain questions that name a tool (`what time is it in Tokyo?`), sums (`12*7`), and \
`what did I ask before?`

A tool that needs your approval asks you before it runs, as `roll_dice` of the demo agent does.
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

PARAGRAPH = (
    "**Paragraph {number} of 20.** There is nothing to learn here: this text is only long. "
    "Press Stop whenever you like; what has been written stays, and the agent remembers "
    "just that much."
)

# What can be asked of any agent that this model answers for.
EXAMPLES = ("What can you do?", "/tools", "/think", "/markdown")

HANDED_OVER = f"The agent that you asked for by that has taken over. {WHAT_TO_SAY}"

IN_A_FORM = (
    "I am the built-in offline model, not an AI. This agent answers in a form of its own, so what "
    "I answer only has that form: nothing in it means anything."
)

THOUGHT = "The message says: {message}. I look for a command, for a tool it may mean, or a sum."

LONG_THOUGHT = (
    "This is what a thought looks like. A model that reasons says such things to itself before "
    "it answers.\n\nThe page keeps them apart from the answer, and the agent does not remember "
    "them in the next turn.\n\nThat will do."
)


class AskedToFail(Exception):
    """What `/fail` raises."""


class OfflineModel(BaseLlm):
    """Answers by `reply`, a word at a time. Keeps nothing between calls."""

    model: str = NAME

    # Seconds between two chunks: about the speed at which one reads.
    delay: float = 0.03

    # How the first answer of a conversation begins.
    introduction: str = INTRODUCTION

    @field_validator("model")
    @classmethod
    def _called_as_a_gemini(cls, model: str) -> str:
        return NAME if model == "offline" else model

    @classmethod
    def supported_models(cls) -> list[str]:
        """So that `model="offline"` works in any agent, once registered."""
        return ["offline"]

    async def generate_content_async(
        self, llm_request: LlmRequest, stream: bool = False
    ) -> AsyncGenerator[LlmResponse, None]:
        """Partials for each thought and text, then the whole; the whole alone if not streaming."""
        parts = reply(llm_request, self.introduction)
        if stream:
            for chunk in _chunks(parts):
                yield LlmResponse(content=types.ModelContent([chunk]), partial=True)
                await asyncio.sleep(self.delay)
        if _command(_message(llm_request)) == "/fail":
            raise AskedToFail
        yield LlmResponse(
            content=types.ModelContent(parts),
            partial=False,
            usage_metadata=_usage(llm_request, parts),
        )


def reply(request: LlmRequest, introduction: str = INTRODUCTION) -> list[types.Part]:
    """What the offline model says to a request: thoughts, text and calls of tools.

    The first text of a conversation begins with the introduction, but for an answer in a form of
    the agent's own, with which a thought says what it is.

    Raises:
        NoStandIn: The agent's form is one in which nothing can be answered.
    """
    if (form := stand_in(request)) is not None:
        return [types.Part(text=IN_A_FORM, thought=True), _text(form)]
    parts = _react(request)
    if answered := answer_by_tool(parts, request):
        return [types.Part(text=IN_A_FORM, thought=True), answered]
    for part in parts:
        if part.text and not part.thought and not _has_answered(request):
            part.text = introduction + part.text
    return parts


def _react(request: LlmRequest) -> list[types.Part]:
    latest = (request.contents[-1].parts or []) if request.contents else []
    if results := [part.function_response for part in latest if part.function_response]:
        if any(result.name == SET_RESPONSE for result in results):
            raise NoStandIn  # ADK has refused what was answered.
        return [_text("\n\n".join(map(_describe_result, results)))]
    message = _message(request)
    if (command := _command(message)) and not (command == "/call" and _is_handed_over(request)):
        return _run_command(command, message[len(command) :].strip(), request)
    thought = types.Part(text=THOUGHT.format(message=_as_code(message)), thought=True)
    calls = find_calls(message, request, may_transfer=not _is_report(request.contents[-1]))
    return [thought, *(calls or [_text(_answer(message, request))])]


def model_or_offline(name: str | None = None) -> str | BaseLlm:
    """The model `name`, or ADK's default one; the offline model where credentials are missing."""
    name = name or LlmAgent.DEFAULT_MODEL
    return OfflineModel() if needs_credentials(name) and not has_credentials() else name


def needs_credentials(model: str | BaseLlm) -> bool:
    """Whether this is a Gemini that brings no key and no client of its own."""
    if isinstance(model, str):
        try:
            model = LLMRegistry.new_llm(model)
        except ValueError:  # An unknown name: the first turn will say so.
            return False
    if not isinstance(model, Gemini) or model.client:
        return False
    own = model.client_kwargs or {}
    return not any(own.get(key) for key in ("api_key", "credentials", "enterprise", "vertexai"))


def has_credentials() -> bool:
    """Whether the environment names a key, or asks for Google Cloud."""
    if any(os.environ.get(name) for name in KEYS):
        return True
    values = {os.environ.get(name, "").strip().lower() for name in CLOUD_SWITCHES}
    return not values.isdisjoint({"1", "true", "yes", "on"})


LLMRegistry.register(OfflineModel)


def _run_command(command: str, rest: str, request: LlmRequest) -> list[types.Part]:
    match command:
        case "/help":
            return [_text(HELP)]
        case "/tools":
            return [_text(describe_tools(request))]
        case "/call":
            return [call_by_command(rest, request)]
        case "/think":
            return [types.Part(text=LONG_THOUGHT, thought=True), _text("I have thought about it.")]
        case "/long":
            return [_text("\n\n".join(PARAGRAPH.format(number=number) for number in range(1, 21)))]
        case "/markdown":
            return [_text(MARKDOWN)]
        case "/fail":
            return [_text("This answer is going to break off in the mid")]
    return [_text(f"I do not know the command `{command}`.\n\n{HELP}")]


def _answer(message: str, request: LlmRequest) -> str:
    said = _known_answer(message, request)
    if said is None and (example := find_example(message, request)):
        said = f"I need to know more for that. Say it in full, or call the tool: `{example}`"
    if said is None and (name := find_built_in(message, request)):
        said = f"`{name}` is {ONLY_GEMINI}: for that this page needs a key. {WHAT_TO_SAY}"
    return said or (
        f"You said: {_as_code(message)}. I do not understand that, and will not pretend to. "
        "Say `/help` to see what I can do."
    )


def _known_answer(message: str, request: LlmRequest) -> str | None:
    """What is said to a message that means the same to every agent."""
    if _is_handed_over(request):
        return f"You said: {_as_code(message)}. {HANDED_OVER}"
    if re.search(r"\bhelp\b|\bwhat (can|do) you do\b|\bcan you do\b", message, re.IGNORECASE):
        return HELP
    if re.search(r"\bdid i (ask|say|tell|write)\b|\bi (asked|said|told|wrote)\b", message.lower()):
        return _recall(request)
    if asks_what_it_is(message) and _has_answered(request):
        return f"{WHAT_I_AM.strip()} {WHAT_TO_SAY}"
    if said := small_talk(message):
        return f"{said} {WHAT_TO_SAY}"
    return None


def understood(messages: Iterable[str], tools: Iterable[Any]) -> list[str]:
    """Those of the messages that are answered by more than that they are not understood.

    Args:
        messages: By the agent's owner.
        tools: The agent's.
    """
    request = request_with(tools)

    def is_understood(message: str) -> bool:
        known = _command(message) or _known_answer(message, request)
        return bool(known or find_calls(message, request, may_transfer=False))

    return [message for message in messages if is_understood(message)]


def _recall(request: LlmRequest) -> str:
    earlier = _messages(request)[:-1]
    if not earlier:
        return "This is the first message that I know of in this conversation."
    lines = (f"- {_as_code(message)}" for message in earlier)
    return "Before this message you said:\n\n" + "\n".join(lines)


def _describe_result(result: types.FunctionResponse) -> str:
    return f"The tool `{result.name}` answered:\n{_outline(result.response or {})}"


def _outline(value: Any, indent: str = "") -> str:
    """A tool's answer as a list, in lists where it is nested."""
    if not isinstance(value, dict | list):
        return str(value)
    items = value.items() if isinstance(value, dict) else enumerate(value, 1)
    lines = (f"- {name}: {_outline(item, indent + '    ')}" for name, item in items)
    return "".join(f"\n{indent}{line}" for line in lines)


# What the request says


def _messages(request: LlmRequest) -> list[str]:
    """What the visitor said, in order."""
    own = [
        content
        for content in request.contents
        if content.role == "user" and not _is_report(content)
    ]
    texts = ["".join(part.text or "" for part in content.parts or []) for content in own]
    return [text for text in texts if text]


def _is_report(content: types.Content) -> bool:
    """Whether ADK tells here what another agent did."""
    parts = content.parts or []
    return len(parts) > 1 and (parts[0].text or "").startswith(CONTEXT)


def _is_handed_over(request: LlmRequest) -> bool:
    """Whether another agent has just handed over to this one, for the message that it was sent."""
    latest = request.contents[-1] if request.contents else types.Content()
    return _is_report(latest) and any(TRANSFER in (part.text or "") for part in latest.parts or ())


def _message(request: LlmRequest) -> str:
    return (_messages(request) or [""])[-1].strip()


def _command(message: str) -> str:
    return message.split()[0].lower() if message.startswith("/") else ""


def _has_answered(request: LlmRequest) -> bool:
    """Whether anything has been answered in this conversation, by whichever agent."""
    for content in request.contents:
        for part in content.parts or []:
            own = content.role == "model" and not part.thought
            if part.text and (own or (_is_report(content) and SAID in part.text)):
                return True
    return False


# How it is said


def _chunks(parts: list[types.Part]) -> Iterator[types.Part]:
    """Thoughts and texts word by word, spaces and all; calls come with the whole."""
    for part in parts:
        for word in re.findall(r"\s*\S+|\s+$", part.text or ""):
            yield types.Part(text=word, thought=part.thought)


def _text(text: str) -> types.Part:
    return types.Part(text=text)


def _as_code(text: str) -> str:
    """A visitor's words as code, so that no character in them is taken for Markdown or HTML."""
    line = " ".join(text[:200].split()) + "…" * (len(text) > 200)
    fence = "`" * (1 + max(map(len, re.findall("`+", line)), default=0))
    space = " " * line.startswith("`") or " " * line.endswith("`")
    return f"{fence}{space}{line}{space}{fence}"


def _usage(
    request: LlmRequest, parts: list[types.Part]
) -> types.GenerateContentResponseUsageMetadata:
    """Words, since this model has no other tokens. Without usage ADK warns at every turn."""
    prompt = sum(len(message.split()) for message in _messages(request))
    output = sum(len((part.text or "").split()) for part in parts)
    return types.GenerateContentResponseUsageMetadata(
        prompt_token_count=prompt,
        candidates_token_count=output,
        total_token_count=prompt + output,
    )

"""A model that needs no key and no network, and says so.

It answers in the way of a real one: chunks at reading speed, then the whole; thoughts; calls of the
agent's real tools. It understands a few commands and plain questions, and says that it does not
understand the rest.
"""

import asyncio
import logging
import re
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager
from typing import Any

from google.adk.agents import LlmAgent
from google.adk.models import BaseLlm, LLMRegistry, LlmRequest, LlmResponse
from google.adk.models.base_llm_connection import BaseLlmConnection
from google.genai import types
from pydantic import field_validator

from agent.core.adk_internals import CONTEXT, SAID, SET_RESPONSE, TRANSFER
from agent.core.continuing import CONTINUE
from agent.core.figures import OFFLINE_VERSION
from agent.core.language import N_, _, ngettext
from agent.models.credentials import (
    fallbacks,
    is_complete,
    missing_credentials,
    missing_package,
    name_of,
)
from agent.models.offline_schema import NoStandIn, stand_in
from agent.models.offline_talk import WHAT_TO_SAY, asks_what_it_is, small_talk
from agent.models.offline_texts import (
    CANNOT_LOOK,
    HANDED_OVER,
    IN_A_FORM,
    LONG_THOUGHT,
    MARKDOWN,
    NO_REST,
    NOT_UNDERSTOOD,
    PARAGRAPH,
    THOUGHT,
    THOUGHT_ABOUT,
    WHAT_I_AM,
)
from agent.models.offline_tools import (
    answer_by_tool,
    call_by_command,
    describe_tools,
    find_built_in,
    find_calls,
    find_example,
    help_text,
    request_with,
)
from agent.models.text_line import open_text_line

# ADK's built-in tools refuse a model that is not called as a Gemini is
# (adk/utils/model_name_utils.py).
OFFLINE_NAME = "gemini-offline"

log = logging.getLogger(__name__)

# ADK's tool by which an agent ends the loop that it is in.
EXIT_LOOP = "exit_loop"

# What can be asked of any agent that this model answers for.
WHAT_CAN_YOU_DO = N_("What can you do?")
EXAMPLES = (WHAT_CAN_YOU_DO, "/tools", "/think", "/markdown")


ASKS_FOR_HELP = re.compile(r"\bhelp\b|\bwhat (can|do) you do\b|\bcan you do\b", re.IGNORECASE)


class AskedToFail(Exception):
    """What `/fail` raises."""


class OfflineModel(BaseLlm):
    """Answers by `reply`, a word at a time. Keeps nothing between calls."""

    model: str = OFFLINE_NAME

    # Seconds between two chunks: about the speed at which one reads.
    delay: float = 0.03

    # The environment variables that the real model would need; the package, as a requirement.
    missing: tuple[str, ...] = ()
    package: str = ""

    @field_validator("model")
    @classmethod
    def _called_as_a_gemini(cls, model: str) -> str:
        return OFFLINE_NAME if model == "offline" else model

    @classmethod
    def supported_models(cls) -> list[str]:
        """So that `model="offline"` works in any agent, once registered."""
        return ["offline"]

    async def generate_content_async(
        self, llm_request: LlmRequest, stream: bool = False
    ) -> AsyncGenerator[LlmResponse, None]:
        """Partials for each thought and text, then the whole; the whole alone if not streaming.

        Raises:
            AskedToFail: for the command /fail.
        """
        parts = reply(llm_request)
        if stream:
            for chunk in _chunks(parts):
                yield LlmResponse(
                    content=types.ModelContent([chunk]),
                    partial=True,
                    model_version=OFFLINE_VERSION,
                )
                await asyncio.sleep(self.delay)
        if _command(_message(llm_request)) == "/fail":
            raise AskedToFail
        yield LlmResponse(
            content=types.ModelContent(parts),
            partial=False,
            model_version=OFFLINE_VERSION,
            usage_metadata=_usage(llm_request, parts),
        )

    @asynccontextmanager
    async def connect(self, llm_request: LlmRequest) -> AsyncIterator[BaseLlmConnection]:
        """A talk with this model: typed words both ways."""
        async with open_text_line(self, llm_request) as line:
            yield line


def reply(request: LlmRequest) -> list[types.Part]:
    """What the offline model says to a request: thoughts, text and calls of tools.

    The first text of a conversation begins with what it is, but for an answer in a form of the
    agent's own, with which a thought says that.

    Raises:
        NoStandIn: The agent's form is one in which nothing can be answered.
    """
    if (form := stand_in(request)) is not None:
        return [types.Part(text=_(IN_A_FORM), thought=True), _text(form)]
    parts = _react(request)
    if answered := answer_by_tool(parts, request):
        return [types.Part(text=_(IN_A_FORM), thought=True), answered]
    for part in parts:
        if part.text and not part.thought and not _has_answered(request):
            part.text = _(WHAT_I_AM) + part.text
    if EXIT_LOOP in request.tools_dict and not any(part.function_call for part in parts):
        # Else a loop of agents has the same said again until the answer's time is over.
        parts.append(types.Part.from_function_call(name=EXIT_LOOP, args={}))
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
    thought = types.Part(text=_(THOUGHT).format(message=_as_code(message)), thought=True)
    calls = find_calls(message, request, may_transfer=not _is_report(request.contents[-1]))
    return [thought, *(calls or [_text(_answer(message, request))])]


def model_or_offline(name: str | None = None) -> str | BaseLlm:
    """The model `name`, or ADK's default one; the offline model where credentials are missing."""
    return with_credentials(name or LlmAgent.DEFAULT_MODEL)


def with_credentials(model: str | BaseLlm) -> str | BaseLlm:
    """The model itself; the offline one where its credentials or its package are missing; of
    several, of which one is asked after the other, those that have theirs."""
    missing, package = missing_credentials(model), missing_package(model)
    if missing or package:
        return OfflineModel(missing=missing, package=package)
    entries = fallbacks(model)
    usable = [entry for entry in entries if is_complete(entry)]
    if isinstance(model, str) or len(usable) == len(entries):
        return model
    left_out = ", ".join(name_of(entry) for entry in entries if entry not in usable)
    log.warning("The AI answers without %s, for which a key or a package is missing.", left_out)
    return model.model_copy(update={"models": usable, "model": name_of(usable[0])})


LLMRegistry.register(OfflineModel)


def _run_command(command: str, rest: str, request: LlmRequest) -> list[types.Part]:
    match command:
        case "/help":
            return [_text(help_text(request))]
        case "/tools":
            return [_text(describe_tools(request))]
        case "/call":
            return [call_by_command(rest, request)]
        case "/think":
            return [types.Part(text=_(LONG_THOUGHT), thought=True), _text(_(THOUGHT_ABOUT))]
        case "/long":
            return [
                _text("\n\n".join(_(PARAGRAPH).format(number=number) for number in range(1, 21)))
            ]
        case "/markdown":
            return [_text(_(MARKDOWN))]
        case "/fail":
            return [_text(_("This answer is going to break off in the mid"))]
    unknown = _("I do not know the command `{command}`.").format(command=command)
    return [_text(f"{unknown}\n\n{help_text(request)}")]


def _answer(message: str, request: LlmRequest) -> str:
    said = _known_answer(message, request)
    if said is None and (example := find_example(message, request)):
        said = _("I need to know more for that. Say it in full, or call the tool: `{example}`")
        said = said.format(example=example)
    if said is None and (name := find_built_in(message, request)):
        said = _(
            "`{name}` is a part of Gemini, which I cannot use: for that this page needs a key."
        )
        said = f"{said.format(name=name)} {_(WHAT_TO_SAY)}"
    return said or _(NOT_UNDERSTOOD).format(message=_as_code(message))


def _known_answer(message: str, request: LlmRequest) -> str | None:
    """What is said to a message that means the same to every agent."""
    if message in (CONTINUE, _(CONTINUE)):
        return _rest(request) or _(NO_REST)
    if files := [kind for content in request.contents[-1:] for kind in _files(content)]:
        kinds = ", ".join(map(_as_code, files))
        sent = ngettext("{number} file", "{number} files", len(files))
        sent = _("You sent {files} ({kinds}).").format(files=sent, kinds=kinds)
        return f"{sent} {_(CANNOT_LOOK)}"
    if _is_handed_over(request):
        return f"{_(HANDED_OVER).format(message=_as_code(message))} {_(WHAT_TO_SAY)}"
    if message == _(WHAT_CAN_YOU_DO) or ASKS_FOR_HELP.search(message):
        return help_text(request)
    if re.search(r"\bdid i (ask|say|tell|write)\b|\bi (asked|said|told|wrote)\b", message.lower()):
        return _recall(request)
    if asks_what_it_is(message) and _has_answered(request):
        return f"{_(WHAT_I_AM).strip()} {_(WHAT_TO_SAY)}"
    if said := small_talk(message):
        return f"{said} {_(WHAT_TO_SAY)}"
    return None


def _rest(request: LlmRequest) -> str:
    """What is left of the answer to a command that was cut off; "" where nothing is."""
    command, said = "", ""
    for content in request.contents[:-1]:
        text = "".join(part.text or "" for part in content.parts or () if not part.thought)
        if content.role == "model":
            said += text
        elif text.strip() not in (CONTINUE, _(CONTINUE)):
            command, said = text.strip(), ""
    is_cut = command in ("/help", "/long", "/markdown")
    parts = _run_command(command, "", request) if is_cut else []
    whole = "".join(part.text or "" for part in parts)
    begun = said.removeprefix(_(WHAT_I_AM))  # With which a chat's first answer begins.
    return whole[len(begun) :] if begun and whole.startswith(begun) else ""


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
        return _("This is the first message that I know of in this conversation.")
    file = _("a file")
    lines = (f"- {_as_code(message) if message else file}" for message in earlier)
    return _("Before this message you said:") + "\n\n" + "\n".join(lines)


def _describe_result(result: types.FunctionResponse) -> str:
    answered = _("The tool `{name}` answered:").format(name=result.name)
    return f"{answered}\n{_outline(result.response or {})}"


def _outline(value: Any, indent: str = "") -> str:
    """A tool's answer as a list, in lists where it is nested."""
    if not isinstance(value, dict | list):
        return str(value)
    items = value.items() if isinstance(value, dict) else enumerate(value, 1)
    lines = (f"- {name}: {_outline(item, indent + '    ')}" for name, item in items)
    return "".join(f"\n{indent}{line}" for line in lines)


# What the request says


def _messages(request: LlmRequest) -> list[str]:
    """What the visitor said, in order; "" for files without words."""
    own = [
        content
        for content in request.contents
        if content.role == "user" and not _is_report(content)
    ]
    said = [("".join(part.text or "" for part in content.parts or []), content) for content in own]
    return [text for text, content in said if text or _files(content)]


def _files(content: types.Content) -> list[str]:
    """The types of the files in it."""
    blobs = [part.inline_data for part in content.parts or [] if part.inline_data]
    return [blob.mime_type or "" for blob in blobs]


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

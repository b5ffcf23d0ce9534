"""What AG-UI's clients send, made into a `Question`.

Only the last of a client's messages is taken as it is written. The ids of those above it say what
the client still shows, and the session is cut to that: the agent remembers the session's own words,
not the client's. Where the ids name no session, the conversation begins anew with the client's
messages.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from typing import Any

import jsonschema
from ag_ui.core import (
    AssistantMessage,
    DeveloperMessage,
    Message,
    ResumeEntry,
    RunAgentInput,
    SystemMessage,
    TextPart,
    Tool,
    ToolMessage,
    UserMessage,
)
from fastapi import HTTPException
from fastapi.exceptions import RequestValidationError
from google.genai import types
from pydantic import ValidationError

from agent.api.agui_files import files_of
from agent.api.agui_ids import ids_of, parse_id
from agent.api.body_filter import UNREADABLE, filter_body
from agent.api.openai_request import ChatMessage, check_size
from agent.api.sse_request import GivenReply, to_replies
from agent.chat.sent_files import to_parts
from agent.core.client_tools import ClientTool, is_ticket
from agent.core.history import TurnRecord
from agent.core.json_schema import VALIDATOR
from agent.core.notices import Notice
from agent.core.pauses import Pause
from agent.core.question import Options, Question, Screen
from agent.core.settings import Settings
from agent.core.text import to_json
from agent.core.transcript import ToolCall
from agent.core.waiting import open_pauses
from agent.limits.rate_limits import LimitExceeded

LAST_MESSAGE = "The last message must be the user's, or the results of the application's tools."

NOT_DECIDED = "resume: An approval needs a payload with `approved`, which is true or false."

NO_RESULT_AWAITED = "No call of the application's tools waits for these results (any more)."

BAD_TOOL = "tools: {name!r} has no name or no JSON Schema that a model can be given."

# What models take as a function's name (https://ai.google.dev/api/caching#FunctionDeclaration).
TOOL_NAME = re.compile(r"[A-Za-z_][\w.-]{0,63}", re.ASCII)

# The messages that a new chat takes over; an instruction is read as the user's words.
SPOKEN = (UserMessage, AssistantMessage, SystemMessage, DeveloperMessage)

CONTEXT = "What my application tells of what it shows at the moment:\n\n"


def parse_input(body: bytes) -> RunAgentInput:
    """The request's body, without characters that cannot be stored.

    Raises:
        RequestValidationError: if it is no request of AG-UI's.
        HTTPException: 400, if it is no JSON that can be taken here.
    """
    try:
        return RunAgentInput.model_validate_json(filter_body(body, lambda _: False))
    except ValidationError as error:
        faults = [{**fault, "loc": ("body", *fault["loc"])} for fault in error.errors()]
        raise RequestValidationError(faults) from None
    except (ValueError, RecursionError):
        raise HTTPException(400, UNREADABLE) from None


def session_of(run_input: RunAgentInput) -> str | None:
    """The id of the session that the client goes on with; None where it names none."""
    given = [parse_id(entry.interrupt_id) for entry in run_input.resume or []]
    known = [
        *(id for message in run_input.messages for id in ids_of(message)),
        *filter(None, given),
    ]
    return known[-1].session_id if known else None


def to_question(
    run_input: RunAgentInput, turns: Sequence[TurnRecord] | None, settings: Settings
) -> Question:
    """The last message as a question, or the client's answers to open pauses and tool calls.

    Args:
        run_input: The request.
        turns: The turns of the session that it goes on with; None for a new session.
        settings: The host's.

    Raises:
        HTTPException: 409 or 422 for a request that cannot be answered.
        LimitExceeded: if it is too long.
    """
    options = Options(
        client_tools=_tools(run_input.tools or []), client_context=_context(run_input)
    )
    _check_length([options.client_context, *map(asdict, options.client_tools)], settings)
    last = run_input.messages[-1] if run_input.messages else None
    results = _results(run_input.messages, turns or (), settings)
    if run_input.resume and not _is_left(run_input.resume, last, turns or ()):
        replies = _replies(run_input.resume, turns or (), settings)
        return Question(replies=replies, results=results, options=options)
    if isinstance(last, ToolMessage):
        if not results:
            raise HTTPException(409, NO_RESULT_AWAITED)
        return Question(results=results, options=options)
    if not isinstance(last, UserMessage):
        raise HTTPException(422, LAST_MESSAGE)
    question = Question(text_of(last), options=options, files=files_of(last, settings))
    return _placed(question, run_input.messages, turns, settings)


def text_of(message: Message) -> str:
    """All text of a message."""
    content = message.content
    if isinstance(content, list):
        content = "".join(part.text for part in content if isinstance(part, TextPart))
    return content if isinstance(content, str) else ""


def _placed(
    question: Question,
    messages: Sequence[Message],
    turns: Sequence[TurnRecord] | None,
    settings: Settings,
) -> Question:
    """The question with its place: below which turns of the session, or after which messages of the
    client's in a new one."""
    *above, _ = messages
    if turns is not None:
        number, screen = _screen(above, turns)
        return replace(question, above=number, screen=screen)
    said = [message for message in messages if isinstance(message, SPOKEN)]
    chat = [ChatMessage(role=message.role, content=text_of(message)) for message in said]
    longest = settings.max_message_length
    if longest and len(question.text) > longest:
        raise LimitExceeded("message_too_long", length=len(question.text), longest=longest)
    check_size(chat, settings)
    # The model is shown no more events than that, and each takes time to store.
    pairs = list(zip(said, chat, strict=True))[:-1][-settings.history_events :]
    contents = [_content(message, plain, settings) for message, plain in pairs]
    earlier = [content for content in contents if content.parts]
    return replace(question, earlier=earlier, is_checked=True)


def _content(message: Message, plain: ChatMessage, settings: Settings) -> types.Content:
    content = plain.to_content(settings)
    if isinstance(message, UserMessage):
        content.parts = [*(content.parts or []), *to_parts(files_of(message, settings))]
    return content


def _screen(above: Sequence[Message], turns: Sequence[TurnRecord]) -> tuple[int, Screen]:
    """How many of the user's messages a client shows, and the turns that belong to them.

    A turn is known by an id that was made in it; one that has said nothing, by its question.
    """
    shown: list[str | None] = []
    next_place = 0
    for text, ids in _by_question(above):
        left = list(enumerate(turns))[next_place:]
        known = [i for i, turn in left if turn.id in ids]
        known += [i for i, turn in left if turn.question == text]
        shown.append(turns[known[0]].id if known else None)
        next_place = known[0] + 1 if known else next_place
    hidden = next_place - sum(id is not None for id in shown)
    # A client that does not show the latest turn wants it taken back.
    gone = tuple(turn.id for turn in turns[-1:])
    return len(shown), Screen(tuple(shown), hidden, gone)


def _by_question(messages: Sequence[Message]) -> list[tuple[str, set[str]]]:
    """The text of each of the user's messages, and the ids of the turns that answer below it."""
    questions: list[tuple[str, set[str]]] = []
    for message in messages:
        if isinstance(message, UserMessage):
            questions.append((text_of(message), set()))
        elif questions:
            questions[-1][1].update(id.turn_id for id in ids_of(message))
    return questions


def _is_left(
    resume: Sequence[ResumeEntry], last: Message | None, turns: Sequence[TurnRecord]
) -> bool:
    """Whether the user has sent a new message instead of an answer; it declines what was asked."""
    if not isinstance(last, UserMessage) or any(e.status == "resolved" for e in resume):
        return False
    waiting = [turn for turn in turns if open_pauses(turn.transcript)]
    return not any(turn.question == text_of(last) for turn in waiting)


def _replies(
    resume: Sequence[ResumeEntry], turns: Sequence[TurnRecord], settings: Settings
) -> Mapping[str, Any]:
    waiting = {pause.id: pause for turn in turns for pause in open_pauses(turn.transcript)}
    given = {}
    for entry in resume:
        id = parse_id(entry.interrupt_id)
        pause = waiting.get(id.own) if id else None
        if pause is None:
            raise HTTPException(409, Notice("answered_already").text)
        given[pause.id] = _reply(pause, entry)
    return to_replies(given, settings.max_message_length)


def _reply(pause: Pause, entry: ResumeEntry) -> GivenReply:
    if entry.status == "cancelled":
        return GivenReply(approved=False, value=None, args=None)
    if pause.kind != "approval":
        return GivenReply(approved=True, value=entry.payload, args=None)
    match entry.payload:
        case {"approved": bool(approved), **more}:
            args, value = more.get("editedArgs"), more.get("payload")
            args = args if isinstance(args, dict) else None
            return GivenReply(approved=approved, value=value, args=args if approved else None)
    raise HTTPException(422, NOT_DECIDED)


def _results(
    messages: Sequence[Message], turns: Sequence[TurnRecord], settings: Settings
) -> dict[str, dict[str, Any]]:
    """The results of the application's tools, by the ids of the calls that wait for one.

    A client sends the results of the agent's own tools as well; these are known already.

    Raises:
        LimitExceeded: if they are too long.
    """
    waiting = {call.id for turn in turns for call in _open_calls(turn)}
    results = {}
    for message in reversed(messages):
        if not isinstance(message, ToolMessage):
            break
        id = parse_id(message.tool_call_id)
        if id and id.own in waiting:
            results[id.own] = _result(message)
    _check_length(results, settings)
    return results


def _open_calls(record: TurnRecord) -> Iterator[ToolCall]:
    for entry in record.transcript:
        if isinstance(entry, ToolCall) and entry.waits_for == "program" and is_ticket(entry.result):
            yield entry


def _result(message: ToolMessage) -> dict[str, Any]:
    if message.error:
        return {"error": message.error}
    text = text_of(message)
    with suppress(ValueError, RecursionError):
        value = json.loads(filter_body(text.encode(), lambda _: False))
        return value if isinstance(value, dict) else {"result": value}
    return {"result": text}


def _tools(tools: Sequence[Tool]) -> tuple[ClientTool, ...]:
    """The application's tools.

    Raises:
        HTTPException: 422 for a tool that no model can be given.
    """
    known: dict[str, ClientTool] = {}
    for tool in tools:
        schema = tool.parameters or {}
        try:
            VALIDATOR.check_schema(schema)
            is_fit = isinstance(schema, dict) and bool(TOOL_NAME.fullmatch(tool.name))
        except (jsonschema.SchemaError, RecursionError):
            is_fit = False
        if not is_fit:
            raise HTTPException(422, BAD_TOOL.format(name=tool.name[:80]))
        known[tool.name] = ClientTool(tool.name, tool.description, schema)
    return tuple(known.values())


def _context(run_input: RunAgentInput) -> str:
    lines = [f"{item.description}: {item.value}" for item in run_input.context or []]
    return CONTEXT + "\n\n".join(lines) if lines else ""


def _check_length(value: Any, settings: Settings) -> None:
    """Check that this is no longer, as JSON, than a whole chat on the page may be.

    Raises:
        LimitExceeded: if it is longer.
    """
    longest = settings.max_message_length * settings.max_chat_turns
    length = len(to_json(value, ensure_ascii=False))
    if longest and length > longest:
        raise LimitExceeded("messages_too_long", length=length, longest=longest)

"""What an event gives as the answer without saying it: a tool's result that no model is to put into
words (`skip_summarization`), or what a workflow's last node returns (`Event.output`).
"""

import json
import reprlib
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any, Literal, TypeAlias

from google.adk.events import Event
from pydantic_core import to_jsonable_python

from agent.core.client_tools import is_ticket
from agent.core.text import to_json

# A model's own words; a result that is text; a result that is JSON.
Form: TypeAlias = Literal["words", "result", "json"]


def results(event: Event) -> list[tuple[str, Form]]:
    """The results in an event, as text; none where the event says in words what it has to say."""
    parts = (event.content.parts or []) if event.content else []
    if event.partial or any(part.text and not part.thought for part in parts):
        return []
    return [_as_text(value) for value in _values(event)]


def waits_for_person(event: Event) -> bool:
    """Whether a tool of the event's waits for somebody: to approve a call, to sign in, or to do
    what takes long, or what only the person's application can do."""
    actions = event.actions
    asks = actions.requested_tool_confirmations or actions.requested_auth_configs
    given = (response.response for response in event.get_function_responses())
    return bool(asks or event.long_running_tool_ids or any(map(is_ticket, given)))


def repeats(result: str, texts: Iterable[str]) -> bool:
    """Whether a result only repeats what has been said, such as the answers of several agents that
    a workflow collects."""
    said: list[Any] = [text.strip() for text in texts]
    said += [_parsed(text) for text in said]
    return _is_said(_parsed(result), said)


def _values(event: Event) -> Iterator[Any]:
    if event.actions.skip_summarization and not waits_for_person(event):
        for response in event.get_function_responses():
            yield _tool_result(response.response or {})
    if _is_of_root(event):
        # An agent that ends its task by a tool returns that tool's arguments.
        output, is_task = event.output, bool(event.get_function_responses())
        yield _tool_result(output) if is_task and isinstance(output, dict) else output


def _tool_result(response: dict[str, Any]) -> Any:
    """What a tool has returned; None for a failure, and for a tool that only ends a loop."""
    match response:
        case {"error": error} if error:
            return None
        case {"isError": True}:
            return None
        case {"result": result} if len(response) == 1:  # So ADK wraps what is no dict.
            return result
        case {"content": [*blocks]}:  # So MCP's servers answer.
            texts = [block.get("text") for block in blocks if isinstance(block, dict)]
            return "\n\n".join(filter(None, texts)) or response
    return response or None


def _is_of_root(event: Event) -> bool:
    """Whether the event's output is that of the agent on show, not only of a node on the way."""
    paths = event.node_info.output_for or [event.node_info.path]
    return any("/" not in path for path in paths)


def _as_text(value: Any) -> tuple[str, Form]:
    if value is None or isinstance(value, str):
        return value or "", "result"
    try:
        # As ADK stores it, so that it is the same after a reload.
        plain = to_jsonable_python(value, exclude_none=True, bytes_mode="base64", fallback=str)
        text = plain if isinstance(plain, str) else to_json(plain, indent=2, ensure_ascii=False)
    except Exception:  # It holds itself, or is nested too deeply.
        return reprlib.repr(value), "result"
    return text, "json" if isinstance(plain, dict | list) else "result"


def _parsed(text: str) -> Any:
    """The text as JSON, if it is that; else itself."""
    with suppress(ValueError, RecursionError):
        return json.loads(text)
    return text.strip()


def _is_said(value: Any, said: list[Any]) -> bool:
    match value:
        case str():
            return value.strip() in said
        case dict() if value and value not in said:
            return all(_is_said(item, said) for item in value.values())
        case list() if value and value not in said:
            return all(_is_said(item, said) for item in value)
    return value in said

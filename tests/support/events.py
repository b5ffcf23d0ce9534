"""ADK's events and the transcript's entries, each in one short call."""

from itertools import accumulate
from typing import Any

from google.adk.events import Event
from google.genai import types

from agent.core.transcript import Source, State, Text, Thought, ToolCall, Transcript, add

HELPER: Source = ("helper", None)


def transcripts(*events: Event) -> list[Transcript]:
    """The snapshot after each event."""
    return list(accumulate(events, add, initial=Transcript()))[1:]


def last(*events: Event) -> Transcript:
    return transcripts(*events)[-1]


def whole(*parts: str | types.Part, source: Source = HELPER, at: float = 0.0, **more: Any) -> Event:
    """An event that is not partial, without an `id` one of a single response."""
    author, branch = source
    content = types.Content(role="model", parts=[as_part(part) for part in parts])
    more = {"id": "response", **more}
    return Event(author=author, branch=branch, content=content, timestamp=at, **more)


def chunk(*parts: str | types.Part, source: Source = HELPER, **more: Any) -> Event:
    """A partial event."""
    return whole(*parts, source=source, partial=True, **more)


def bare(source: Source = HELPER, **more: Any) -> Event:
    """An event without content."""
    return Event(author=source[0], branch=source[1], **more)


def error(code: str = "ServerError", source: Source = HELPER) -> Event:
    return bare(source, error_code=code, error_message="500 None. {'error': 'secret'}")


def as_part(part: str | types.Part) -> types.Part:
    return types.Part(text=part) if isinstance(part, str) else part


def result(id: str, name: str = "get_time", **response: Any) -> types.Part:
    """A tool's answer."""
    answer = types.FunctionResponse(id=id, name=name, response=response)
    return types.Part(function_response=answer)


def image(data: bytes) -> types.Part:
    return types.Part(inline_data=types.Blob(mime_type="image/png", data=data))


def code(source: str, id: str | None = None) -> types.Part:
    """Code that a model wants to run."""
    language = types.Language.PYTHON
    return types.Part(executable_code=types.ExecutableCode(id=id, code=source, language=language))


def outcome(output: str, id: str | None = None) -> types.Part:
    """What that code printed."""
    ok = types.Outcome.OUTCOME_OK
    return types.Part(
        code_execution_result=types.CodeExecutionResult(id=id, outcome=ok, output=output)
    )


def text(said: str, state: State = "final", source: Source = HELPER) -> Text:
    return Text(said, source, state)


def thinks(said: str, state: State = "final", source: Source = HELPER) -> Thought:
    return Thought(said, source, state)


def tool(id: str = "call-1", name: str = "get_time", **more: Any) -> ToolCall:
    """A call of a tool by the helper, without arguments."""
    return ToolCall(id, name, {}, HELPER, **more)

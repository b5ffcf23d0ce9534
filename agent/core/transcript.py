"""What has been said in a turn so far: frozen entries, and `add`, which folds an ADK event in.

ADK streams a model's answer as partial events, each holding only what is new, and then repeats
the whole in one event that is not partial. So partials *grow* an open entry, and the event that
is not partial *replaces* what its agent has open. Several agents may speak at once; (author,
branch) tells them apart.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias, TypeGuard, assert_never

from google.adk.events import Event
from google.genai import types

from agent.core.notices import Notice
from agent.core.text import clean

# Who speaks: an event's author and branch.
Source: TypeAlias = tuple[str, str | None]

# Still growing; ended by an error before its whole came; as the session stores it.
State: TypeAlias = Literal["open", "cut", "final"]


@dataclass(frozen=True)
class Text:
    """A piece of the answer, in the model's very characters."""

    text: str
    source: Source = ("", None)
    state: State = "final"


@dataclass(frozen=True)
class Thought:
    """What a model says to itself before it answers; never part of the answer."""

    text: str
    source: Source = ("", None)
    state: State = "final"


@dataclass(frozen=True)
class ToolCall:
    """A call of a tool: `result` and `seconds` are None until it has answered."""

    id: str
    name: str
    args: dict[str, Any]
    source: Source = ("", None)
    began: float = 0.0  # In seconds since 1970.
    result: Any = None
    seconds: float | None = None
    state: State = "final"


@dataclass(frozen=True)
class Picture:
    """An image, or another file, that the model itself made."""

    mime_type: str
    data: bytes
    source: Source = ("", None)
    state: State = "final"


AgentEntry: TypeAlias = Text | Thought | ToolCall | Picture
Entry: TypeAlias = AgentEntry | Notice
Transcript: TypeAlias = tuple[Entry, ...]

# The name under which code that the model itself runs is shown, as if it were a tool.
CODE = "run_code"


def add(transcript: Transcript, event: Event) -> Transcript:
    """The transcript with `event` folded in: a new value, the old one is not touched."""
    source: Source = (event.author, event.branch)
    if event.author == "user":
        return transcript
    if event.partial:
        # What can be shown as it comes; calls wait for the whole.
        return _grow(transcript, source, [part for part in _parts(event) if part.text])
    if event.content is None:
        return _cut(transcript, source) if event.error_code else transcript
    return _answer_calls(_replace(transcript, source, event), source, event)


def answer(transcript: Transcript) -> str:
    """The answer's text alone: no thoughts, no tools, no notices."""
    return "".join(entry.text for entry in transcript if isinstance(entry, Text))


def notices(transcript: Transcript) -> list[str]:
    """The app's own sentences alone: why an answer is not whole."""
    return [entry.text for entry in transcript if isinstance(entry, Notice)]


def to_text(transcript: Transcript) -> str:
    """The answer for a program that takes text alone, with the app's own sentences in brackets
    below it."""
    sentences = []
    for entry in transcript:
        match entry:
            case Notice():
                sentences.append(f"({entry.text})")
            case Text() | Thought() | ToolCall() | Picture():
                pass  # The texts are in `answer`.
            case _:
                assert_never(entry)
    return "\n\n".join(filter(None, (clean(answer(transcript)), *sentences)))


def unstored(transcript: Transcript) -> list[Text]:
    """The answer's pieces that were shown but whose whole never came: ADK has not stored them."""
    return [entry for entry in transcript if isinstance(entry, Text) and entry.state != "final"]


def close(transcript: Transcript) -> Transcript:
    """The transcript of a turn that is over: nothing grows, and no tool is at work."""
    return tuple(_closed(entry) for entry in transcript)


def busy_with_tools(transcript: Transcript) -> bool:
    """Whether a tool is at work, so that silence is not the model's."""
    return any(isinstance(entry, ToolCall) and entry.seconds is None for entry in transcript)


def _closed(entry: Entry) -> Entry:
    match entry:
        case ToolCall(seconds=None):
            error = {"error": "It had not answered when the turn ended."}
            return replace(entry, result=error, seconds=0.0)
        case Text() | Thought() | ToolCall() | Picture():
            return replace(entry, state="cut") if entry.state == "open" else entry
        case Notice():
            return entry
        case _:
            assert_never(entry)


def _parts(event: Event) -> list[types.Part]:
    return (event.content.parts or []) if event.content else []


def _grow(transcript: Transcript, source: Source, parts: list[types.Part]) -> Transcript:
    if parts:
        # Words after an error mean that the agent tries again: they supersede the first attempt.
        transcript = tuple(entry for entry in transcript if not _is(entry, source, "cut"))
    for part in parts:
        new = _entry(part, source, "open")
        is_open = (i for i, entry in enumerate(transcript) if _is(entry, source, "open"))
        last = max(is_open, default=None)
        if last is None or (joined := _joined(transcript[last], new)) is None:
            transcript = (*transcript, new)
        else:
            transcript = (*transcript[:last], joined, *transcript[last + 1 :])
    return transcript


def _joined(old: Entry, new: Entry) -> Entry | None:
    """One entry with the text of both, if they are of one kind; else None."""
    match old, new:
        case (Text(), Text()):
            return replace(old, text=old.text + new.text)
        case (Thought(), Thought()):
            return replace(old, text=old.text + new.text)
    return None


def _cut(transcript: Transcript, source: Source) -> Transcript:
    return tuple(
        replace(entry, state="cut") if _is(entry, source, "open") else entry for entry in transcript
    )


def _replace(transcript: Transcript, source: Source, event: Event) -> Transcript:
    """What `source` had open, replaced by the whole; an answer of tools alone replaces nothing."""
    parts = _parts(event)
    if parts and all(part.function_response for part in parts):
        return transcript
    is_old = [_is(entry, source, "open", "cut") for entry in transcript]
    place = is_old.index(True) if True in is_old else len(transcript)
    rest = [entry for entry, old in zip(transcript, is_old, strict=True) if not old]
    return (*rest[:place], *_whole(parts, source, event.timestamp), *rest[place:])


def _whole(parts: Iterable[types.Part], source: Source, now: float) -> Transcript:
    entries: list[Entry] = []
    for part in parts:
        if part.text or part.function_call or part.executable_code or part.inline_data:
            entry = _entry(part, source, "final", now)
            joined = _joined(entries[-1], entry) if entries else None
            entries[-1:] = [joined] if joined else [*entries[-1:], entry]
    return tuple(entries)


def _entry(part: types.Part, source: Source, state: State, now: float = 0.0) -> Entry:
    if call := part.function_call:
        return ToolCall(call.id or "", call.name or "", dict(call.args or {}), source, now)
    if code := part.executable_code:
        return ToolCall(code.id or "", CODE, {"code": code.code}, source, now)
    if blob := part.inline_data:
        return Picture(blob.mime_type or "", blob.data or b"", source, state)
    kind = Thought if part.thought else Text
    return kind(part.text or "", source, state)


def _answer_calls(transcript: Transcript, source: Source, event: Event) -> Transcript:
    for part in _parts(event):
        if response := part.function_response:
            id, result = response.id or "", response.response
            transcript = _answer_call(transcript, source, id, result, event.timestamp)
        if outcome := part.code_execution_result:
            id = outcome.id or ""
            transcript = _answer_call(transcript, source, id, outcome.output, event.timestamp)
    return transcript


def _answer_call(
    transcript: Transcript, source: Source, id: str, result: Any, now: float
) -> Transcript:
    """The call with this id answered; a long-running tool's second answer replaces its first."""
    for i, entry in enumerate(transcript):
        # Gemini gives code that it runs itself no id: a result is its agent's first that waits.
        if (
            isinstance(entry, ToolCall)
            and entry.id == id
            and (id or (entry.source, entry.seconds) == (source, None))
        ):
            done = replace(entry, result=result, seconds=max(0.0, now - entry.began))
            return (*transcript[:i], done, *transcript[i + 1 :])
    return transcript


def _is(entry: Entry, source: Source, *states: State) -> TypeGuard[AgentEntry]:
    return not isinstance(entry, Notice) and entry.source == source and entry.state in states

"""What has been said in a turn so far: frozen entries, and `add`, which folds an ADK event in.

ADK streams a model's answer as partial events, each holding only what is new, and then repeats
the whole in one event that is not partial. So partials *grow* an open entry, and the event that
is not partial *replaces* what its agent has open. Several agents may speak at once; (author,
branch) tells them apart.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeAlias, TypeGuard, assert_never

from google.adk.events import Event
from google.genai import types

from agent.core import files, pauses
from agent.core.files import File
from agent.core.inner_talk import is_inner
from agent.core.language import N_
from agent.core.notices import Notice
from agent.core.pauses import Pause
from agent.core.results import Form, repeats, results
from agent.core.said import Said
from agent.core.sources import Sources, sources

# Who speaks: an event's author and branch.
Source: TypeAlias = tuple[str, str | None]

# Still growing; ended by an error before its whole came; as the session stores it.
State: TypeAlias = Literal["open", "cut", "final"]


@dataclass(frozen=True)
class Text:
    """A piece of the answer, in the model's very characters, or a result that is the answer."""

    text: str
    source: Source = ("", None)
    state: State = "final"
    form: Form = "words"
    # ADK's id of the model's response that it is a part of.
    response_id: str = field(default="", compare=False)


@dataclass(frozen=True)
class Thought:
    """What a model says to itself before it answers; never part of the answer."""

    text: str
    source: Source = ("", None)
    state: State = "final"
    # Whether its agent says it to other agents (agent/core/inner_talk.py).
    is_inner: bool = False


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
    response_id: str = field(default="", compare=False)
    # Whether it waits for a person's answer, or for a program's: then `result` is its ticket.
    waits_for: Literal["person", "program"] | None = None


AgentEntry: TypeAlias = Text | Thought | ToolCall | File | Sources | Pause
Entry: TypeAlias = AgentEntry | Notice | Said
Transcript: TypeAlias = tuple[Entry, ...]

# What stands in the place of a tool's own error, in English, as programs are told it.
UNANSWERED, FAILED = OWN_ERRORS = (
    N_("It had not answered when the turn ended."),
    N_("It failed."),
)

# The code of the notice of what this page cannot draw.
WIDGET = "widget"

# The name under which code that the model itself runs is shown, as if it were a tool.
CODE = "run_code"


def add(transcript: Transcript, event: Event) -> Transcript:
    """The transcript with `event` folded in: a new value, the old one is not touched."""
    source: Source = (event.author, event.branch)
    if event.author == "user":  # What was asked is not part of the answer; replies in it are.
        return _reply(transcript, event)
    transcript = _within_calls(transcript, event)
    if event.partial:
        # What can be shown as it comes; calls wait for the whole.
        return _grow(transcript, event, [part for part in _parts(event) if part.text])
    if event.content:
        transcript = _answer_calls(_replace(transcript, source, event), source, event)
    elif event.error_code:
        transcript = _cut(transcript, source)
    calls = [response.id or "" for response in event.get_function_responses()]
    transcript = _with_files(transcript, "".join(calls[-1:]), files.saved(event))
    transcript = (*transcript, *_asides(event))
    for text, form in results(event):
        said = (entry.text for entry in transcript if isinstance(entry, Text))
        if text.strip() and not repeats(text, said):
            transcript = (*transcript, Text(text, source, form=form, response_id=event.id))
    return transcript


def _asides(event: Event) -> Iterator[Entry]:
    """What belongs below the words of an event."""
    if found := sources(event):
        yield found
    # A widget is drawn by `adk web` alone (adk/events/ui_widget.py).
    if getattr(event.actions, "render_ui_widgets", None):
        yield Notice(WIDGET)


def answer_later(transcript: Transcript, event: Event) -> Transcript:
    """The transcript with what an event of a later turn answers of its calls. To wait for the next
    message is none of a tool's time."""
    for response in event.get_function_responses():
        transcript = _change_call(transcript, response.id or "", began=event.timestamp)
    if event.author == "user":
        return _reply(transcript, event)
    return _answer_calls(transcript, (event.author, event.branch), event)


def answer(transcript: Transcript) -> str:
    """The answer's text alone: no thoughts, no tools, no notices."""
    return "".join(entry.text for entry in spaced(transcript) if isinstance(entry, Text))


def spaced(transcript: Transcript) -> Transcript:
    """The transcript with a blank line before each text that begins an answer of its own, for
    readers to whom all texts are one: another agent's, the next of the same agent, a result."""
    callers = {entry.response_id for entry in transcript if isinstance(entry, ToolCall)}
    entries: list[Entry] = []
    last, tail = None, ""
    for entry in transcript:
        if isinstance(entry, Text) and (last or entry.text.strip()):
            if last and not _goes_on(last, entry, callers):
                gap = 2 - _newlines(tail[::-1]) - _newlines(entry.text)
                entry = replace(entry, text="\n" * gap + entry.text)
            last, tail = entry, (tail + entry.text)[-2:]
        entries.append(entry)
    return tuple(entries)


def _goes_on(last: Text, text: Text, callers: set[str]) -> bool:
    """Whether a text is of the same response as the last one; or of the next one of the same agent,
    who has only called tools in between."""
    if text.source != last.source or text.form != "words":
        return False
    return last.response_id in (text.response_id, *callers)


def _newlines(text: str) -> int:
    """With how many line breaks it begins."""
    return len(text) - len(text.lstrip("\n"))


def notices(transcript: Transcript) -> list[str]:
    """The app's own sentences alone: why an answer is not whole."""
    return [entry.text for entry in transcript if isinstance(entry, Notice)]


def unstored(transcript: Transcript) -> list[Text | Said]:
    """What was shown but whose whole never came: ADK has not stored it."""
    return [
        entry
        for entry in transcript
        if (isinstance(entry, Text) and entry.state != "final")
        or (isinstance(entry, Said) and not entry.is_final)
    ]


def close(transcript: Transcript) -> Transcript:
    """The transcript of a turn that is over: nothing grows, and no tool is at work."""
    return tuple(_closed(entry) for entry in transcript)


def busy_with_tools(transcript: Transcript) -> bool:
    """Whether a tool is at work, so that silence is not the model's."""
    calls = [entry for entry in transcript if isinstance(entry, ToolCall)]
    return any(call.seconds is None and call.waits_for != "person" for call in calls)


def _closed(entry: Entry) -> Entry:
    match entry:
        case ToolCall(seconds=None, waits_for=None):
            error = {"error": UNANSWERED}
            return replace(entry, result=error, seconds=0.0)
        case Text() | Thought() | ToolCall():
            return replace(entry, state="cut") if entry.state == "open" else entry
        case File() | Sources() | Notice() | Pause() | Said():
            return entry
        case _:
            assert_never(entry)


def encloses(call: ToolCall, source: Source) -> bool:
    """Whether what comes from there comes from within this call: of an agent or a node that is
    called as a tool, ADK ends the branch with the call's id."""
    pieces = (source[1] or "").split(".")
    return any(piece.endswith(f"@{call.id}") for piece in pieces) and call.id != ""


def _within_calls(transcript: Transcript, event: Event) -> Transcript:
    """The calls within which an event comes: they wait for a person who is asked in it, and else
    are at work. An agent in task mode asks by words, and has a scope of its own."""
    source: Source = (event.author, event.branch)
    if "@" not in (event.branch or ""):
        return transcript
    said = any(part.text and not part.thought for part in _parts(event))
    asks = bool(event.isolation_scope and said and event.is_final_response())
    asks = asks or any(pauses.pause_of(call, event) for call in event.get_function_calls())
    return tuple(
        replace(entry, waits_for="person" if asks else None)
        if isinstance(entry, ToolCall)
        and (entry.seconds, entry.waits_for == "program") == (None, False)
        and encloses(entry, source)
        else entry
        for entry in transcript
    )


def _parts(event: Event) -> list[types.Part]:
    return (event.content.parts or []) if event.content else []


def _grow(transcript: Transcript, event: Event, parts: list[types.Part]) -> Transcript:
    source: Source = (event.author, event.branch)
    if parts:
        # Words after an error mean that the agent tries again: they supersede the first attempt.
        transcript = tuple(entry for entry in transcript if not _is(entry, source, "cut"))
    for part in parts:
        new = _entry(part, event, "open")
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
        case (Thought(), Thought()) if old.is_inner == new.is_inner:
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
    return (*rest[:place], *_whole(parts, event), *rest[place:])


def _whole(parts: Iterable[types.Part], event: Event) -> Transcript:
    entries: list[Entry] = []
    for part in parts:
        is_file = part.inline_data or part.file_data
        if part.text or part.function_call or part.executable_code or is_file:
            entry = _entry(part, event, "final")
            joined = _joined(entries[-1], entry) if entries else None
            entries[-1:] = [joined] if joined else [*entries[-1:], entry]
    return tuple(entries)


def _entry(part: types.Part, event: Event, state: State) -> Entry:
    source: Source = (event.author, event.branch)
    began: Any = {"source": source, "began": event.timestamp, "response_id": event.id}
    if call := part.function_call:
        if pause := pauses.pause_of(call, event):
            return pause
        waits: Any = "program" if call.id in (event.long_running_tool_ids or ()) else None
        args = dict(call.args or {})
        return ToolCall(call.id or "", call.name or "", args, waits_for=waits, **began)
    if code := part.executable_code:
        return ToolCall(code.id or "", CODE, {"code": code.code}, **began)
    if file := files.of_part(part, event):
        return file
    if part.thought or is_inner(event):
        return Thought(part.text or "", source, state, is_inner=not part.thought)
    # ADK gives the result of an agent that is used as a tool as words beside the result.
    form: Form = "result" if event.get_function_responses() else "words"
    return Text(part.text or "", source, state, form, event.id)


def _answer_calls(transcript: Transcript, source: Source, event: Event) -> Transcript:
    for part in _parts(event):
        if response := part.function_response:
            id, result = response.id or "", response.response
            if pauses.asks_person(event, id):
                transcript = _change_call(transcript, id, waits_for="person")
                continue
            transcript = _answer_call(transcript, source, id, result, event.timestamp)
            transcript = _with_files(transcript, id, files.returned(response, event))
        if outcome := part.code_execution_result:
            id, is_ok = outcome.id or "", outcome.outcome in (None, types.Outcome.OUTCOME_OK)
            output = outcome.output if is_ok else {"error": outcome.output or FAILED}
            transcript = _answer_call(transcript, source, id, output, event.timestamp)
    return transcript


def _with_files(transcript: Transcript, call_id: str, new: Iterable[File]) -> Transcript:
    """The transcript with these files: below the call of the tool that made them, and what it has
    made before, or at the end."""
    calls = [isinstance(entry, ToolCall) and entry.id == call_id != "" for entry in transcript]
    place = calls.index(True) + 1 if True in calls else len(transcript)
    while place < len(transcript) and isinstance(transcript[place], File):
        place += 1
    return (*transcript[:place], *new, *transcript[place:])


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
            waits_for = None if entry.waits_for == "person" else entry.waits_for
            done = replace(entry, result=result, waits_for=waits_for)
            done = replace(done, seconds=max(0.0, now - entry.began))
            changed = pauses.changed_arguments(result)
            return tuple(
                _with_arguments(other, id, changed) if changed else other
                for other in (*transcript[:i], done, *transcript[i + 1 :])
            )
    return transcript


def _with_arguments(entry: Entry, call_id: str, changed: Mapping[str, Any]) -> Entry:
    """An approval of this call with the arguments that its person has changed."""
    if isinstance(entry, Pause) and entry.reply and entry.call_id == call_id:
        return replace(entry, reply=replace(entry.reply, args=changed))
    return entry


def _reply(transcript: Transcript, event: Event) -> Transcript:
    """What a person or a program has answered, in an event of the user's."""
    for response in event.get_function_responses():
        id, result = response.id or "", response.response
        open_pauses = [entry for entry in transcript if isinstance(entry, Pause) and entry.id == id]
        for pause in open_pauses:
            answered = replace(pause, reply=pauses.reply(pause, result))
            transcript = tuple(answered if entry is pause else entry for entry in transcript)
            # To wait for a person is none of the time of the tool, or of one that it is within.
            began: Any = {"began": event.timestamp, "waits_for": None}
            transcript = tuple(
                replace(entry, **began)
                if isinstance(entry, ToolCall)
                and (entry.id == pause.call_id != "" or encloses(entry, pause.source))
                else entry
                for entry in transcript
            )
        if not open_pauses:
            transcript = _answer_call(transcript, ("", None), id, result, event.timestamp)
            transcript = _change_call(transcript, id, waits_for=None)
    return transcript


def _change_call(transcript: Transcript, id: str, **changes: Any) -> Transcript:
    return tuple(
        replace(entry, **changes)
        if isinstance(entry, ToolCall) and entry.id == id and id
        else entry
        for entry in transcript
    )


def _is(entry: Entry, source: Source, *states: State) -> TypeGuard[Text | Thought | ToolCall]:
    return isinstance(entry, Text | Thought | ToolCall) and (
        entry.source == source and entry.state in states
    )

"""A transcript as chat messages: plain dicts in Gradio's format, without Gradio.

A message with a `metadata` title is shown by Gradio as a small panel of its own, folded when its
status is "done" and open otherwise (gradio/components/chatbot.py, MetadataDict). A text goes as
`{"type": "text", ...}`, because a bare string would lose its indentation and its tabs
(`inspect.cleandoc` in the same file).
"""

import re
from collections.abc import Callable, Container, Iterable
from dataclasses import replace
from functools import lru_cache
from typing import Any, TypeAlias, assert_never

from agent.core.adk_internals import TRANSFER
from agent.core.files import File
from agent.core.history import TurnRecord
from agent.core.pauses import REJECTED, Pause, changed_arguments, sentence
from agent.core.sources import Sources
from agent.core.text import clean, from_json, plural, to_json
from agent.core.transcript import (
    Entry,
    Notice,
    Text,
    Thought,
    ToolCall,
    Transcript,
    busy_with_tools,
)
from agent.core.waiting import executed
from agent.render import source_list
from agent.render.file_links import address_of, to_markdown
from agent.render.markdown import MARK, Room, to_page_markdown
from agent.render.source_list import with_numbers

Message: TypeAlias = dict[str, Any]

Content: TypeAlias = dict[str, str]

# Unicode's WORD JOINER, which is invisible. After a `<` it keeps a visitor's tags from being taken
# for HTML, of which the page would show nothing.
JOINER = "\u2060"

# How many characters of a name, or of a tool's arguments, a panel's title shows.
MAX_TITLE_PART = 80

# The title of what the app itself says. A model's words are never set in bold in a title (`_name`),
# and so none of its panels looks like this one (chat.css).
NOTE = "**Note**"

# The id of a panel that tells of what stays done where its message is taken back (chat.js).
STAYS_DONE = "stays-done"

# The id of what stands beside the words: a file, sources (static/text.js).
ASIDE = "aside"

# How an object begins, or a list of objects or texts: what is not so may be Markdown.
JSON_BEGINS = re.compile(r'\s*(\{\s*["}]|\[\s*[\[{"])')

# Panels of an answer: more are a burden to a browser, and nobody reads them.
MAX_PANELS = 100

# Characters of a tool's arguments or result that a page shows: each few become an element of it.
MAX_SHOWN = 5_000


def to_messages(
    transcript: Transcript,
    waiting: float | None = None,
    root_agent: str = "",
    file_content: Callable[[File], Content] | None = None,
) -> list[Message]:
    """One message for each entry, in order, and a line wherever another agent begins to speak.

    Args:
        transcript: What has been said.
        waiting: Seconds since the turn began while more is expected; None when it is over.
        root_agent: The agent that needs no line, because the page has its name on top.
        file_content: For an export: what a file is in it. All else is then whole, and in the very
            characters that were said. By default all is as the page can show it.
    """
    messages: list[Message] = []
    speaker, room = root_agent, Room()
    done = executed(transcript)
    sources = {found.response_id: found for found in transcript if isinstance(found, Sources)}
    entries, left_out = (transcript, ()) if file_content else _bounded(transcript)
    for entry in entries:
        if isinstance(entry, Text | File) and entry.source[0] != speaker:
            if speaker:
                messages.append(_next_agent(f"{_name(entry.source[0])} answers", status="done"))
            speaker = entry.source[0]
        if isinstance(entry, ToolCall) and entry.name == TRANSFER:
            speaker = str(entry.args.get("agent_name"))
        if isinstance(entry, Text | Thought):
            found = sources.get(getattr(entry, "response_id", ""))
            text, room = _shown_text(entry, room, found, is_whole=file_content is not None)
            entry = replace(entry, text=text)
        messages.append(_message(entry, file_content, done))
    if left_out:
        messages.append(_left_out(left_out))
    if waiting is not None and not _shows_work(transcript):
        title = f"Waiting for an answer ({waiting:.0f} s)"
        messages.append(_panel(title, "The next words have not come yet.", status="pending"))
    return messages


def _shown_text(
    entry: Text | Thought, room: Room, sources: Sources | None, is_whole: bool
) -> tuple[str, Room]:
    """The words of an entry, with the numbers of their sources; and how much room is left."""
    text = entry.text
    if isinstance(entry, Text) and entry.form == "json":
        return text, room
    if isinstance(entry, Text) and _is_json(text, entry.state == "open"):
        return _verbatim(clean(text).replace(MARK, ""), "" if is_whole else MARK), room
    if not is_whole:
        text, room = to_page_markdown(clean(text), room, entry.state == "open")
    if sources:
        text = with_numbers(text, sources, "" if is_whole else MARK)
    return text, room


def to_page(turns: Iterable[TurnRecord], root_agent: str = "", hidden: int = 0) -> list[Message]:
    """A conversation: each question and its answer, after a line for the `hidden` turns before."""
    messages: list[Message] = []
    if hidden:
        title = f"{plural(hidden, 'earlier message')} and what came of them"
        text = "The agent remembers them, and what you save of this chat has them."
        messages.append(_panel(title, text, status="done"))
    for turn in turns:
        if turn.question or turn.id:
            messages.append(to_question(turn.question))
        messages += to_messages(turn.transcript, root_agent=root_agent)
    return messages


def to_question(text: str) -> Message:
    """The visitor's message, tags and all; `as_said` is its inverse."""
    shown = re.sub(r"<(?=[a-zA-Z/!?])", f"<{JOINER}", text.replace(MARK, ""))
    return {"role": "user", "content": _text(shown)}


def as_said(text: str) -> str:
    """The text of a question on the page, as the visitor has typed it."""
    return text.replace(f"<{JOINER}", "<")


def _bounded(transcript: Transcript) -> tuple[Transcript, Transcript]:
    """What a page shows, and the thoughts and tool calls that it leaves out; answers around those
    are joined."""
    shown: list[Entry] = []
    left_out: list[Entry] = []
    panels = 0
    for entry in transcript:
        if isinstance(entry, Thought | ToolCall):
            panels += 1
            (shown if panels <= MAX_PANELS else left_out).append(entry)
            continue
        match shown[-1:], entry:
            case [Text() as before], Text() if left_out and before.source == entry.source:
                shown[-1] = replace(entry, text=f"{before.text}\n\n{entry.text}")
            case _:
                shown.append(entry)
    return tuple(shown), tuple(left_out)


def _left_out(entries: Transcript) -> Message:
    status = "pending" if busy_with_tools(entries) else "done"
    text = "There are too many to show here. What you save of this chat has all of them."
    return _panel(f"More thoughts and tool calls: {len(entries):,}", text, status=status)


def _shows_work(transcript: Transcript) -> bool:
    """Whether the page shows already that more is to come: growing words, or a tool at work."""
    match transcript[-1:]:
        case (Text(state="open"),) | (Thought(state="open"),):
            return True
    return busy_with_tools(transcript)


def _message(
    entry: Entry, file_content: Callable[[File], Content] | None, done: Container[str]
) -> Message:
    match entry:
        case Text(text=text, form=form):
            shown = _fenced(text, file_content is not None) if form == "json" else text
            return {"role": "assistant", "content": _text(shown)}
        case Thought(text=text, state="open"):
            return _panel("Thinking", text, status="pending")
        case Thought(text=text):
            return _panel("Thought", text, status="done")
        case ToolCall():
            return _tool_call(entry, is_whole=file_content is not None)
        case File() | Sources():
            content = _aside(entry, file_content)
            return {"role": "assistant", "content": content, "metadata": {"id": ASIDE}}
        case Pause(id=id):
            more = {"id": STAYS_DONE} if id in done else {}
            # In it may be a model's words, and they are text.
            return _panel(NOTE, _plain(sentence(entry).text), **more)
        case Notice(text=text):
            return _panel(NOTE, text)
        case _:
            assert_never(entry)


def _aside(entry: File | Sources, file_content: Callable[[File], Content] | None) -> Content:
    if isinstance(entry, Sources):
        return _text(source_list.to_markdown(entry))
    return file_content(entry) if file_content else _text(to_markdown(entry))


def _tool_call(call: ToolCall, is_whole: bool) -> Message:
    status: dict[str, Any] = {"status": "pending"}
    if call.waits_for:
        status = {"status": "done"}
    elif call.seconds is not None:
        status = {"status": "done", "duration": round(call.seconds, 2)}
    if call.name == TRANSFER:
        return _next_agent(f"Handing over to {_name(str(call.args.get('agent_name')))}", **status)
    # Gradio shows the log beside the title as text, in which an escape such as `&#x27;` would be
    # seen (js/chatbot/shared/Thought.svelte).
    args = changed_arguments(call.result) or call.args
    log = [_one_line(dict(args))]
    body = f"Arguments:\n{_fenced(args, is_whole)}"
    # The last is MCP's.
    has_failed = isinstance(call.result, dict) and bool(
        call.result.get("error") or call.result.get("isError") is True
    )
    is_rejected = call.result == {"error": REJECTED}
    if is_rejected:
        log.append("not approved, so not done")
    elif has_failed:
        log.append("failed")
    elif call.waits_for:
        log.append("waiting")
    if call.seconds is not None and not is_rejected:
        body += f"\n\n{'Error' if has_failed else 'Result'}:\n{_fenced(call.result, is_whole)}"
    return _panel(
        f"Tool {_name(call.name)}", body, log="; ".join(filter(None, log)), id=call.id, **status
    )


def _one_line(args: dict[str, Any]) -> str:
    """A tool's arguments as text, their values as JSON."""
    values = (f"{name}={to_json(value, ensure_ascii=False)}" for name, value in args.items())
    line = clean(", ".join(values))
    return line if len(line) <= MAX_TITLE_PART else line[: MAX_TITLE_PART - 1] + "…"


def _fenced(value: Any, is_whole: bool) -> str:
    """JSON in a code block whose fence is longer than any run of backticks in it. On a page it is
    the first part of it, with a link to the whole."""
    text, rest = _as_text(_Same(value)), ""
    if len(text) > MAX_SHOWN and not is_whole:
        address = address_of(File("application/json", text.encode()))
        rest = f"\n\nThis is the beginning. [Save all {len(text):,} characters]({address})"
        text = text[:MAX_SHOWN].rpartition("\n")[0] or text[:MAX_SHOWN]
    fence = _fence(text)
    return f"{fence}json\n{text}\n{fence}{rest}"


def _is_json(text: str, grows: bool) -> bool:
    """Whether an answer is one value of JSON, as an agent with an `output_schema` gives it."""
    if not JSON_BEGINS.match(text):
        return False
    if grows:
        return True
    try:
        return isinstance(from_json(text), dict | list)
    except ValueError:
        return False


def _verbatim(text: str, mark: str) -> str:
    """A whole answer as code; copying from a page gives the answer alone (static/text.js)."""
    fence = _fence(text)
    return f"{fence}json\n{text}\n{fence}" + (f"\n{mark}" if mark else "")


def _fence(text: str) -> str:
    """A fence that is longer than any run of backticks in the text."""
    return "`" * max(3, 1 + max(map(len, re.findall("`+", text)), default=0))


class _Same:
    """A value that is equal to itself alone, so that it is known again without a look into it."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def __hash__(self) -> int:
        return id(self.value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and self.value is other.value


@lru_cache(maxsize=16)  # An answer that grows is made into messages many times a second.
def _as_text(same: _Same) -> str:
    value = same.value
    text = value if isinstance(value, str) else to_json(value, indent=2, ensure_ascii=False)
    return clean(text).replace(MARK, "")


def _next_agent(title: str, **status: Any) -> Message:
    return _panel(title, "Another agent goes on from here.", **status)


def _panel(title: str, text: str = "", **metadata: Any) -> Message:
    return {
        "role": "assistant",
        "content": _text(text),
        "metadata": {"title": title, **metadata},
    }


def _name(text: str) -> str:
    """A name for a title."""
    return _plain(" ".join(clean(text).split())[:MAX_TITLE_PART])


def _plain(text: str) -> str:
    """Text as Markdown without any: no link, picture or formula."""
    is_markup = r"[^\w \n]|\b_+|_+\b|__+"
    return re.sub(is_markup, lambda found: "".join(f"&#{ord(char)};" for char in found[0]), text)


def _text(text: str) -> Content:
    return {"type": "text", "text": clean(text)}

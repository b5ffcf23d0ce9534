"""A transcript as chat messages: plain dicts in Gradio's format, without Gradio.

A message with a `metadata` title is shown by Gradio as a small panel of its own, folded when its
status is "done" and open otherwise (gradio/components/chatbot.py, MetadataDict). A text goes as
`{"type": "text", ...}`, because a bare string would lose its indentation and its tabs
(`inspect.cleandoc` in the same file).
"""

import re
from collections.abc import Callable, Iterable
from typing import Any, TypeAlias, assert_never

from agent.core.adk_internals import TRANSFER
from agent.core.history import TurnRecord
from agent.core.text import clean, plural, to_json
from agent.core.transcript import (
    Entry,
    Notice,
    Picture,
    Text,
    Thought,
    ToolCall,
    Transcript,
    busy_with_tools,
)
from agent.render import media

Message: TypeAlias = dict[str, Any]

Content: TypeAlias = dict[str, str]

# Unicode's WORD JOINER, which is invisible. After a `<` it keeps a visitor's tags from being taken
# for HTML, of which the page would show nothing.
JOINER = "\u2060"

# How many characters of a name, or of a tool's arguments, a panel's title shows.
MAX_TITLE_PART = 80


def to_messages(
    transcript: Transcript,
    waiting: float | None = None,
    root_agent: str = "",
    picture_content: Callable[[Picture], Content] | None = None,
) -> list[Message]:
    """One message for each entry, in order, and a line wherever another agent begins to speak.

    Args:
        transcript: What has been said.
        waiting: Seconds since the turn began while more is expected; None when it is over.
        root_agent: The agent that needs no line, because the page has its name on top.
        picture_content: What a picture is shown as; by default, what the page can fetch.
    """
    messages: list[Message] = []
    speaker = root_agent
    for entry in transcript:
        if isinstance(entry, Text | Picture) and entry.source[0] != speaker:
            if speaker:
                messages.append(_next_agent(f"{_name(entry.source[0])} answers", status="done"))
            speaker = entry.source[0]
        if isinstance(entry, ToolCall) and entry.name == TRANSFER:
            speaker = str(entry.args.get("agent_name"))
        messages.append(_message(entry, picture_content or _linked_file))
    if waiting is not None and not _shows_work(transcript):
        title = f"Waiting for an answer ({waiting:.0f} s)"
        messages.append(_panel(title, "The next words have not come yet.", status="pending"))
    return messages


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
    return {"role": "user", "content": _text(re.sub(r"<(?=[a-zA-Z/!?])", f"<{JOINER}", text))}


def as_said(text: str) -> str:
    """The text of a question on the page, as the visitor has typed it."""
    return text.replace(f"<{JOINER}", "<")


def _shows_work(transcript: Transcript) -> bool:
    """Whether the page shows already that more is to come: growing words, or a tool at work."""
    match transcript[-1:]:
        case (Text(state="open"),) | (Thought(state="open"),):
            return True
    return busy_with_tools(transcript)


def _message(entry: Entry, picture_content: Callable[[Picture], Content]) -> Message:
    match entry:
        case Text(text=text, form=form):
            shown = _fenced(text) if form == "json" else text
            return {"role": "assistant", "content": _text(shown)}
        case Thought(text=text, state="open"):
            return _panel("Thinking", text, status="pending")
        case Thought(text=text):
            return _panel("Thought", text, status="done")
        case ToolCall():
            return _tool_call(entry)
        case Picture():
            return {"role": "assistant", "content": picture_content(entry)}
        case Notice(text=text):
            return _panel("Note", text)
        case _:
            assert_never(entry)


def _tool_call(call: ToolCall) -> Message:
    status: dict[str, Any] = {"status": "pending"}
    if call.seconds is not None:
        status = {"status": "done", "duration": round(call.seconds, 2)}
    if call.name == TRANSFER:
        return _next_agent(f"Handing over to {_name(str(call.args.get('agent_name')))}", **status)
    # Gradio shows the log beside the title as text, in which an escape such as `&#x27;` would be
    # seen (js/chatbot/shared/Thought.svelte).
    arguments = ", ".join(f"{name}={value}" for name, value in call.args.items())
    log = clean(arguments[:MAX_TITLE_PART])
    body = f"Arguments:\n{_fenced(call.args)}"
    # The last is MCP's.
    has_failed = isinstance(call.result, dict) and bool(
        call.result.get("error") or call.result.get("isError") is True
    )
    if has_failed:
        log += "; failed"
    if call.seconds is not None:
        body += f"\n\n{'Error' if has_failed else 'Result'}:\n{_fenced(call.result)}"
    return _panel(f"Tool {_name(call.name)}", body, log=log, id=call.id, **status)


def _fenced(value: Any) -> str:
    """JSON in a code block whose fence is longer than any run of backticks in it."""
    text = value if isinstance(value, str) else to_json(value, indent=2, ensure_ascii=False)
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", text)), default=0))
    return f"{fence}json\n{text}\n{fence}"


def _next_agent(title: str, **status: Any) -> Message:
    return _panel(title, "Another agent goes on from here.", **status)


def _panel(title: str, text: str = "", **metadata: Any) -> Message:
    return {
        "role": "assistant",
        "content": _text(text),
        "metadata": {"title": title, **metadata},
    }


def _name(text: str) -> str:
    """A name for a title, which Gradio takes as Markdown: here no link, picture or formula."""
    line = " ".join(clean(text).split())[:MAX_TITLE_PART]
    return re.sub(r"[^\w ]", lambda match: f"&#{ord(match[0])};", line)


def _text(text: str) -> Content:
    return {"type": "text", "text": clean(text)}


def _linked_file(picture: Picture) -> Content:
    """A picture that leads to itself, a player, or a link. Gradio's own messages with files would
    tell in which folder of this machine they are."""
    address = f"files/{media.save(picture)}"
    match picture.mime_type.lower().partition("/")[0]:
        case "image":
            return _text(f"[![Picture]({address})]({address})")
        case "audio" | "video" as kind:
            return _text(f'<{kind} controls src="{address}"></{kind}>')
    return _text(f"[Save this file]({address})")

"""A transcript as chat messages: plain dicts in Gradio's format, without Gradio.

A message with a `metadata` title is shown by Gradio as a small panel of its own, folded when its
status is "done" and open otherwise (gradio/components/chatbot.py, MetadataDict). A text goes as
`{"type": "text", ...}`, because a bare string would lose its indentation and its tabs
(`inspect.cleandoc` in the same file).
"""

import html
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeAlias

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
from agent.render import media as pictures

Message: TypeAlias = dict[str, Any]

Content: TypeAlias = dict[str, str]


def to_messages(
    transcript: Transcript,
    waiting: float | None = None,
    host: str = "",
    show: Callable[[Picture], Content] | None = None,
) -> list[Message]:
    """One message for each entry, in order, and a line wherever another agent begins to speak.

    Args:
        transcript: What has been said.
        waiting: Seconds since the turn began while more is expected; None when it is over.
        host: The agent that needs no line, because the page has its name on top.
        show: What a picture is shown as; without, what the page can fetch.
    """
    messages = list(_spoken(transcript, host, show or _picture))
    if waiting is not None and _is_silent(transcript):
        title = f"Waiting for an answer ({waiting:.0f} s)"
        messages.append(_panel(title, "The next words have not come yet.", status="pending"))
    return messages


def to_page(turns: Iterable[TurnRecord], host: str = "", hidden: int = 0) -> list[Message]:
    """A conversation: each question, and what came of it; a line for the `hidden` turns before."""
    earlier = f"{plural(hidden, 'earlier message')} and what came of them"
    where = "The agent remembers them, and what you save of this chat has them."
    page = [_panel(earlier, where, status="done")] if hidden else []
    for turn in turns:
        if turn.question or turn.id:
            page.append(to_question(turn.question))
        page += to_messages(turn.transcript, host=host)
    return page


JOINER = "\u2060"
"""Unicode's WORD JOINER, which nobody sees. After a `<` it keeps a visitor's tags from being taken
for HTML, of which the page would show nothing."""


def to_question(text: str) -> Message:
    """What the visitor has said, tags and all."""
    return {"role": "user", "content": _text(re.sub(r"<(?=[a-zA-Z/!?])", f"<{JOINER}", text))}


def as_said(text: str) -> str:
    """The same as the visitor has typed it."""
    return text.replace(f"<{JOINER}", "<")


def _is_silent(transcript: Transcript) -> bool:
    """Whether nothing on the page shows that work goes on."""
    match transcript[-1:]:
        case (Text(state="open"),) | (Thought(state="open"),):
            return False
    return not busy_with_tools(transcript)


def _spoken(
    transcript: Transcript, speaker: str, show: Callable[[Picture], Content]
) -> Iterator[Message]:
    for entry in transcript:
        if isinstance(entry, Text | Picture) and entry.source[0] != speaker:
            if speaker:
                title = f"{_name(entry.source[0])} answers"
                yield _panel(title, "Another agent goes on from here.", status="done")
            speaker = entry.source[0]
        if isinstance(entry, ToolCall) and entry.name == TRANSFER:
            speaker = str(entry.args.get("agent_name"))
        yield _message(entry, show)


def _message(entry: Entry, show: Callable[[Picture], Content]) -> Message:
    match entry:
        case Text(text=text):
            return {"role": "assistant", "content": _text(text)}
        case Thought(text=text, state=state):
            is_open = state == "open"
            title = "Thinking" if is_open else "Thought"
            return _panel(title, text, status="pending" if is_open else "done")
        case ToolCall():
            return _tool(entry)
        case Picture():
            return {"role": "assistant", "content": show(entry)}
        case Notice(text=text):
            return _panel("Note", text)


def _tool(call: ToolCall) -> Message:
    if call.name == TRANSFER:
        title = f"Handing over to {_name(str(call.args.get('agent_name')))}"
        return _panel(title, "Another agent goes on from here.", **_progress(call))
    body = f"Arguments:\n{_fenced(call.args)}"
    if call.seconds is not None:
        body += f"\n\n{'Error' if _failed(call) else 'Result'}:\n{_fenced(call.result)}"
    return _panel(f"Tool {_name(call.name)}", body, log=_brief(call), id=call.id, **_progress(call))


def _progress(call: ToolCall) -> dict[str, Any]:
    if call.seconds is None:
        return {"status": "pending"}
    return {"status": "done", "duration": round(call.seconds, 2)}


def _brief(call: ToolCall) -> str:
    """The arguments in a line beside the title, which Gradio takes as HTML."""
    line = ", ".join(f"{name}={value}" for name, value in call.args.items())
    return html.escape(clean(line[:80])) + ("; failed" if _failed(call) else "")


def _failed(call: ToolCall) -> bool:
    return isinstance(call.result, dict) and bool(call.result.get("error"))


def _fenced(value: Any) -> str:
    """JSON in a code block whose fence is longer than any run of backticks in it."""
    text = value if isinstance(value, str) else to_json(value, indent=2, ensure_ascii=False)
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", text)), default=0))
    return f"{fence}json\n{text}\n{fence}"


def _panel(title: str, text: str = "", **metadata: Any) -> Message:
    return {
        "role": "assistant",
        "content": _text(text),
        "metadata": {"title": title, **metadata},
    }


def _name(text: str) -> str:
    """A name for a title, which Gradio takes as Markdown: here no link, picture or formula."""
    line = " ".join(clean(text).split())[:80]
    return re.sub(r"[^\w ]", lambda sign: f"&#{ord(sign[0])};", line)


def _text(text: str) -> Content:
    return {"type": "text", "text": clean(text)}


def _picture(picture: Picture) -> Content:
    """A picture that leads to itself, a player, or a link: Gradio's own for files would tell in
    which folder of this machine they are."""
    address = f"files/{pictures.keep(picture)}"
    match picture.mime_type.lower().partition("/")[0]:
        case "image":
            return _text(f"[![Picture]({address})]({address})")
        case "audio" | "video" as kind:
            return _text(f'<{kind} controls src="{address}"></{kind}>')
    return _text(f"[Save this file]({address})")

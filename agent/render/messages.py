"""A transcript as chat messages: plain dicts in Gradio's format, without Gradio.

A message with a `metadata` title is shown by Gradio as a small panel of its own, folded when its
status is "done" and open otherwise (gradio/components/chatbot.py, MetadataDict). A text goes as
`{"type": "text", ...}`, because a bare string would lose its indentation and its tabs
(`inspect.cleandoc` in the same file).
"""

import re
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any, assert_never

from agent.core.adk_internals import TRANSFER
from agent.core.branches import in_branches
from agent.core.files import File
from agent.core.history import TurnRecord
from agent.core.language import N_, _, in_digits, ngettext
from agent.core.pauses import REJECTED, Pause, changed_arguments, sentence
from agent.core.said import Said
from agent.core.settings import Settings
from agent.core.silence import Silence
from agent.core.sources import Sources
from agent.core.text import clean, to_json
from agent.core.titles import NOTE
from agent.core.transcript import (
    OWN_ERRORS,
    Entry,
    Notice,
    Text,
    Thought,
    ToolCall,
    Transcript,
    busy_with_tools,
)
from agent.core.waiting import executed
from agent.render import source_list, suggestions
from agent.render.code_block import fenced, is_json, verbatim
from agent.render.file_links import to_line, to_markdown
from agent.render.foot import foot_of
from agent.render.markdown import MARK, Room, to_page_markdown
from agent.render.notes import note, own_title, ways_on
from agent.render.panels import (
    MAX_TITLE_PART,
    Content,
    Message,
    named,
    next_agent,
    panel,
    plain,
    text_content,
)
from agent.render.source_list import with_numbers
from agent.render.speakers import Speakers, mark_branches

# Unicode's WORD JOINER, which is invisible. It stands after a `<`, so that a visitor's tags are not
# taken for HTML: the page would not show that.
JOINER = "\u2060"

# The id of a panel about an action that stays done where its message is taken back (chat.js).
STAYS_DONE = "stays-done"

# The id of the first message of a talk, which is taken back as a whole (cards.js).
TALK_ID = "talk"

# The text of that message while a visitor has said nothing.
NOTHING_SAID = "…"

# The ids of the messages beside the words (static/copying.js): a file or sources; the line with an
# answer's figures; and the panel that tells how long nothing has come.
ASIDE, FOOT, SILENCE = BESIDE = "aside", "foot", "silence"

# The tooltip of the line of figures.
ABOUT_TOKENS = N_("A token is a piece of a word: by tokens the work of an AI is counted.")

# Seconds after which silence in the middle of words, or of thoughts, is told. Chosen, not measured:
# a model seldom rests for so long.
STALLED = 3.0

# Seconds from which a tool's time is told while it is at work.
SLOW_TOOL = 1.0

# Panels of an answer: more are a burden to a browser, and nobody reads them.
MAX_PANELS = 100


def to_messages(
    transcript: Transcript,
    silence: Silence | None = None,
    root_agent: str = "",
    file_content: Callable[[File], Content] | None = None,
    foot: str = "",
) -> list[Message]:
    """One message for each entry, in order, and a line wherever another agent begins to speak.

    Args:
        transcript: What has been said.
        silence: How long nothing has come while more is expected; None while something comes.
        root_agent: The agent that needs no line, because the page has its name on top.
        file_content: For an export: makes the content for a file. All other entries are then whole,
            and have the very characters that were said. None for the page.
        foot: The line below an answer that is over (`agent.render.foot`).
    """
    messages: list[Message] = []
    branches: list[str] = []
    speakers, room = Speakers(root_agent), Room()
    done = executed(transcript)
    sources = {found.response_id: found for found in transcript if isinstance(found, Sources)}
    entries, left_out = (transcript, ()) if file_content else _bounded(transcript)
    for branch, entry in in_branches(entries):
        messages += speakers.before(branch, entry)
        if isinstance(entry, Text | Thought):
            found = sources.get(getattr(entry, "response_id", ""))
            text, room = _shown_text(entry, room, found, is_whole=file_content is not None)
            entry = replace(entry, text=text)
        messages.append(_message(entry, file_content, done, silence))
        branches += [branch] * (len(messages) - len(branches))
    if left_out:
        messages.append(_left_out(left_out))
    messages += _below(transcript, silence, foot)
    if any(branches) and not file_content:
        mark_branches(messages, branches)
    if options := ways_on(transcript):
        # Gradio shows them as buttons, but for the last message of a chat alone.
        messages[-1]["options"] = options
    return messages


def _below(transcript: Transcript, silence: Silence | None, foot: str) -> Iterator[Message]:
    """The messages below all others: that more is to come, or the line of figures."""
    if silence and (title := _waiting_title(transcript, silence)):
        yield panel(title, status="pending", id=SILENCE)
    if foot:
        # No tag in a model's words has a title: so chat.css knows this line from them.
        content = text_content(f'<small title="{_(ABOUT_TOKENS)}">{foot}</small>')
        yield {"role": "assistant", "content": content, "metadata": {"id": FOOT}}


def _shown_text(
    entry: Text | Thought, room: Room, sources: Sources | None, is_whole: bool
) -> tuple[str, Room]:
    """The words of an entry, with the numbers of their sources; and how much room is left."""
    text = entry.text
    if isinstance(entry, Text) and entry.form == "json":
        return text, room
    if isinstance(entry, Text) and is_json(text, entry.state == "open"):
        return verbatim(clean(text).replace(MARK, ""), "" if is_whole else MARK), room
    if not is_whole:
        text, room = to_page_markdown(clean(text), room, entry.state == "open")
    if sources:
        text = with_numbers(text, sources, "" if is_whole else MARK)
    return text, room


def is_beside_words(message: Message) -> bool:
    """Whether a message stands beside the words: messages above it may still grow."""
    return (message.get("metadata") or {}).get("id") in BESIDE


def to_page(
    turns: Sequence[TurnRecord],
    root_agent: str = "",
    hidden: int = 0,
    silence: Silence | None = None,
    settings: Settings | None = None,
) -> list[Message]:
    """A conversation: each question and its answer, after a line for the `hidden` turns before.

    Args:
        turns: The turns that are shown; the last one may be running.
        root_agent: As in `to_messages`.
        hidden: How many turns before them are not shown.
        silence: How long nothing has come in the turn that is running.
        settings: The host's, for the line below each answer.
    """
    messages: list[Message] = []
    if hidden:
        title = ngettext(
            "{number} earlier message and what came of it",
            "{number} earlier messages and what came of them",
            hidden,
        )
        text = _("The agent remembers them, and what you save of this chat has them.")
        messages.append(panel(title, text, status="done"))
    for turn in turns:
        if is_asked(turn):
            question = turn.question or (NOTHING_SAID if turn.is_talk else "")
            message = to_question(question, turn.files)
            messages.append(message | ({"metadata": {"id": TALK_ID}} if turn.is_talk else {}))
        own_silence = silence if turn is turns[-1] else None
        foot = foot_of(turn, settings)
        messages += to_messages(turn.transcript, own_silence, root_agent, foot=foot)
    return messages


def is_asked(record: TurnRecord) -> bool:
    """Whether a message of the visitor's stands above the turn's answer."""
    return bool(record.question or record.id)


def to_question(text: str, files: Iterable[File] = ()) -> Message:
    """The visitor's message, with its tags as text; `as_said` is the inverse. Files are a part of
    their own in it, which begins with the mark, as no visitor's text does (chat.js does the
    same)."""
    shown = text_content(re.sub(r"<(?=[a-zA-Z/!?])", f"<{JOINER}", text.replace(MARK, "")))
    if lines := "\n\n".join(map(to_line, files)):
        return {"role": "user", "content": [shown, text_content(MARK + lines)]}
    return {"role": "user", "content": shown}


def as_said(text: str) -> str:
    """The text of a question on the page, as the visitor has typed it."""
    return text.replace(f"<{JOINER}", "<")


def _bounded(transcript: Transcript) -> tuple[Transcript, Transcript]:
    """The entries that a page shows, and the thoughts and tool calls that it leaves out. The
    answers around those are joined."""
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
    text = _("There are too many to show here. What you save of this chat has all of them.")
    title = _("More thoughts and tool calls: {number}").format(number=in_digits(len(entries)))
    return panel(title, text, status=status)


def _waiting_title(transcript: Transcript, silence: Silence) -> str:
    """The title of the panel for a silence; "" where words that have just come, or a tool at work,
    show that more is to come."""
    if busy_with_tools(transcript):
        return ""
    match transcript[-1:]:
        case (Text(state="open"),) | (Thought(state="open"),):
            is_long = silence.lasts >= STALLED
            title = _("Waiting for the next words ({seconds} s)") if is_long else ""
            return title.format(seconds=f"{silence.lasts:.0f}")
    return _("Waiting for an answer ({seconds} s)").format(seconds=f"{silence.elapsed:.0f}")


def _message(
    entry: Entry,
    file_content: Callable[[File], Content] | None,
    done: Container[str],
    silence: Silence | None,
) -> Message:
    match entry:
        case Text(text=text, form=form):
            shown = fenced(text, file_content is not None) if form == "json" else text
            return {"role": "assistant", "content": text_content(shown)}
        case Thought(text=text, state=state):
            is_open = state == "open"
            title = _("Thinking") if is_open else _("Thought")
            if entry.is_inner:
                title = _("{name} writes") if is_open else _("{name} wrote")
                title = named(title, entry.source[0])
            return panel(title, text, status="pending" if is_open else "done")
        case ToolCall():
            return _tool_call(entry, file_content is not None, silence)
        case File() | Sources():
            content = _aside(entry, file_content)
            return {"role": "assistant", "content": content, "metadata": {"id": ASIDE}}
        case Pause():
            return _pause(entry, is_whole=file_content is not None, stays_done=entry.id in done)
        case Notice() | Said():
            return _sentence(entry, is_whole=file_content is not None)
        case _:
            assert_never(entry)


def _pause(pause: Pause, is_whole: bool, stays_done: bool) -> Message:
    """The panel for a question to a person, or for the reply."""
    title = own_title(NOTE)
    if pause.reply is None and not is_whole:
        # Italics, which nobody sees: messages.css knows by them that a card takes this panel's
        # place.
        title = f"**_{_(NOTE)}_**"
    # The sentence may hold a model's words: they are text.
    return panel(title, plain(sentence(pause).text), **({"id": STAYS_DONE} if stays_done else {}))


def _sentence(entry: Notice | Said, is_whole: bool) -> Message:
    """A notice of the app's; or a person's words in the middle of a talk, as a quotation."""
    if isinstance(entry, Notice):
        title, text, more = note(entry, is_whole=is_whole)
        return panel(title, text, **more)
    lines = clean(entry.text).splitlines() or [""]
    quoted = "\n".join(f"> {plain(line)}" for line in lines)
    return {"role": "assistant", "content": text_content(quoted)}


def _aside(entry: File | Sources, file_content: Callable[[File], Content] | None) -> Content:
    if isinstance(entry, Sources):
        if not file_content:
            return text_content(source_list.to_markdown(entry, is_on_page=True))
        own = {"suggestions": suggestions.document(entry.suggestions)}
        return text_content(source_list.to_markdown(entry)) | own
    return file_content(entry) if file_content else text_content(to_markdown(entry))


def _tool_call(call: ToolCall, is_whole: bool, silence: Silence | None) -> Message:
    status: dict[str, Any] = {"status": "pending"}
    if call.waits_for:
        status = {"status": "done"}
    elif call.seconds is not None:
        status = {"status": "done", "duration": round(call.seconds, 2)}
    if call.name == TRANSFER:
        return next_agent(_("Handing over to {name}"), str(call.args.get("agent_name")), **status)
    # Gradio shows the log beside the title as text, in which an escape such as `&#x27;` would be
    # seen (js/chatbot/shared/Thought.svelte).
    args = changed_arguments(call.result) or call.args
    log = [_one_line(dict(args))]
    parts = [_("Arguments:"), fenced(args, is_whole)]
    # `isError` is what MCP's servers say.
    has_failed = isinstance(call.result, dict) and bool(
        call.result.get("error") or call.result.get("isError") is True
    )
    is_rejected = call.result == {"error": REJECTED}
    if is_rejected:
        log.append(_("not approved, so not done"))
    elif has_failed:
        log.append(_("failed"))
    else:
        log.append(_work(call, silence))
    if call.seconds is not None and not is_rejected:
        parts += ["", _("Error:") if has_failed else _("Result:")]
        parts.append(fenced(_worded(call.result), is_whole))
    about = {"log": "; ".join(filter(None, log)), "id": call.id, **status}
    return panel(named(_("Tool {name}"), call.name), "\n".join(parts), **about)


def _work(call: ToolCall, silence: Silence | None) -> str:
    """A tool's state, beside its title: a waiting tool, and the seconds of one at work."""
    if call.waits_for:
        return _("waiting")
    seconds = silence.now - call.began if silence and call.seconds is None else 0.0
    if seconds < SLOW_TOOL:
        return ""
    return _("at work for {seconds} s").format(seconds=f"{seconds:.0f}")


def _one_line(args: dict[str, Any]) -> str:
    """A tool's arguments as text, their values as JSON."""
    values = (f"{name}={to_json(value, ensure_ascii=False)}" for name, value in args.items())
    line = clean(", ".join(values))
    return line if len(line) <= MAX_TITLE_PART else line[: MAX_TITLE_PART - 1] + "…"


def _worded(result: Any) -> Any:
    """A tool's result; an error of the app's own in the reader's language."""
    match result:
        case {"error": str(text)} if text in OWN_ERRORS:
            return {"error": _(text)}
    return result

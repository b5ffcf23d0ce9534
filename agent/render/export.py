"""A conversation as a file: as Markdown, as one HTML page, as ADK's own session.

The HTML page stands on its own, wherever it is opened: nothing in it runs, and nothing is fetched.
The words of models and visitors are text in it, or Markdown without HTML.
"""

import base64
import html
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from string import Template
from time import monotonic

from google.adk.events import Event
from google.adk.sessions import Session
from google.genai import types

from agent.core import pauses
from agent.core.adk_internals import DISPLAY_NAME, OWN_CALLS, SESSION_METADATA
from agent.core.colours import ACCENT, Pair
from agent.core.files import File
from agent.core.history import NOTICES, TurnRecord, remaining_events
from agent.core.language import N_, _, direction, language
from agent.core.notices import Notice, to_stored
from agent.core.pauses import Pause
from agent.core.settings import Settings
from agent.core.text import clean, to_json
from agent.core.transcript import Entry, Transcript
from agent.render import media, suggestions
from agent.render.document import MARKDOWN, render
from agent.render.file_links import PICTURE, size
from agent.render.foot import foot_of
from agent.render.markdown import replace_formulas
from agent.render.media import RASTER_TYPES
from agent.render.messages import Content, Message, to_messages

DOCUMENT_POLICY = (
    "default-src 'none'; img-src data:; media-src data:; style-src 'unsafe-inline'; "
    "base-uri 'none'; form-action 'none'"
)

HERE = Path(__file__).parent
DOCUMENT = Template((HERE / "document.html").read_text(encoding="utf-8"))
DOCUMENT_STYLE = (HERE / "document.css").read_text(encoding="utf-8")

ABOUT_COPY = N_("A copy of a conversation with an agent, which may be wrong.")
QUESTION, ANSWER = N_("Question"), N_("Answer")
NOT_COPIED = N_("{file} is not part of this copy.")

# Bytes of files that are part of one copy; more make a page that no phone opens.
MAX_COPIED = 20_000_000

# The endings of files that can be saved from a copy: none that a browser or a machine runs.
SAVED_SUFFIXES = ".csv", ".tsv", ".txt", ".md", ".json", ".pdf", ".docx", ".xlsx", ".pptx"

# The fields of an event that are exported. ADK's servers import no event with actions; and the
# others, such as the text of an error or the agent's state, may be the owner's alone.
EXPORTED_FIELDS = (
    *("id", "invocation_id", "author", "branch", "timestamp", "content"),
    *("interrupted", "finish_reason", "error_code", "model_version", "usage_metadata"),
    *("grounding_metadata", "citation_metadata"),
)

# In characters, without the suffix.
MAX_FILE_NAME = 60

# Seconds for which Markdown is parsed for one file, and characters of a text that is parsed. All
# other texts are shown as they were written: some take a parser seconds, and a chat may be full of
# them.
PARSING_TIME, MAX_PARSED = 2.0, 20_000

# The beginning of a tag, a comment or a declaration, but not of an address in angle brackets; and
# code within a line, in which no tag begins.
TAG_START = re.compile(r"<(?=[a-z/!?])(?![a-z][a-z0-9+.-]{1,31}:[^\s<>]*>)", re.IGNORECASE)
CODE_WITHIN_LINE = re.compile(r"((?<!`)(`+)(?!`).*?(?<!`)\2(?!`))", re.DOTALL)


def to_markdown(
    turns: Iterable[TurnRecord], title: str, root_agent: str = "", settings: Settings | None = None
) -> str:
    """The conversation as Markdown; `root_agent` is the agent whose answers need no name, and the
    host's `settings` say which figures stand below each answer."""
    blocks, until, copied = [f"# {_escaped(title)}"], monotonic() + PARSING_TIME, _Copied()
    question = f"## {_(QUESTION)}"
    for turn in turns:
        time = _utc(turn.asked_at)
        blocks.append(f"{question} ({time})" if time else question)
        blocks.append(_contained(turn.question, until))
        blocks += [_to_block(message, until) for message in _files(turn, copied)]
        messages = _to_messages(turn, root_agent, copied)
        blocks += [f"## {_(ANSWER)}", *(_to_block(message, until) for message in messages)]
        if foot := foot_of(turn, settings):
            blocks.append(f"*{_escaped(foot)}*")
    return clean("\n\n".join(filter(None, blocks)) + "\n")


def to_html(
    turns: Iterable[TurnRecord],
    title: str,
    root_agent: str = "",
    settings: Settings | None = None,
    accent: Pair = ACCENT,
) -> str:
    """The conversation as one HTML page, in the agent's accent."""
    page = DOCUMENT.substitute(
        language=language(),
        direction=direction(),
        policy=DOCUMENT_POLICY,
        title=html.escape(title),
        style=DOCUMENT_STYLE,
        accent=", ".join(accent),
        about=html.escape(_(ABOUT_COPY)),
        body=to_body(turns, root_agent, settings),
    )
    return clean(page)


def to_body(
    turns: Iterable[TurnRecord],
    root_agent: str = "",
    settings: Settings | None = None,
    below: Mapping[str, str] | None = None,
) -> str:
    """The page's HTML below its title; `below` is HTML for the places below the answers of some
    turns, by the turns' ids."""
    page, question, answer = list[str](), _(QUESTION), f"<h2>{_(ANSWER)}</h2>\n"
    until, copied = monotonic() + PARSING_TIME, _Copied()
    for turn in turns:
        time = _utc(turn.asked_at)
        asked_at = f" <time>{time}</time>" if time else ""
        page.append(f"<h2>{question}{asked_at}</h2>\n")
        page.append(f'<div class="asked" dir="auto" lang="">{html.escape(turn.question)}</div>\n')
        page += [_to_element(message, until) for message in _files(turn, copied)]
        page.append(answer)
        page += [_to_element(message, until) for message in _to_messages(turn, root_agent, copied)]
        if foot := foot_of(turn, settings):
            page.append(f"<p><small>{html.escape(foot)}</small></p>\n")
        page.append((below or {}).get(turn.id, ""))
    return clean("".join(page))


def to_answer(transcript: Transcript, root_agent: str = "") -> str:
    """The HTML of one answer, as it stands on that page."""
    until, turn = monotonic() + PARSING_TIME, TurnRecord("", "", transcript)
    messages = _to_messages(turn, root_agent, _Copied())
    return clean("".join(_to_element(message, until) for message in messages))


def to_adk(session: Session, title: str) -> str:
    """The conversation as JSON, as `adk web` exports a session and imports it.

    It is without the ids of user and session: a visitor's id opens all that visitor's
    conversations.
    """
    left = remaining_events(session.events)
    asked = {pause.id: pause for event in left for pause in _pauses_in(event)}
    events = [_importable(event, asked) for event in left]
    exported = Session(
        id="exported",
        app_name=session.app_name,
        user_id="user",
        state={SESSION_METADATA: {DISPLAY_NAME: title}},
        events=[event for event in events if _says_something(event)],
        last_update_time=session.last_update_time,
    )
    plain = exported.model_dump(mode="json", by_alias=True, exclude_none=True, fallback=str)
    return clean(to_json(plain, indent=2, ensure_ascii=False))


def file_name(title: str) -> str:
    """A name for the file, without its suffix: letters, digits, blanks, dashes and underscores."""
    words = re.sub(r"[^\w-]+", " ", title).split()
    return " ".join(words)[:MAX_FILE_NAME] or "chat"


class _Copied:
    """The files of one copy of a conversation, as addresses that hold all of them."""

    def __init__(self) -> None:
        self._left = MAX_COPIED

    def __call__(self, file: File) -> Content:
        """A file: its "path", a data URL, "" where it is not part of the copy; its "name"; what is
        told "about" it; and its "kind", such as "image", "audio" or "video", "" for no known
        type."""
        kind, data = media.playable(file.mime_type, media.content(file) or b"")
        name = clean(file.shown_name)
        about = name or f"file{media.suffix(kind)}"
        is_saved = about.lower().endswith(SAVED_SUFFIXES)
        about += f" ({size(file)})" if data else ""
        content = {"path": "", "name": name, "about": about, "kind": kind.partition("/")[0]}
        if kind not in RASTER_TYPES and not re.fullmatch(r"(audio|video)/[a-z0-9.+-]{1,60}", kind):
            kind, content["kind"] = "application/octet-stream", ""
        if file.address.startswith(("https://", "http://")):
            content["about"] = f"{about}: {file.address}"
        elif (content["kind"] or is_saved) and 0 < len(data) <= self._left:
            self._left -= len(data)
            content["path"] = f"data:{kind};base64,{base64.b64encode(data).decode()}"
        return content


def _to_messages(record: TurnRecord, root_agent: str, copied: _Copied) -> list[Message]:
    """A turn's answer as messages, like the page's but for its files and its questions to a
    person."""
    transcript = tuple(map(_in_words, record.transcript))
    return to_messages(transcript, root_agent=root_agent, file_content=copied)


def _files(record: TurnRecord, copied: _Copied) -> list[Message]:
    """The files that were sent with a question, as messages."""
    return to_messages(record.files, file_content=copied)


def _in_words(entry: Entry) -> Entry:
    """A pause as a note that nobody can answer: the reader may be another person than was asked."""
    if not isinstance(entry, Pause):
        return entry
    words = [_question(entry).text, entry.message if entry.kind == "approval" else ""]
    words.append(_reply(entry).text)
    lines = [line for line in "\n".join(words).splitlines() if line.strip()]
    return Notice("\n\n".join(map(_escaped, lines)))


def _question(pause: Pause) -> Notice:
    if pause.kind == "sign_in":
        return Notice("was_asked_to_sign_in")
    if pause.kind == "key":
        return Notice("was_asked_for_key")
    return pauses.sentence(replace(pause, reply=None))


def _reply(pause: Pause) -> Notice:
    if (reply := pause.reply) is None:
        return Notice("was_not_answered")
    value = reply.value if reply.args is None else reply.args
    what = value if isinstance(value, str) else to_json(value, ensure_ascii=False)
    match pause.kind, reply.is_approved:
        case "approval", True if value is not None:
            return Notice("was_approved_with", {"what": what})
        case "approval", is_approved:
            return Notice("was_approved" if is_approved else "was_not_approved")
        case "sign_in", is_signed_in:
            return Notice("was_signed_in" if is_signed_in else "was_not_signed_in")
        case "key", is_given:
            return Notice("key_was_given" if is_given else "key_was_not_given")
        case _, True:
            return Notice("was_answered", {"what": what})
    return Notice("was_not_answered")


def _to_block(message: Message, until: float) -> str:
    """A message as Markdown: an answer as it is, all else as a quotation."""
    match message:
        case {"content": {"path": url, "kind": "image", "name": name}} if url:
            return f"![{_escaped(name or _(PICTURE))}]({url})"
        case {"content": {"about": about}}:
            return _(NOT_COPIED).format(file=f"*{_escaped(about)}*")
        case {"content": {"text": text}, "metadata": {"title": title}}:
            quotation = (
                f"**{_escaped(html.unescape(title.strip('*')))}**\n\n{_contained(text, until)}"
            )
            return "\n".join(f"> {line}".rstrip() for line in quotation.rstrip().splitlines())
    return _contained(message["content"]["text"], until)


def _to_element(message: Message, until: float) -> str:
    """A message as HTML: an answer as it is, all else folded, but for the app's own notices."""
    match message:
        case {"content": {"about": _} as file}:
            return f"<p>{_to_file_element(file)}</p>\n"
        case {"content": {"text": text}, "metadata": {"title": title} as panel}:
            # The title is HTML already; the log is plain text.
            title = f"<strong>{title.strip('*')}</strong>"
            if "status" not in panel:
                return f'<div role="note" class="note">{title}{_rendered(text, until)}</div>\n'
            log, seconds = html.escape(panel.get("log", "")), panel.get("duration")
            beside = " ".join(filter(None, [log, "" if seconds is None else f"({seconds} s)"]))
            summary = f"{title} <small>{beside}</small>" if beside else title
            return f"<details><summary>{summary}</summary>\n{_rendered(text, until)}</details>\n"
    own = suggestions.to_element(message["content"].get("suggestions", ""))
    return _rendered(message["content"]["text"], until) + own


def _to_file_element(file: Content) -> str:
    name, about = html.escape(file["name"]), html.escape(file["about"])
    match file:
        case {"path": ""}:
            return f"<em>{html.escape(_(NOT_COPIED)).format(file=about)}</em>"
        case {"path": url, "kind": "image"}:
            return f'<img src="{url}" alt="{name or _(PICTURE)}">'
        case {"path": url, "kind": "audio" | "video" as kind}:
            return f'<{kind} controls src="{url}"></{kind}> {name}'
    save = _("Save {name}").format(name=about)
    return f'<a href="{file["path"]}" download="{name or "file"}">{save}</a>'


def _is_parsed(text: str, until: float) -> bool:
    return len(text) <= MAX_PARSED and monotonic() < until


def _rendered(text: str, until: float) -> str:
    if not _is_parsed(text, until):
        return f'<div class="plain" dir="auto">{html.escape(text)}</div>\n'
    return f'<div dir="auto">{render(text)}</div>\n'


def _utc(timestamp: float) -> str:
    """A time, in seconds since 1970, for people to read; "" for 0, which is an unknown time."""
    return f"{datetime.fromtimestamp(timestamp, UTC):%Y-%m-%d %H:%M} UTC" if timestamp else ""


def _escaped(text: str) -> str:
    """Text on one line of Markdown, as text."""
    return re.sub(r"([\\`*_{}\[\]<>#|~&!])", r"\\\1", " ".join(text.split()))


def _contained(text: str, until: float) -> str:
    """Markdown that cannot change the text after it: its fences are closed, and its HTML is text,
    as an unclosed <details> would fold all the rest."""
    if not _is_parsed(text, until):
        fence = "`" * (1 + max(2, *map(len, re.findall("`+", text)), 2))
        return f"{fence}text\n{text}\n{fence}"
    # In TeX a blank means nothing.
    text = replace_formulas(text, lambda formula: TAG_START.sub("< ", formula))
    lines = text.split("\n")
    for block in MARKDOWN.parse(text):
        if block.type == "inline" and block.map:
            first, end = block.map
            # Each code makes three parts: the words before it, the code, and its backticks again.
            parts = CODE_WITHIN_LINE.split("\n".join(lines[first:end]))
            words = [TAG_START.sub("&lt;", part) for part in parts[::3]]
            lines[first:end] = "".join(
                word + code for word, code in zip(words, [*parts[1::3], ""], strict=True)
            ).split("\n")
    return _fences_closed("\n".join(lines))


def _fences_closed(text: str) -> str:
    """Markdown with its last code block closed: an answer that was cut off would make code of the
    text after it."""
    for block in MARKDOWN.parse(text)[-1:]:
        first, end = block.map or (0, 0)
        lines = text.split("\n")[first:end]
        is_closed = len(lines) > 1 and re.fullmatch(f" *{block.markup}+ *", lines[-1])
        if block.type == "fence" and not is_closed:
            return f"{text}\n{block.markup}"
    return text


def _pauses_in(event: Event) -> Iterator[Pause]:
    """The questions to a person in this event: calls of ADK's own."""
    for call in event.get_function_calls():
        if (call.name or "").startswith(OWN_CALLS) and (pause := pauses.pause_of(call, event)):
            yield pause


def _pause_notices(event: Event, asked: Mapping[str, Pause]) -> Iterator[Notice]:
    """The calls and responses of ADK's own in this event, as notices; `asked` has all pauses by
    id."""
    yield from map(_question, _pauses_in(event))
    for response in event.get_function_responses():
        if pause := asked.get(response.id or ""):
            yield _reply(replace(pause, reply=pauses.reply(pause, response.response)))


def _importable(event: Event, asked: Mapping[str, Pause]) -> Event:
    """The event with the exported fields alone, and with notices in place of ADK's own calls: `adk
    web` does not import those, and some hold secrets of the host."""
    fields = {name: getattr(event, name) for name in EXPORTED_FIELDS}
    if event.output is not None:
        fields |= {"output": event.output, "node_info": event.node_info}
    notices = list((event.custom_metadata or {}).get(NOTICES, []))
    notices += map(to_stored, _pause_notices(event, asked))
    fields["custom_metadata"] = {NOTICES: notices} if notices else None
    content = event.content
    parts = [part for part in (content and content.parts) or [] if not _is_adks_own_call(part)]
    fields["content"] = content.model_copy(update={"parts": parts}) if content and parts else None
    return Event(**fields)


def _says_something(event: Event) -> bool:
    has_output = event.output is not None
    return bool(event.content or has_output or event.custom_metadata or event.error_code)


def _is_adks_own_call(part: types.Part) -> bool:
    call = part.function_call or part.function_response
    return bool(call and (call.name or "").startswith(OWN_CALLS))

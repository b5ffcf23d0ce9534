"""A conversation to take away: as Markdown, as one HTML page, as ADK's own session.

The HTML page stands on its own, wherever it is opened: nothing in it runs, and nothing is fetched.
What a model or a visitor has said is text, or Markdown without HTML.
"""

import base64
import html
import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from google.adk.events import Event
from google.adk.sessions import Session
from google.genai import types
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import OptionsDict

from agent.core.history import NOTICES, TurnRecord, remaining_events
from agent.core.text import clean, to_json
from agent.core.transcript import Picture
from agent.render.media import RASTER
from agent.render.messages import Content, Message, to_messages

POLICY = (
    "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; "
    "form-action 'none'"
)

STYLE = """
:root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif }
body { max-width: 44rem; margin: 0 auto; padding: 1rem; overflow-wrap: anywhere }
h1 { font-size: 1.4rem }
h2 { font-size: 1rem; margin: 1.5rem 0 .25rem }
time, small { font-weight: normal; opacity: .7 }
.asked { white-space: pre-wrap; border-left: .25rem solid #888; padding-left: .75rem }
details, .note { border: 1px solid #888; border-radius: .4rem; padding: .4rem .75rem;
  margin: .5rem 0; font-size: .9rem }
.note { border-style: dashed }
pre, table { overflow-x: auto; display: block }
pre { background: #8882; border-radius: .4rem; padding: .6rem }
td, th { border: 1px solid #888; padding: .2rem .5rem }
img { max-width: 100% }
"""

HEAD = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<meta name="robots" content="noindex, nofollow">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<h1 dir="auto">{title}</h1>
<p><small>A copy of a conversation with an agent, which may be wrong.</small></p>
"""

FOOT = "</body>\n</html>\n"

NO_PICTURE = "A file that is not a picture is not part of this copy."

OUT_OF_PAGE = {"target": "_blank", "rel": "noopener noreferrer nofollow"}

KEPT = (
    *("id", "invocation_id", "author", "branch", "timestamp", "content"),
    *("interrupted", "finish_reason", "error_code", "model_version", "usage_metadata"),
    *("grounding_metadata", "citation_metadata"),
)
"""What of an event is taken away. ADK's servers import no event with actions; and what else there
is, such as the text of an error or the agent's state, may be the host's alone."""

OF_ADK = "adk_request_"
"""How the calls begin that ADK makes for itself, and does not import."""


def to_markdown(told: Iterable[TurnRecord], title: str, host: str = "") -> str:
    """The conversation for an editor; `host` is the agent that answers, unless it is said who."""
    blocks = [f"# {_escaped(title)}"]
    for turn in told:
        blocks += [_heading(_moment(turn.asked_at)), _whole(turn.question)]
        blocks += ["## Answer", *map(_block, _messages(turn, host))]
    return clean("\n\n".join(filter(None, blocks)) + "\n")


def to_html(told: Iterable[TurnRecord], title: str, host: str = "") -> str:
    """The same for a browser."""
    page = [HEAD.format(policy=POLICY, style=STYLE, title=html.escape(title))]
    for turn in told:
        page.append(f"<h2>Question{_time(turn.asked_at)}</h2>\n")
        page.append(f'<div class="asked" dir="auto">{html.escape(turn.question)}</div>\n')
        page.append("<h2>Answer</h2>\n")
        page += map(_element, _messages(turn, host))
    return clean("".join([*page, FOOT]))


def to_adk(session: Session, title: str) -> str:
    """The same as `adk web` exports a session, and imports it. Whose it is stays untold: who knows
    a visitor's name holds all that visitor's conversations."""
    kept = Session(
        id="exported",
        app_name=session.app_name,
        user_id="user",
        state={"__session_metadata__": {"displayName": title}},
        events=[
            event for event in map(_importable, remaining_events(session.events)) if _says(event)
        ],
        last_update_time=session.last_update_time,
    )
    plain = kept.model_dump(mode="json", by_alias=True, exclude_none=True, fallback=str)
    return clean(to_json(plain, indent=2, ensure_ascii=False))


def file_name(title: str) -> str:
    """A name for the file, without its ending: letters, digits, blanks and dashes."""
    return " ".join(re.sub(r"[^\w-]+", " ", title).split())[:60] or "chat"


def _messages(turn: TurnRecord, host: str) -> list[Message]:
    """What came of a turn, as the page shows it."""
    return to_messages(turn.transcript, host=host, show=_data)


def _data(picture: Picture) -> Content:
    """A picture as an address that holds all of it; none for other files."""
    kind, data = picture.mime_type.lower(), base64.b64encode(picture.data).decode()
    return {"path": f"data:{kind};base64,{data}" if kind in RASTER else ""}


def _block(message: Message) -> str:
    """A message as Markdown: an answer as it is, all else as a quotation."""
    match message:
        case {"content": {"path": data}}:
            return f"![Picture]({data})" if data else f"*{NO_PICTURE}*"
        case {"content": {"text": text}, "metadata": {"title": title}}:
            return _quoted(f"**{_escaped(html.unescape(title))}**\n\n{_whole(text)}")
    return _whole(message["content"]["text"])


def _quoted(text: str) -> str:
    return "\n".join(f"> {line}".rstrip() for line in text.splitlines())


def _element(message: Message) -> str:
    """A message as HTML: an answer as it is, all else folded, but for the app's own notes."""
    match message:
        case {"content": {"path": data}}:
            picture = f'<img src="{data}" alt="Picture">' if data else f"<em>{NO_PICTURE}</em>"
            return f"<p>{picture}</p>\n"
        case {"content": {"text": text}, "metadata": panel}:
            return _panel(panel, _rendered(text))
    return _rendered(message["content"]["text"])


def _panel(panel: dict[str, Any], body: str) -> str:
    title = f"<strong>{panel['title']}</strong>"  # This is HTML already, and so is the log.
    if "status" not in panel:
        return f'<aside class="note">{title}{body}</aside>\n'
    brief = " ".join(filter(None, [panel.get("log"), _duration(panel.get("duration"))]))
    more = f" <small>{brief}</small>" if brief else ""
    return f"<details><summary>{title}{more}</summary>\n{body}</details>\n"


def _rendered(text: str) -> str:
    return f'<div dir="auto">{MARKDOWN.render(text)}</div>\n'


def _duration(seconds: float | None) -> str:
    return "" if seconds is None else f"({seconds} s)"


def _heading(when: datetime | None) -> str:
    return f"## Question ({when:%Y-%m-%d %H:%M} UTC)" if when else "## Question"


def _time(timestamp: float) -> str:
    when = _moment(timestamp)
    return f" <time>{when:%Y-%m-%d %H:%M} UTC</time>" if when else ""


def _moment(timestamp: float) -> datetime | None:
    return datetime.fromtimestamp(timestamp, UTC) if timestamp else None


def _escaped(text: str) -> str:
    """Text on one line of Markdown, as text."""
    return re.sub(r"([\\`*_{}\[\]<>#|~&!])", r"\\\1", " ".join(text.split()))


def _whole(text: str) -> str:
    """Markdown whose last code block is closed, because an answer that was cut off would make
    code of all that follows."""
    for block in MARKDOWN.parse(text)[-1:]:
        first, end = block.map or (0, 0)
        lines = text.split("\n")[first:end]
        is_closed = len(lines) > 1 and re.fullmatch(f" *{block.markup}+ *", lines[-1])
        if block.type == "fence" and not is_closed:
            return f"{text}\n{block.markup}"
    return text


def _importable(event: Event) -> Event:
    kept = {name: getattr(event, name) for name in KEPT}
    notices = (event.custom_metadata or {}).get(NOTICES)
    kept["custom_metadata"] = {NOTICES: notices} if notices else None
    return Event(**{**kept, "content": _without_adks_own(event.content)})


def _without_adks_own(content: types.Content | None) -> types.Content | None:
    parts = [part for part in (content and content.parts) or [] if not _is_adks_own(part)]
    return content.model_copy(update={"parts": parts}) if content and parts else None


def _is_adks_own(part: types.Part) -> bool:
    call = part.function_call or part.function_response
    return bool(call and (call.name or "").startswith(OF_ADK))


def _says(event: Event) -> bool:
    """Whether the event tells more than that there is one."""
    return bool(event.content or event.custom_metadata or event.error_code)


def _render_link(
    self: RendererHTML, tokens: Sequence[Token], index: int, options: OptionsDict, env: Any
) -> str:
    token = tokens[index]
    if re.match(r"(https?|mailto):", str(token.attrs.get("href")), re.IGNORECASE):
        token.attrs.update(OUT_OF_PAGE)
    else:
        token.attrs.pop("href", None)
    return str(self.renderToken(tokens, index, options, env))


def _render_image(
    self: RendererHTML, tokens: Sequence[Token], index: int, options: OptionsDict, env: Any
) -> str:
    """Only what is in the text itself is a picture; another's address is shown as such."""
    source = str(tokens[index].attrs.get("src"))
    if source.startswith(tuple(f"data:{kind};base64," for kind in RASTER)):
        return str(self.image(tokens, index, options, env))
    return html.escape(f"[{tokens[index].content}]({source})")


def _markdown() -> MarkdownIt:
    parser = MarkdownIt("js-default")
    parser.add_render_rule("link_open", _render_link)
    parser.add_render_rule("image", _render_image)
    return parser


MARKDOWN = _markdown()
"""Without HTML: whatever looks like it is text."""

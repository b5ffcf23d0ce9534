"""A chat for a developer, as the files of one zip: the chat, the findings about it, the versions.

It is without keys, without the ids by which the chat is found, and has nothing of any other chat.
All but the chat's own words is English, as developers read it.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from google.adk.sessions import Session

from agent.core.colours import ACCENT, Pair
from agent.core.history import TurnRecord
from agent.core.language import ENGLISH, speaking
from agent.core.secrets import redacted
from agent.core.settings import Settings
from agent.core.text import clean, to_json
from agent.core.transcript import ToolCall, answer, notices
from agent.render import export
from agent.render.findings import as_json

# The fields of a finding's record (agent/render/findings.py) that go into no report.
LEFT_OUT = ("session_id",)

# Characters of each quoted text in the text for an issue tracker, which takes some 65,000 in all.
MAX_QUOTED = 4_000

# A file's content within a page: no secrets are looked for in it.
DATA = re.compile(r"(data:[\w/.+-]+;base64,[A-Za-z0-9+/=]*)")

CONTENTS = {
    "report.md": "this summary",
    "issue.md": "the same in short, for an issue tracker",
    "chat.html": "the chat as it was shown, with its files",
    "chat.md": "the chat as Markdown",
    "events.json": "its ADK events, as `adk web` imports a session",
    "feedback.json": "what was said of its answers",
    "versions.json": "the versions at work",
}


@dataclass(frozen=True)
class Chat:
    """The chat that a report is about."""

    title: str
    turns: Sequence[TurnRecord]
    # ADK's session; None where it is not stored any more.
    session: Session | None
    # The records of the findings about it (agent/render/findings.py), the newest first; the text
    # for an issue tracker is about the first one.
    records: Sequence[Mapping[str, Any]]
    versions: Mapping[str, str]
    root_agent: str = ""
    accent: Pair = ACCENT


def to_report(chat: Chat, settings: Settings) -> dict[str, str]:
    """The texts of a report's files, by their names."""
    records = [
        {name: value for name, value in record.items() if name not in LEFT_OUT}
        for record in chat.records
    ]
    about = settings.model_copy(update={"show_figures": True})
    with speaking(ENGLISH):
        contents = chat.turns, chat.title, chat.root_agent, about
        files = {
            "issue.md": to_issue(chat),
            "chat.html": export.to_html(*contents, chat.accent),
            "chat.md": export.to_markdown(*contents),
            "feedback.json": as_json(records),
            "versions.json": to_json(chat.versions, indent=2, ensure_ascii=False) + "\n",
        }
        if chat.session:
            files["events.json"] = export.to_adk(chat.session, chat.title)
        files = {"report.md": _summary(chat, files), **files}
    return {name: redacted_text(text) for name, text in files.items()}


def to_issue(chat: Chat) -> str:
    """A short text for an issue tracker: what was asked, answered and expected. People's words
    stand in it as code, so that they mention nobody there and link to nothing."""
    record = chat.records[0] if chat.records else _of_turn(chat.turns[-1])
    rating, reason = record.get("rating", ""), record.get("reason", "")
    head = f"{rating.capitalize()} answer" if rating else "An answer"
    if verdict := record.get("verdict"):
        head = f"A task: {verdict}"
    tools = "\n".join(
        f"{tool['name']} {to_json(tool['args'], ensure_ascii=False)}" for tool in record["tools"]
    )
    texts = {
        "Task": record.get("task", ""),
        "Asked": record["question"],
        "Tools that were called": tools,
        "Answered": record["answer"],
        "About this passage": record.get("passage", ""),
        "What the tester says": record.get("comment", ""),
        "What it should have said": record.get("expected", ""),
        "What the page said": "\n".join(record["notes"]),
    }
    blocks = [f"# {head}{f': {on_one_line(reason)}' if reason else ''}"]
    blocks += [f"**{name}**\n\n{fenced(text)}" for name, text in texts.items() if text]
    agent = " ".join(filter(None, (record.get("agent", ""), record.get("agent_version", ""))))
    versions = {**chat.versions, **({"agent": agent} if agent else {})}
    blocks.append(to_table(versions))
    return redacted_text(clean("\n\n".join(blocks) + "\n"))


def _of_turn(turn: TurnRecord) -> dict[str, Any]:
    """A record, as of a finding, for a turn without one."""
    calls = [entry for entry in turn.transcript if isinstance(entry, ToolCall)]
    return {
        "question": turn.question,
        "answer": answer(turn.transcript),
        "tools": [{"name": call.name, "args": call.args} for call in calls],
        "notes": notices(turn.transcript),
    }


def _summary(chat: Chat, files: Mapping[str, str]) -> str:
    bad, good = (
        sum(record["rating"] == rating for record in chat.records) for rating in ("bad", "good")
    )
    lines = [
        f"- {record['time'][:10]}: {record['verdict'] or record['rating']}"
        f"{f', {reason}' if reason else ''}: `{on_one_line(record['task'] or record['question'])}`"
        for record in chat.records
        for reason in [on_one_line(record["reason"])]
    ]
    there = [f"- `{name}`: {CONTENTS[name]}" for name in CONTENTS if name in (*files, "report.md")]
    counts = f"Questions: {len(chat.turns)}. Answers called bad: {bad}, good: {good}."
    parts = ["# Report of a chat", f"`{on_one_line(chat.title)}`", counts, "\n".join(lines)]
    parts += ["## Versions", to_table(chat.versions), "## Files", "\n".join(there)]
    left = "Keys and passwords that the app knows of, or that look like some, are left out."
    return clean("\n\n".join(filter(None, [*parts, left])) + "\n")


def to_table(values: Mapping[str, str]) -> str:
    """Versions as a table of Markdown, by what they are of."""
    rows = "\n".join(f"| {name} | `{on_one_line(text)}` |" for name, text in values.items() if text)
    return f"| what | version |\n|---|---|\n{rows}"


def fenced(text: str) -> str:
    """A text as a block of code, so that nothing in it is Markdown."""
    text = text if len(text) <= MAX_QUOTED else f"{text[:MAX_QUOTED]}…"
    fence = "`" * (1 + max(2, *map(len, re.findall("`+", text)), 2))
    return f"{fence}text\n{text}\n{fence}"


def on_one_line(text: str, most: int = 200) -> str:
    """A text on one line, of at most `most` characters, without Markdown."""
    return re.sub(r"[`|<>]", "'", " ".join(text.split()))[:most]


def redacted_text(text: str) -> str:
    """A text without secrets; the contents of files in it stay as they are."""
    pieces = DATA.split(text)
    return "".join(piece if place % 2 else redacted(piece) for place, piece in enumerate(pieces))

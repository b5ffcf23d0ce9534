"""A tester's verdicts on tasks, for a developer, as the files of one zip: a summary, the verdicts,
and each chat in which a task was tried. Like a report of one chat it is English, and has no keys,
and nothing of anybody else.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from agent.core.feedback import Finding
from agent.core.settings import Settings
from agent.core.tester_tasks import Task
from agent.core.text import clean, to_json
from agent.render.findings import VERDICTS, as_csv, as_json, to_record
from agent.render.report import (
    LEFT_OUT,
    Chat,
    fenced,
    on_one_line,
    redacted_text,
    to_report,
    to_table,
)

TASK_REPORT_CONTENTS = {
    "report.md": "this summary",
    "verdicts.json": "the verdicts, each with the last question and answer of its chat",
    "verdicts.csv": "the same as a table",
    "versions.json": "the versions at work when this was saved",
}

# Stands beside a verdict on a task that could not be tried, or whose chat the tester has deleted.
NOT_TRIED_IN_CHAT = "there is no chat with it"

# The further contents where there are chats: they may all be deleted by now.
CHATS = {
    "chats/…": "each chat in which a task was tried: as it was shown, its events, what was said of "
    "its answers",
}


def to_task_report(
    listed: Sequence[Task],
    found: Mapping[str, Finding],
    chats: Mapping[str, Chat],
    versions: Mapping[str, str],
    settings: Settings,
) -> dict[str, str]:
    """The texts of the files, by their names.

    Args:
        listed: The agent's tasks.
        found: The verdicts by the ids of their tasks, which need not be on the list any more.
        chats: The chats in which the tasks were tried, by their sessions' ids.
        versions: The versions at work, by what they are of.
        settings: The host's.
    """
    places = {id: f"chats/{number}" for number, id in enumerate(chats, start=1)}
    records = [
        {**to_record(finding, ""), **dict.fromkeys(LEFT_OUT, places.get(finding.session_id, ""))}
        for finding in found.values()
    ]
    files = {
        "report.md": _summary(listed, records, versions, bool(chats)),
        "verdicts.json": as_json(records),
        "verdicts.csv": as_csv(records),
        "versions.json": to_json(versions, indent=2, ensure_ascii=False) + "\n",
    }
    for session_id, chat in chats.items():
        for name, text in to_report(chat, settings).items():
            files[f"{places[session_id]}/{name}"] = text
    return {name: redacted_text(text) for name, text in files.items()}


def _summary(
    listed: Sequence[Task],
    records: Sequence[Mapping[str, Any]],
    versions: Mapping[str, str],
    has_chats: bool,
) -> str:
    by_task = {record["task_id"]: record for record in records}
    open_tasks = [task for task in listed if task.id not in by_task]
    order = {task.id: number for number, task in enumerate(listed)}
    judged = sorted(records, key=lambda record: order.get(record["task_id"], len(order)))
    counts = [(verdict, _count(records, verdict)) for verdict in VERDICTS.values()]
    counts.append(("not tried", len(open_tasks)))
    parts = ["# Report of a tester"]
    names = dict.fromkeys(filter(None, (record["tester"] for record in records)))
    parts += [f"Tested by `{on_one_line(', '.join(names))}`."] if names else []
    parts.append(", ".join(f"{name}: {number}" for name, number in counts) + ".")
    parts += [_verdict_section(number, record) for number, record in enumerate(judged, start=1)]
    if open_tasks:
        parts.append("## Not tried")
        parts.append("\n".join(f"- `{on_one_line(task.text)}`" for task in open_tasks))
    parts += ["## Versions", to_table(versions)]
    files = {**TASK_REPORT_CONTENTS, **(CHATS if has_chats else {})}
    parts += ["## Files", "\n".join(f"- `{name}`: {what}" for name, what in files.items())]
    return clean("\n\n".join(parts) + "\n")


def _count(records: Iterable[Mapping[str, Any]], verdict: str) -> int:
    return sum(record["verdict"] == verdict for record in records)


def _verdict_section(number: int, record: Mapping[str, Any]) -> str:
    agent = " ".join(filter(None, (record["agent"], record["agent_version"])))
    versions = agent, ", ".join(record["models"]), record["app_version"]
    about = f"{record['time'].replace('T', ' ')} · {' · '.join(filter(None, versions))}"
    place = record["session_id"]
    texts = {
        "Task": record["task"],
        "What should happen": record["should"],
        "What the tester says": record["comment"],
        "Last asked": record["question"],
        "Last answered": record["answer"],
    }
    blocks = [f"## {number}. {record['verdict']}: `{on_one_line(record['task'], 80)}`"]
    where = f"in `{place}/chat.html`" if place else NOT_TRIED_IN_CHAT
    blocks.append(f"`{on_one_line(about)}`, {where}")
    blocks += [f"**{name}**\n\n{fenced(text)}" for name, text in texts.items() if text]
    return "\n\n".join(blocks)

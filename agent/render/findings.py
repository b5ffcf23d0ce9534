"""What visitors said of answers, for the host: as HTML, as a table, as JSON. No text of theirs is
HTML or a formula in it."""

import csv
import html
import io
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from agent.core.expectation import Expectation
from agent.core.feedback import BAD, CHAT, GOOD, TASK, UNSURE, WHY_NOT, Finding
from agent.core.text import clean, to_json

# The characters that begin a formula, which a spreadsheet would run, even behind blanks; and those
# that may be taken for the end of a cell (OWASP, "CSV injection").
FORMULA_STARTS, CELL_ENDS = ("=", "+", "-", "@"), ("\t", "\r", "\n")

# The words for a chat that its visitor has kept as an example.
KEPT_AS_EXAMPLE = "all of this chat is how it should go"

RATING_NAMES = {GOOD: "good", BAD: "bad", UNSURE: "unsure"}

# The names of the ratings of a task, in the order in which they are counted.
VERDICTS = {GOOD: "pass", BAD: "fail", UNSURE: "unsure"}

# Characters of a question and an answer that the list shows.
MAX_LISTED = 300

# The fields of an export, in the order of the table's columns.
FIELDS = (
    *("id", "time", "rating", "reason", "comment", "expected", "passage", "question", "answer"),
    *("tools", "files", "notes", "figures", "agent", "agent_version", "models", "app_version"),
    *("session_id", "invocation_id", "turn_id", "is_done", "kind"),
    *("task", "should", "verdict", "tester"),
)


def to_record(finding: Finding, id: str) -> dict[str, Any]:
    """A finding by the names of `FIELDS`. It is without the visitor's id, which opens all that
    visitor's conversations."""
    opinion = finding.opinion
    at = datetime.fromtimestamp(finding.at, UTC)
    return {
        "id": id,
        "time": at.isoformat(timespec="seconds"),
        "rating": RATING_NAMES.get(opinion.rating, ""),
        "reason": opinion.reason,
        "comment": opinion.comment,
        "expected": opinion.expected,
        "passage": opinion.passage,
        "question": finding.question,
        "answer": finding.answer,
        "tools": [dict(tool) for tool in finding.tools],
        "files": list(finding.files),
        "notes": list(finding.notes),
        "figures": finding.figures,
        "agent": finding.agent,
        "agent_version": finding.agent_version,
        "models": list(finding.models),
        "app_version": finding.app_version,
        "session_id": finding.session_id,
        "invocation_id": finding.turn_id.partition("/")[0],
        "turn_id": finding.turn_id,
        "is_done": finding.is_done,
        "kind": finding.kind,
        "task_id": finding.task.get("id", ""),
        "task": finding.task.get("text", ""),
        "should": finding.task.get("should", ""),
        "verdict": VERDICTS.get(opinion.rating, "") if finding.kind == TASK else "",
        "tester": finding.tester,
    }


def as_json(records: Iterable[Mapping[str, Any]]) -> str:
    """All records as JSON."""
    return clean(to_json(list(records), indent=2, ensure_ascii=False)) + "\n"


def as_csv(records: Iterable[Mapping[str, Any]], fields: Sequence[str] = FIELDS) -> str:
    """The records as a table for a spreadsheet, in which nothing is a formula."""
    table = io.StringIO()
    # This mark tells Excel that the text is UTF-8.
    table.write("\ufeff")
    writer = csv.writer(table, quoting=csv.QUOTE_ALL)
    writer.writerow(fields)
    for record in records:
        writer.writerow([_cell(record[name]) for name in fields])
    return table.getvalue()


def _cell(value: Any) -> str:
    match value:
        case bool():
            text = "yes" if value else "no"
        case str():
            text = clean(value)
        case list() if all(isinstance(item, str) for item in value):
            text = clean("\n".join(value))
        case _:
            text = clean(to_json(value, ensure_ascii=False))
    return (
        f"'{text}"
        if text.lstrip().startswith(FORMULA_STARTS) or text.startswith(CELL_ENDS)
        else text
    )


def to_list(records: Sequence[Mapping[str, Any]]) -> str:
    """The findings as a list of links, each with the beginning of what it is about."""
    if not records:
        return "<p>There is nothing here.</p>\n"
    return f'<ul class="findings">\n{"".join(map(_item, records))}</ul>\n'


def _item(record: Mapping[str, Any]) -> str:
    reason = f": {record['reason']}" if record["reason"] else ""
    reason = f": {KEPT_AS_EXAMPLE}" if record["kind"] == CHAT else reason
    reason = f": {shortened(record['task'])}" if record["kind"] == TASK else reason
    done = " · done" if record["is_done"] else ""
    head = _text(f"{record['verdict'] or record['rating']}{reason}{done}")
    who = [f"{record['time'][:16].replace('T', ' ')} UTC", record["agent"], record["tester"]]
    beside = _text(" · ".join(filter(None, who)))
    texts = [("“" + shortened(record["question"]) + "”"), "→ " + shortened(record["answer"])]
    texts = texts if record["turn_id"] else []
    about = {"comment": "Comment", "expected": "It should have said"}
    about |= {"expected": "", "should": "What should happen"} if record["kind"] == TASK else {}
    texts += [
        f"{name}: {shortened(record[key])}" for key, name in about.items() if record[key] and name
    ]
    paragraphs = "".join(f'<p dir="auto">{_text(text)}</p>\n' for text in texts)
    link = f'<a href="findings/{record["id"]}#finding">{head}</a>'
    return f"<li>{link} <small>{beside}</small>\n{paragraphs}</li>\n"


def to_days(records: Iterable[Mapping[str, Any]]) -> str:
    """How many findings there were on each day, as a table in HTML; the newest day first."""
    days = Counter((record["time"][:10], record["rating"]) for record in records)
    rows = "".join(
        f"<tr><td>{day}</td><td>{days[day, 'good']}</td><td>{days[day, 'bad']}</td></tr>\n"
        for day in sorted({day for day, _ in days}, reverse=True)
    )
    head = "<tr><th>Day (UTC)</th><th>Good</th><th>Bad</th></tr>\n"
    return f"<details><summary>By days</summary>\n<table>\n{head}{rows}</table></details>\n"


def to_tasks(records: Iterable[Mapping[str, Any]]) -> str:
    """How often each task passed, failed, or was unsure, as a table in HTML; "" where nobody has
    judged any."""
    counts: dict[str, Counter[str]] = {}
    for record in records:
        if record["kind"] == TASK:
            counts.setdefault(record["task"], Counter())[record["verdict"]] += 1
    rows = "".join(
        f'<tr><td dir="auto">{_text(shortened(task))}</td>'
        + "".join(f"<td>{count[name]}</td>" for name in VERDICTS.values())
        + "</tr>\n"
        for task, count in sorted(counts.items())
    )
    head = "".join(f"<th>{name.capitalize()}</th>" for name in ("task", *VERDICTS.values()))
    return f"<h2>Tasks</h2>\n<table>\n<tr>{head}</tr>\n{rows}</table>\n" if counts else ""


def to_details(record: Mapping[str, Any]) -> str:
    """A finding with its versions as HTML, to stand below the answer."""
    about = {
        "Task": record["task"],
        "What should happen": record["should"],
        "Verdict": record["verdict"],
        "Tester": record["tester"],
        "Rating": KEPT_AS_EXAMPLE.capitalize() if record["kind"] == CHAT else record["rating"],
        "Reason": record["reason"],
        "In the visitor's own words": record["comment"],
        "What it should have said": record["expected"],
        "About this passage": record["passage"],
        "When": record["time"].replace("T", " "),
        "Agent": " ".join(filter(None, (record["agent"], record["agent_version"]))),
        "Model": ", ".join(record["models"]),
        "This app": record["app_version"],
        "Figures": record["figures"],
    }
    # A task tells the same as its verdict, and as what should happen.
    if record["kind"] == TASK:
        about |= {"Rating": "", "What it should have said": ""}
    rows = "".join(
        f'<dt>{name}</dt><dd dir="auto">{_text(text)}</dd>\n'
        for name, text in about.items()
        if text
    )
    return f'<section class="finding" id="finding">\n<dl>\n{rows}</dl>\n</section>\n'


TEST_FORM = """<details class="test" id="test"{open}><summary>As a test of the agent</summary>
<form method="post" action="{id}/test">
<p>{note}</p>
{fields}<p><button>Save</button></p>
</form></details>
"""

NO_TEST = "It is in no eval set, because {what}, which a test cannot do once more."
AS_TEST = (
    "The eval set asks the agent this question again, after those above it, and looks for this in "
    "its answer."
)

# The fields of that form, and what stands above each.
TEST_FIELDS = {
    "must_say": "It must say (one on each line; another way to say the same behind a |)",
    "must_not_say": "It must not say",
    "tools": 'Tools that it must call, in this order, such as: find_order {"number": 17}',
}


def to_test_form(id: str, wanted: Expectation, finding: Finding) -> str:
    """A form in which the host changes what a right answer is for the eval set; "" where the
    finding can be no test."""
    if finding.opinion.rating == UNSURE or not finding.turn_id:
        return ""
    reasons = [*(turn.get("why_not") for turn in finding.before), finding.why_not]
    reason = next(filter(None, reasons), None)
    values = {
        "must_say": "\n".join(wanted.must_say),
        "must_not_say": "\n".join(wanted.must_not_say),
        "tools": wanted.tool_lines,
    }
    fields = "".join(
        f'<p><label for="{name}">{_text(TEST_FIELDS[name])}</label><br>\n'
        f'<textarea id="{name}" name="{name}" rows="3" dir="auto">\n{_text(text)}</textarea></p>\n'
        for name, text in values.items()
    )
    note = NO_TEST.format(what=WHY_NOT.get(reason, reason)) if reason else AS_TEST
    is_open = " open" if finding.expectation is not None else ""
    return TEST_FORM.format(id=id, note=_text(note), fields=fields, open=is_open)


def shortened(text: str) -> str:
    """A text on one line, cut to the length that a list shows."""
    line = " ".join(text[: 2 * MAX_LISTED].split())
    return line if len(line) <= MAX_LISTED else line[: MAX_LISTED - 1] + "…"


def _text(text: str) -> str:
    return html.escape(text)

"""What visitors said of answers, for the host (agent/api/host_page.py).

GET  /host/findings           a list; `?rating=bad&reason=…&state=open&agent=…&task=…` chooses
GET  /host/findings/ID        the conversation at that answer, with tools and figures
POST /host/findings/ID        done=1 or done=0
POST /host/findings/ID/test   must_say=…, must_not_say=… and tools=…: what a right answer is
"""

import asyncio
import html
from collections.abc import Mapping
from typing import Any, TypeAlias
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, HTTPException, Request, Response
from fastapi.responses import RedirectResponse

from agent.api.host_page import BACK, to_page
from agent.api.host_token import Guard
from agent.chat.agents import Agents
from agent.chat.conversation import Conversation
from agent.chat.registry import Registry
from agent.chat.report import chat_for_report
from agent.core.expectation import expectation_of, parse_expectation, to_stored
from agent.core.feedback import Finding
from agent.core.history import TurnRecord
from agent.core.settings import Settings
from agent.core.text import duration
from agent.render import export, findings
from agent.render.report import to_issue
from agent.stores.fallback import StoreUnavailable
from agent.stores.feedback import finding_id

NOT_HERE = "This is not here, or not any more: its visitor may have deleted it."

# How many findings the page lists.
MAX_SHOWN = 200

# The fields to choose by, with their values where these are always the same; else the values that
# the findings have.
FILTERS: dict[str, tuple[str, ...]] = {
    "rating": ("bad", "good", "unsure"),
    "reason": (),
    "state": ("open", "done"),
    "agent": (),
    "task": (),
}

# The files in which the chosen findings can be saved: how a name ends, and the words for it.
SAVES = {"csv": "CSV", "json": "JSON", "zip": "ADK eval set"}

NOT_SAVED = """<p role="alert">{why}</p>
<p>Go back in your browser: what you have written is still there.</p>
"""

NOT_ALL = (
    '<p role="alert">The place where chats are stored does not answer at the moment. This may not '
    "be all.</p>\n"
)

KEPT = (
    "<p><small>What is said here is kept as long as the chat that it is about: {time} after its "
    "last message, or until its visitor deletes it. A verdict on a task outlasts its chat: it is "
    "kept for that time after its tester's last one. Save what you need for longer.</small></p>\n"
)

TAKEN_BACK = (
    "<p>The visitor has taken this answer back since, or asked anew. This is a copy of it, as it "
    "was when it was rated.</p>\n"
)

UNTRIED = (
    "<p>There is no conversation with it: its tester has tried it in none, or has deleted that "
    "chat.</p>\n"
)

Found: TypeAlias = dict[str, tuple[Registry, Finding]]


def router(agents: Agents, may_enter: Guard) -> APIRouter:
    """`/host/findings…`, behind the check `may_enter`."""
    routes = APIRouter(prefix="/host", include_in_schema=False, dependencies=[Depends(may_enter)])

    @routes.get("/findings")
    async def listed(request: Request) -> Response:
        """The list."""
        found = await all_findings(agents)
        return to_page("What visitors said", _list(found, request.query_params, agents))

    @routes.get("/findings/{id}")
    async def conversation_at(id: str) -> Response:
        """The conversation at that answer."""
        registry, finding = one_finding(await all_findings(agents), id)
        conversation = await chat_of(registry, finding)
        turns = await conversation.history() if conversation else []
        chat = await chat_for_report(registry, conversation, finding)
        issue = to_issue(chat) if chat else ""
        body = await asyncio.to_thread(_conversation, id, finding, turns, issue, agents.settings)
        return to_page(registry.loaded.title, body)

    @routes.post("/findings/{id}")
    async def mark(id: str, request: Request) -> Response:
        """Mark it as done, or as open again."""
        registry, _ = one_finding(await all_findings(agents), id)
        is_done = (await request.form()).get("done") == "1"
        await registry.feedback.mark(id, is_done=is_done)
        return RedirectResponse(f"{id}#finding", 303)

    @routes.post("/findings/{id}/test")
    async def expect(id: str, request: Request) -> Response:
        """Say what is looked for in a right answer."""
        registry, _ = one_finding(await all_findings(agents), id)
        form = await request.form()
        given = (str(form.get(name, "")) for name in ("must_say", "must_not_say", "tools"))
        try:
            wanted = parse_expectation(*given)
        except ValueError as error:
            return to_page("This was not saved", NOT_SAVED.format(why=html.escape(str(error))), 422)
        await registry.feedback.mark(id, expectation=to_stored(wanted))
        return RedirectResponse(f"../{id}#test", 303)

    return routes


async def all_findings(agents: Agents) -> Found:
    """Every finding by its id, the newest first."""
    found = [
        (registry, finding)
        for registry in agents.with_chats()
        for finding in await registry.feedback.all()
    ]
    found.sort(key=lambda pair: pair[1].at, reverse=True)
    return {finding_id(finding): (registry, finding) for registry, finding in found}


def one_finding(found: Found, id: str) -> tuple[Registry, Finding]:
    """The finding of this id, and the registry of its agent.

    Raises:
        HTTPException: 404 where there is none.
    """
    if id not in found:
        raise HTTPException(404, NOT_HERE)
    return found[id]


def records_of(found: Found) -> list[dict[str, Any]]:
    """The findings as the list and the files have them."""
    return [findings.to_record(finding, id) for id, (_, finding) in found.items()]


def chosen_records(records: list[dict[str, Any]], query: Mapping[str, str]) -> list[dict[str, Any]]:
    """The records that match every field of the query."""
    wanted = {name: query[name] for name in FILTERS if query.get(name)}
    return [record for record in records if wanted.items() <= _marks(record).items()]


def _marks(record: Mapping[str, Any]) -> dict[str, str]:
    """The values of a finding for the fields in `FILTERS`."""
    state = "done" if record["is_done"] else "open"
    marks = {name: record[name] for name in ("rating", "reason", "agent")}
    return {**marks, "state": state, "task": record["task_id"]}


def _list(found: Found, query: Mapping[str, str], agents: Agents) -> str:
    records = records_of(found)
    chosen = chosen_records(records, query)
    fails = any(registry.store_unavailable for registry in agents.with_chats())
    wanted = urlencode({name: query[name] for name in FILTERS if query.get(name)})
    files = " · ".join(
        f'<a href="findings.{kind}?{html.escape(wanted)}">Save as {name}</a>'
        for kind, name in SAVES.items()
    )
    count = f"<p>{len(chosen):,} of {len(records):,}"
    count += f", of which the newest {MAX_SHOWN} are shown" if len(chosen) > MAX_SHOWN else ""
    parts = (
        BACK,
        NOT_ALL if fails else "",
        KEPT.format(time=duration(agents.settings.session_idle)),
        _form(records, query),
        f"{count}. {files}</p>\n",
        findings.to_tasks(chosen),
        findings.to_days(chosen),
        findings.to_list(chosen[:MAX_SHOWN]),
    )
    return "".join(parts)


def _form(records: list[dict[str, Any]], query: Mapping[str, str]) -> str:
    """The form by which the host chooses what is listed."""
    fields = []
    names = {record["task_id"]: findings.shortened(record["task"]) for record in records}
    for name, fixed in FILTERS.items():
        present = {_marks(record)[name] for record in records} - {""}
        values = ["", *(fixed or sorted(present))]
        if name == "task" and not present:
            continue
        options = "".join(
            f"<option value={_quoted(value)}{' selected' * (value == query.get(name, ''))}>"
            f"{html.escape(names.get(value) or value or 'all')}</option>"
            for value in values
        )
        label = f"<label>{name.capitalize()}<br><select name={_quoted(name)}>{options}</select>"
        fields.append(f"{label}</label>")
    button = "<button>Show</button>"
    return f'<form class="filter" action="findings">{"".join(fields)}{button}</form>\n'


def _quoted(text: str) -> str:
    return f'"{html.escape(text)}"'


async def chat_of(registry: Registry, finding: Finding) -> Conversation | None:
    """The conversation as it is stored; None where it is gone, or cannot be read."""
    try:
        active = await registry.find(finding.user_id, finding.session_id)
        if active:
            await active.conversation.history()
        return active.conversation if active else None
    except StoreUnavailable:
        return None


def _conversation(
    id: str, finding: Finding, turns: list[TurnRecord], issue: str, settings: Settings
) -> str:
    """The conversation, and below the rated answer the finding; a copy of that answer where the
    conversation no longer has it."""
    record = findings.to_record(finding, id)
    action = f'<form method="post" action="{id}"><button name="done" '
    action += 'value="0">Open again' if finding.is_done else 'value="1">Mark as done'
    test = findings.to_test_form(id, expectation_of(finding), finding)
    report = f' · <a href="{id}.zip">Save as a report (ZIP)</a>' if finding.turn_id else ""
    action += f"</button>{report}</form>\n"
    below = {finding.turn_id: findings.to_details(record) + action + test + _issue(issue)}
    about = settings.model_copy(update={"show_figures": True})
    note = ""
    if finding.turn_id not in {turn.id for turn in turns}:
        turns = [TurnRecord(finding.turn_id, finding.question, finding.transcript)]
        note = TAKEN_BACK if finding.turn_id else UNTRIED
    body = export.to_body(turns, finding.agent, about, below)
    return f'<p><a href="../findings">Back to the list</a></p>\n{note}{body}'


def _issue(text: str) -> str:
    summary = "<summary>Short text for an issue tracker</summary>"
    return f"<details>{summary}\n<pre>{html.escape(text)}</pre></details>\n" if text else ""

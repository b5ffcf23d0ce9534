"""What visitors said of answers as files, for the host to save.

GET /host/findings.csv        what is chosen (agent/api/findings_page.py) as a table
GET /host/findings.json       what is chosen as JSON, for programs
GET /host/findings.zip        what is chosen as eval sets of ADK's, one for each agent
GET /host/findings/ID.zip     a report of the chat that one finding is about, for a developer
"""

import asyncio

from fastapi import APIRouter, Depends, HTTPException, Request, Response

from agent.api.findings_page import (
    NOT_HERE,
    Found,
    all_findings,
    chat_of,
    chosen_records,
    one_finding,
    records_of,
)
from agent.api.host_page import PAGE_HEADERS
from agent.api.host_token import Guard
from agent.chat.agents import Agents
from agent.chat.report import report
from agent.core.feedback import Finding
from agent.render import findings
from agent.render.evalset import export_evalset
from agent.render.zip_file import to_zip


def router(agents: Agents, may_enter: Guard) -> APIRouter:
    """`/host/findings….…`, behind the check `may_enter`."""
    routes = APIRouter(prefix="/host", include_in_schema=False, dependencies=[Depends(may_enter)])

    @routes.get("/findings.csv")
    async def table(request: Request) -> Response:
        """The chosen findings, for a spreadsheet."""
        chosen = chosen_records(records_of(await all_findings(agents)), request.query_params)
        return _file(findings.as_csv(chosen), "text/csv", "findings.csv")

    @routes.get("/findings.json")
    async def data(request: Request) -> Response:
        """The chosen findings as JSON, for programs."""
        chosen = chosen_records(records_of(await all_findings(agents)), request.query_params)
        return _file(findings.as_json(chosen), "application/json", "findings.json")

    @routes.get("/findings.zip")
    async def evalset(request: Request) -> Response:
        """The chosen findings as eval sets, with all that `adk eval` needs."""
        found = await all_findings(agents)
        chosen = chosen_records(records_of(found), request.query_params)
        chosen_findings = {record["id"]: found[record["id"]] for record in chosen}
        packed = await asyncio.to_thread(
            _evalsets, chosen_findings, agents.first.loaded.runner.app_name
        )
        return _file(packed, "application/zip", "evalset.zip")

    @routes.get("/findings/{id}.zip")
    async def as_report(id: str) -> Response:
        """A report of the chat that a finding is about."""
        registry, finding = one_finding(await all_findings(agents), id)
        packed = await report(registry, await chat_of(registry, finding), finding)
        if packed is None:
            raise HTTPException(404, NOT_HERE)
        return _file(packed, "application/zip", f"report-{id[:8]}.zip")

    return routes


def _evalsets(found: Found, app_name: str) -> bytes:
    """A zip with the eval set of each agent; of no findings, with an empty set for `app_name`."""
    by_agent: dict[str, dict[str, Finding]] = {} if found else {app_name: {}}
    for id, (registry, finding) in found.items():
        by_agent.setdefault(registry.loaded.runner.app_name, {})[id] = finding
    files: dict[str, str] = {}
    for name, agents_findings in by_agent.items():
        files |= export_evalset(agents_findings, name).files
    return to_zip(files)


def _file(content: str | bytes, kind: str, name: str) -> Response:
    disposition = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(content, media_type=kind, headers={**PAGE_HEADERS, **disposition})

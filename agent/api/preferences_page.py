"""Which of two answers visitors found better, for the host (agent/api/host_page.py).

GET /host/preferences         totals, how sure they are, and each choice
GET /host/preferences.csv     each choice, as a table
GET /host/preferences.json    each choice, as JSON for programs
"""

import asyncio

from fastapi import APIRouter, Depends, Response

from agent.api.findings_page import NOT_ALL
from agent.api.host_page import BACK, PAGE_HEADERS, to_page
from agent.api.host_token import Guard
from agent.chat.agents import Agents
from agent.core.sides import Preference
from agent.core.text import duration
from agent.render import findings, preferences

NOT_OFFERED = (
    "<p>Visitors are not asked for this at the moment: set <code>SIDE_BY_SIDE=1</code>.</p>\n"
)

ABOUT_RESULTS = (
    "<p>How sure a result is, is told by an exact sign test, which leaves out those who found no "
    "difference. It counts choices, not visitors: many of one visitor say what that one likes. An "
    "agent that has changed is counted anew: the letters beside a setting are its version.</p>\n"
    "<p><small>A choice is kept for {time}, or until its visitor says “Forget me”. Save what you "
    "need for longer.</small></p>\n"
)


def router(agents: Agents, may_enter: Guard) -> APIRouter:
    """`/host/preferences…`, behind the check `may_enter`."""
    routes = APIRouter(prefix="/host", include_in_schema=False, dependencies=[Depends(may_enter)])

    @routes.get("/preferences")
    async def listed() -> Response:
        """Totals, and each choice."""
        found = await _all(agents)
        return to_page("Which answers visitors prefer", await asyncio.to_thread(_body, found))

    @routes.get("/preferences.csv")
    async def table() -> Response:
        """Each choice, for a spreadsheet."""
        records = map(preferences.to_record, await _all(agents))
        return _file(findings.as_csv(records, preferences.FIELDS), "text/csv", "preferences.csv")

    @routes.get("/preferences.json")
    async def data() -> Response:
        """Each choice as JSON, for programs."""
        records = map(preferences.to_record, await _all(agents))
        return _file(findings.as_json(records), "application/json", "preferences.json")

    def _body(found: list[Preference]) -> str:
        records = [preferences.to_record(preference) for preference in found]
        fails = any(registry.store_unavailable for registry in agents.with_chats())
        count = f"<p>Choices: {len(found):,}"
        more = f", of which the newest {preferences.MAX_SHOWN} are shown"
        count += more if len(found) > preferences.MAX_SHOWN else ""
        links = " · ".join(
            f'<a href="preferences.{kind}">Save as {kind.upper()}</a>' for kind in ("csv", "json")
        )
        parts = (
            BACK,
            NOT_ALL if fails else "",
            "" if agents.settings.side_by_side else NOT_OFFERED,
            preferences.to_totals(found),
            ABOUT_RESULTS.format(time=duration(agents.settings.session_idle)),
            f"{count}. {links}</p>\n",
            preferences.to_list(records),
        )
        return "".join(parts)

    return routes


async def _all(agents: Agents) -> list[Preference]:
    """Every preference, the newest first."""
    found = [
        preference
        for registry in agents.with_chats()
        for preference in await registry.preferences.all()
    ]
    return sorted(found, key=lambda preference: preference.at, reverse=True)


def _file(content: str, kind: str, name: str) -> Response:
    disposition = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(content, media_type=kind, headers={**PAGE_HEADERS, **disposition})

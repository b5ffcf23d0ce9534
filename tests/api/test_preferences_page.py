"""Which of two answers visitors found better, on the host's page and in its files."""

import csv
import io
import json
from collections.abc import AsyncIterator
from dataclasses import replace

import httpx
import pytest

from agent.api import api_app
from agent.chat.agents import Agents
from agent.core.settings import Settings
from agent.core.sides import Preference, Side, SideAnswer
from agent.render.preferences import FIELDS
from tests.support.app_setup import UNLIMITED, loaded
from tests.support.scripted_model import ScriptedModel

TOKEN = "open-sesame-and-more"

HOSTILE = "=HYPERLINK(1) </p><script>alert(1)</script>"

ONE = Preference(
    id="1",
    user_id="visitor-11111111-1111-1111-1111-111111111111",
    at=1_700_000_000.0,
    question=HOSTILE,
    sides=(Side("helper"), Side("helper", chosen={"temperature": 1.5})),
    answers=(SideAnswer(HOSTILE, models=("gemini-x",), seconds=1.5), SideAnswer("Ho.")),
    better="first",
    is_blind=True,
    reason=HOSTILE,
)


@pytest.fixture
async def agents() -> AsyncIterator[Agents]:
    agents = Agents(loaded(ScriptedModel()), Settings(**{**UNLIMITED, "host_token": TOKEN}))
    yield agents
    await agents.first.close()


@pytest.fixture
def host(agents: Agents) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(api_app(agents)),
        base_url="https://test/host/",
        headers={"Authorization": f"Bearer {TOKEN}"},
    )


async def test_the_host_sees_totals_how_sure_they_are_and_each_choice(
    agents: Agents, host: httpx.AsyncClient
) -> None:
    for number in range(9):
        kept = replace(ONE, id=str(number), user_id=f"{ONE.user_id}{number % 3}")
        kept = replace(kept, better="second") if number > 6 else kept
        await agents.first.preferences.keep(kept)
    page = (await host.get("preferences")).text
    assert "“as the agent has it” was found better 7 of 9 times. That may still be chance" in page
    assert "Visitors who have chosen: 3." in page
    assert "Choices: 9." in page
    assert "SIDE_BY_SIDE=1" in page
    assert "<script" not in page
    assert page.count("&lt;script") == 9 * 3


async def test_it_is_saved_as_a_table_without_formulas_and_for_programs(
    agents: Agents, host: httpx.AsyncClient
) -> None:
    await agents.first.preferences.keep(ONE)
    saved = await host.get("preferences.csv")
    assert saved.headers["Content-Disposition"].startswith("attachment; ")
    heading, row = csv.reader(io.StringIO(saved.text.removeprefix("\ufeff")))
    assert tuple(heading) == FIELDS
    told = dict(zip(heading, row, strict=True))
    for name in ("question", "reason", "first_answer"):
        assert told[name] == f"'{HOSTILE}"
    assert told["second_setting"] == "temperature 1.5"
    (record,) = json.loads((await host.get("preferences.json")).text)
    assert (record["better"], record["is_blind"], record["first_seconds"]) == ("first", True, 1.5)
    assert record["second_chosen"] == {"temperature": 1.5}
    for file in (saved.text, json.dumps(record)):
        assert ONE.user_id not in file


async def test_nobody_else_sees_it(host: httpx.AsyncClient) -> None:
    del host.headers["Authorization"]
    for path in ("preferences", "preferences.csv", "preferences.json"):
        assert (await host.get(path)).status_code == 303

"""What the host saves of what visitors said: eval sets, and reports for developers."""

import json
from collections.abc import AsyncIterator

import httpx
import pytest
from google.adk.evaluation.eval_set import EvalSet
from google.adk.sessions import Session

from agent.api import api_app
from agent.chat.agents import Agents
from agent.core.settings import Settings
from agent.render.report import CONTENTS
from tests.support.app_setup import UNLIMITED
from tests.support.archives import unpacked
from tests.support.scripted_model import call
from tests.support.testers import PageTester

TOKEN = "open-sesame-and-more"

FINDINGS = "/host/findings"

HOSTILE = "@everyone </textarea></pre><script>alert(1)</script> ```\n# x"


def look(city: str) -> dict[str, str]:
    """Look at a city."""
    return {"seen": city}


class House:
    """Testers of one agent, and its host."""

    def __init__(self) -> None:
        self.ann = PageTester(tools=[look])
        self.bob = PageTester(tools=[look])
        settings = Settings(**{**UNLIMITED, "host_token": TOKEN})
        self.agents = Agents(self.ann.registry.loaded, settings)
        self.ann.registry = self.ann.page.registry = self.agents.first
        self.bob.registry = self.bob.page.registry = self.agents.first
        self.bob.model = self.ann.model
        self.host = httpx.AsyncClient(
            transport=httpx.ASGITransport(api_app(self.agents)),
            base_url="https://test",
            headers={"Authorization": f"Bearer {TOKEN}"},
        )

    async def files(self, path: str) -> dict[str, str]:
        """Those of the zip at this address."""
        answer = await self.host.get(path)
        assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/zip")
        assert answer.headers["Content-Disposition"].startswith("attachment; ")
        return unpacked(answer.content)


@pytest.fixture
async def house() -> AsyncIterator[House]:
    house = House()
    yield house
    await house.agents.first.close()


async def test_only_the_host_saves_them(house: House) -> None:
    await house.ann.ask("How is Rome?", "Rainy.")
    await house.ann.rate("down")
    (id,) = await house.ann.found()
    del house.host.headers["Authorization"]
    for path in (f"{FINDINGS}.zip", f"{FINDINGS}/{id}.zip"):
        assert (await house.host.get(path)).status_code == 303
    told = {"must_say": "x"}
    assert (await house.host.post(f"{FINDINGS}/{id}/test", data=told)).status_code == 303
    assert (await house.ann.found())[id].expectation is None


async def test_what_is_chosen_is_saved_as_an_eval_set(house: House) -> None:
    await house.ann.ask("How is Rome?", call("look", city="Rome"), "Rainy.")
    await house.ann.rate("up")
    await house.bob.ask("And Oslo?", "Snow.")
    await house.bob.rate("down", reason="Wrong facts", expected="Sun")
    assert (
        'href="findings.zip?rating=bad">Save as ADK eval set'
        in (await house.host.get(f"{FINDINGS}?rating=bad")).text
    )
    for query, number in (("", 2), ("?rating=bad", 1), ("?agent=nobody", 0)):
        files = await house.files(f"{FINDINGS}.zip{query}")
        assert sorted(files) == [
            *("answer_metrics.py", "test_config.json"),
            *("test_findings.evalset.json", "test_findings.md"),
        ]
        found = EvalSet.model_validate_json(files["test_findings.evalset.json"])
        assert len(found.eval_cases) == number
    assert house.ann.page.user_id not in repr(files)


async def test_the_host_says_what_is_looked_for(house: House) -> None:
    await house.ann.ask("How is Rome?", call("look", city="Rome"), "Rainy.")
    await house.ann.rate("down", expected="Sunny")
    (id,) = await house.ann.found()
    page = (await house.host.get(f"{FINDINGS}/{id}")).text
    assert '<textarea id="must_say" name="must_say" rows="3" dir="auto">\nSunny</textarea>' in page
    told = {"must_say": HOSTILE, "must_not_say": "", "tools": 'look {"city": "Rome"}'}
    answer = await house.host.post(f"{FINDINGS}/{id}/test", data=told)
    assert str(answer.url.join(answer.headers["Location"])) == f"https://test{FINDINGS}/{id}#test"
    page = (await house.host.get(f"{FINDINGS}/{id}")).text
    assert "<script" not in page
    assert "look {&quot;city&quot;: &quot;Rome&quot;}</textarea>" in page
    files = await house.files(f"{FINDINGS}.zip")
    (case,) = EvalSet.model_validate_json(files["test_findings.evalset.json"]).eval_cases
    assert case.conversation
    (turn,) = case.conversation
    assert [rubric.type for rubric in turn.rubrics or []] == ["MUST_SAY", "MUST_SAY"]
    wrong = await house.host.post(f"{FINDINGS}/{id}/test", data={"tools": "look Rome"})
    assert wrong.status_code == 422
    assert "is no tool with its arguments as JSON" in wrong.text
    await house.ann.rate("down", comment="Still.")
    assert "look {&quot;city&quot;" in (await house.host.get(f"{FINDINGS}/{id}")).text
    assert (await house.host.post(f"{FINDINGS}/none/test", data=told)).status_code == 404


async def test_a_report_has_the_chat_and_nothing_of_anybody_else(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOP_PASSWORD", "canary-77")
    await house.bob.ask("Bob's secret?", "Bob's answer.")
    await house.bob.rate("down", comment="Bob's words")
    await house.ann.ask("How is Rome?", call("look", city="Rome"), "Rainy, canary-77.")
    await house.ann.rate("down", reason="Wrong facts", comment="No.", expected="AIzaSy1234567")
    await house.ann.ask("And Oslo?", "Snow.")
    await house.ann.rate("up")
    (id,) = [id for id, finding in (await house.ann.found()).items() if finding.opinion.reason]
    files = await house.files(f"{FINDINGS}/{id}.zip")
    assert sorted(files) == sorted(CONTENTS)
    told = json.loads(files["feedback.json"])
    assert [finding["rating"] for finding in told] == ["bad", "good"]
    versions = json.loads(files["versions.json"])
    names = {"agent", "app", "models", "Python", "google-adk", "google-genai", "gradio"}
    assert names <= versions.keys()
    assert versions["models"] == "scripted"
    session = Session.model_validate_json(files["events.json"])
    assert [event.author for event in session.events][:2] == ["user", "helper"]
    for name in ("chat.md", "chat.html"):
        assert "And Oslo?" in files[name]
    assert "Questions: 2. Answers called bad: 1, good: 1." in files["report.md"]
    assert "- `events.json`: " in files["report.md"]
    everything = repr(files)
    secrets = "canary-77", "AIzaSy", "Bob", house.ann.page.user_id, str(house.ann.page.session_id)
    for secret in secrets:
        assert secret not in everything


async def test_the_text_for_an_issue_tracker_says_what_was_asked_and_is_text(house: House) -> None:
    await house.ann.ask("How is Rome?", call("look", city="Rome"), "Rainy.")
    await house.ann.rate("down", reason="Wrong facts", comment=HOSTILE, expected="Sunny.")
    (id,) = await house.ann.found()
    issue = (await house.files(f"{FINDINGS}/{id}.zip"))["issue.md"]
    page = (await house.host.get(f"{FINDINGS}/{id}")).text
    assert "<script" not in page
    assert "<summary>Short text for an issue tracker</summary>" in page
    assert issue.startswith("# Bad answer: Wrong facts\n\n**Asked**\n\n```text\nHow is Rome?\n```")
    parts = 'look {"city": "Rome"}', "**Answered**", "Rainy.", "@everyone", "Sunny.", "| google-adk"
    places = [issue.index(part) for part in parts]
    assert places == sorted(places)
    assert f"````text\n{HOSTILE}\n````" in issue


async def test_of_an_answer_that_was_taken_back_there_is_a_report_too(house: House) -> None:
    await house.ann.ask("How is Rome?", "Rainy.")
    await house.ann.rate("down")
    await house.ann.page.undo()
    (id,) = await house.ann.found()
    files = await house.files(f"{FINDINGS}/{id}.zip")
    assert "events.json" not in files
    assert "Rainy." in files["chat.md"]
    await house.ann.page.forget_visitor()
    assert (await house.host.get(f"{FINDINGS}/{id}.zip")).status_code == 404

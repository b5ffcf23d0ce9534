"""What the host alone sees, by a secret: the self-check, what the page is used for, `/metrics`."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from agent.api import api_app, host_page, metrics
from agent.chat.agents import Agents
from agent.core.question import Question
from agent.core.settings import Settings
from agent.core.visitor import Visitor
from tests.support.app_setup import UNLIMITED, loaded, until
from tests.support.fake_gemini import FakeGemini, Hang, Pause, Status

HOST, API = "the secret of the host", "the secret of programs"

PAGES = "/host/check", "/host/usage", "/metrics"


@asynccontextmanager
async def browser(agents: Agents, secret: str = HOST) -> AsyncIterator[httpx.AsyncClient]:
    """Whoever shows this secret to the APIs of these agents."""
    transport = httpx.ASGITransport(app=api_app(agents))
    headers = {"Authorization": f"Bearer {secret}"} if secret else {}
    async with httpx.AsyncClient(
        transport=transport, base_url="http://page", headers=headers, timeout=30
    ) as client:
        yield client


def agents(**settings: Any) -> Agents:
    chosen = {**UNLIMITED, "host_token": HOST, "api_token": API, "request_retries": 0, **settings}
    return Agents(loaded(), Settings(**chosen))


async def use(what: Agents) -> None:
    """Two visitors: one has an answer and stops another, the other's fails."""
    ann, bob = (what.first.open() for _ in range(2))
    await ann.ask(Question("My secret is XYZZY")).turn.finish()
    turn = ann.ask(Question("Go on")).turn
    await until(turn, "Well")
    turn.stop()
    await turn.finish()
    await bob.ask(Question("Fail, please", visitor=Visitor(address="192.0.2.7"))).turn.finish()


@pytest.fixture
def answers(gemini: FakeGemini) -> FakeGemini:
    gemini.reply_to("XYZZY", "Noted.")
    gemini.reply_to("Go on", "Well, ", Hang())
    gemini.reply_to("Fail", Status(503, "UNAVAILABLE"))
    return gemini


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("secret", ["wrong", HOST[:-1]])
async def test_without_the_secret_nothing_is_shown(path: str, secret: str) -> None:
    pytest.importorskip("prometheus_client")
    async with browser(agents(), secret) as client:
        response = await client.get(path)
    assert response.status_code == 401
    assert response.json()["detail"].startswith("This is for the host of this page")


async def test_where_no_secret_is_set_there_are_no_such_pages() -> None:
    async with browser(agents(host_token=None, api_token=None)) as client:
        assert [(await client.get(path)).status_code for path in PAGES] == [404, 404, 404]
    async with browser(agents(host_token=None), API) as client:
        assert [(await client.get(path)).status_code for path in PAGES[:2]] == [404, 404]


@pytest.mark.parametrize("address", host_page.PAGES)
async def test_each_page_leads_back_to_the_others(address: str) -> None:
    async with browser(agents()) as client:
        page = await client.get(f"/{address}")
    links = [page.url.join(link).path for link in re.findall('href="([^"]+)">Back<', page.text)]
    assert links == ["/host"]


async def test_the_self_check_asks_the_model_only_when_it_is_told_to(gemini: FakeGemini) -> None:
    gemini.always(*("One, ", Pause(0.05)) * 60, Hang())
    async with browser(agents()) as client:
        looked = await client.get("/host/check")
        assert (looked.status_code, gemini.requests, gemini.looked_up) == (200, [], [])
        asked = await client.post("/host/check")
    assert len(gemini.requests) == 1
    assert "<b>ok</b> <strong>Key</strong><p>It is accepted." in asked.text
    assert "<b>ok</b> <strong>Stop</strong><p>The answer ended" in asked.text
    # In the order of what is to be done.
    words = re.findall(r"<b>(.+?)</b>", looked.text)
    assert words == sorted(words, key=["wrong", "not checked", "ok"].index)
    assert looked.headers["content-security-policy"].startswith("default-src 'none'")
    assert "<script" not in looked.text


async def test_the_host_sees_what_the_page_is_used_for_and_nothing_of_who_said_what(
    answers: FakeGemini,
) -> None:
    what = agents(input_price=1.0, output_price=2.0)
    await use(what)
    async with browser(what) as client:
        page = (await client.get("/host/usage")).text
    rows = dict(re.findall(r'<th scope="row">(.+?)</th><td class="number">(.+?)</td>', page))
    assert {name: rows[name] for name in ("Visitors", "Questions", "of these failed")} == {
        "Visitors": "2",
        "Questions": "3",
        "of these failed": "1",
    }
    # The fake's figures of two answers, the second one up to where it was stopped.
    assert (rows["Tokens read"], rows["Tokens written"]) == ("14", "10")
    assert rows["Cost"] == "less than $0.0001"
    assert '<tr><td>model failed</td><td class="number">1</td></tr>' in page
    assert page.count("<svg") == 4
    for word in ("XYZZY", "Noted", "visitor-", "192.0.2.7"):
        assert word not in page


async def test_prometheus_reads_the_same(answers: FakeGemini) -> None:
    parser = pytest.importorskip("prometheus_client.parser")
    what = agents()
    await use(what)
    for secret in (HOST, API):
        async with browser(what, secret) as client:
            said = (await client.get("/metrics")).text
    samples = {
        (sample.name, *sample.labels.values()): sample.value
        for family in parser.text_string_to_metric_families(said)
        for sample in family.samples
    }
    counts = {key: value for key, value in samples.items() if "_seconds" not in key[0]}
    assert counts == {
        ("adk_chat_turns_total", "answered"): 1,
        ("adk_chat_turns_total", "model_failed"): 1,
        ("adk_chat_turns_total", "stopped"): 1,
        ("adk_chat_tokens_total", "read"): 14,
        ("adk_chat_tokens_total", "written"): 10,
        ("adk_chat_running",): 0,
    }
    assert samples["adk_chat_answer_seconds_count",] == 3
    assert samples["adk_chat_first_word_seconds_bucket", "+Inf"] == 2
    assert "visitor" not in said


async def test_without_its_library_there_are_no_metrics(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics, "has_prometheus", lambda: False)
    async with browser(agents()) as client:
        assert (await client.get("/metrics")).status_code == 404

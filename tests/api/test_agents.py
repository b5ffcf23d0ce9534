"""Programs and a folder of agents: each API names the agent that is asked."""

import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from agent.api import api_app
from agent.api.mcp_server import ARGUMENTS, arguments
from agent.chat.agents import Agents
from agent.chat.agents_folder import names_in, open_folder
from agent.core.notices import SENTENCES
from agent.core.settings import Settings
from agent.page.page_state import PageState
from tests.support.agent_folder import BROKEN, FOLDER, write_agents
from tests.support.app_setup import UNLIMITED, loaded
from tests.support.fake_gemini import FakeGemini
from tests.support.sse_client import Event, events

pytestmark = pytest.mark.usefixtures("clean_imports")

ANN, BILL, LAME = (f"{FOLDER}_{name}" for name in ("ann", "bill", "lame"))

TOKEN = "open-sesame-and-more"

AGUI_USER = {"id": "3", "role": "user", "content": "Hi"}


@pytest.fixture
def agents(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, gemini: FakeGemini) -> Agents:
    """Two that answer, and one that cannot be loaded."""
    monkeypatch.delenv("SESSION_DB")
    path = write_agents(tmp_path, ANN, BILL, **{LAME: BROKEN})
    folder = open_folder(path, names_in(path))
    settings = Settings(**UNLIMITED, api_token=SecretStr(TOKEN))
    return Agents(folder.load(ANN), settings, folder)


@pytest.fixture
async def http(agents: Agents) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(api_app(agents))
    headers = {"Authorization": f"Bearer {TOKEN}"}
    async with httpx.AsyncClient(
        transport=transport, base_url="http://test/", headers=headers
    ) as client:
        yield client


async def ask(http: httpx.AsyncClient, **asked: Any) -> list[Event]:
    """The events of an answer at `/chat/stream`."""
    response = await http.post("chat/stream", json={"query": "Hi", **asked})
    assert response.status_code == 200, response.text
    return list(events(httpx.Response(200, content=response.content)))


def told(gemini: FakeGemini) -> list[str]:
    """Which agent each request was made for."""
    instructions = [str(request.body["systemInstruction"]) for request in gemini.requests]
    return [
        name for text in instructions for name in (ANN, BILL, LAME) if f"You are {name}." in text
    ]


async def test_a_question_names_its_agent_and_the_session_finds_it_again(
    http: httpx.AsyncClient, gemini: FakeGemini
) -> None:
    for _ in range(4):
        gemini.enqueue("Hello.")
    await ask(http)
    [session, *_] = await ask(http, agent=BILL)
    await ask(http, session_id=session.session)
    stopped = await http.post("chat/stop", json={"session_id": session.session})
    response = await http.get("chat/stream", params={"query": "Hi", "agent": BILL})
    assert (stopped.status_code, response.status_code) == (204, 200)
    assert told(gemini) == [ANN, BILL, BILL, BILL]
    assert [text for _, text in gemini.requests[2].conversation] == ["Hi", "Hello.", "Hi"]


async def test_a_thread_of_ag_ui_begins_with_the_agent_that_its_address_names(
    http: httpx.AsyncClient, gemini: FakeGemini
) -> None:
    gemini.always("Hello.")
    asked = {"threadId": "1", "runId": "2", "messages": [AGUI_USER]}
    for address in ("agui", f"agui?agent={BILL}"):
        response = await http.post(address, json=asked)
        assert "Hello." in response.text
    said = re.findall(r'"messageId": "(.*?)"', response.text)[0]
    answer = {"id": said, "role": "assistant", "content": "Hello."}
    await http.post("agui", json={**asked, "messages": [AGUI_USER, answer, AGUI_USER]})
    refused = await http.post("agui?agent=x", json=asked)
    assert "There is no agent called" in refused.text
    assert told(gemini) == [ANN, BILL, BILL]


async def test_an_unknown_agent_is_refused_with_the_names_of_all(http: httpx.AsyncClient) -> None:
    for response in (
        await http.post("chat/stream", json={"query": "Hi", "agent": "x"}),
        await http.post("chat/stream", params={"query": "Hi", "agent": "x"}),
        await http.get("chat/stream", params={"query": "Hi", "agent": "x"}),
    ):
        assert (response.status_code, response.json()["detail"]) == (
            422,
            f"agent: There is no agent called “x” here. There are: {ANN}, {BILL}, {LAME}.",
        )


async def test_one_that_is_being_mended_is_refused_alone(
    http: httpx.AsyncClient, gemini: FakeGemini
) -> None:
    gemini.enqueue("Hello.")
    response = await http.post("chat/stream", json={"query": "Hi", "agent": LAME})
    assert (response.status_code, response.json()["detail"]) == (503, SENTENCES["being_mended"])
    await ask(http, agent=BILL)
    assert (await http.get("readyz")).json() == {
        "status": "ok",
        "agent": f"{ANN}, {BILL}, {LAME}",
        "agents_not_loaded": 1,
    }


async def test_each_is_a_model_of_openais_protocol(
    http: httpx.AsyncClient, gemini: FakeGemini
) -> None:
    gemini.enqueue("Hello.")
    models = (await http.get("v1/models")).json()["data"]
    assert [model["id"] for model in models] == [ANN, BILL, LAME]
    assert (await http.get(f"v1/models/{BILL}")).json()["id"] == BILL
    chat = {"model": BILL, "messages": [{"role": "user", "content": "Hi"}]}
    answer = (await http.post("v1/chat/completions", json=chat)).json()
    assert (answer["model"], answer["choices"][0]["message"]["content"]) == (BILL, "Hello.")
    assert told(gemini) == [BILL]
    refused = await http.post("v1/chat/completions", json={**chat, "model": "x"})
    assert refused.status_code == 404
    assert f"only '{ANN}', '{BILL}', '{LAME}'" in refused.json()["error"]["message"]
    mended = await http.post("v1/chat/completions", json={**chat, "model": LAME})
    assert mended.status_code == 503


async def test_a_shared_chat_is_read_with_its_own_agent(
    http: httpx.AsyncClient, agents: Agents, gemini: FakeGemini
) -> None:
    gemini.enqueue("Hello from Bill.")
    page = PageState(await agents.get(BILL))
    await page.ask("Hi", 0, "").finish()
    await page.share()
    response = await http.get(f"shared/{await page.token()}")
    assert response.status_code == 200
    assert "Hello from Bill." in response.text
    assert (await http.get(f"shared/{'0' * 54}")).status_code == 404


async def test_a_result_is_looked_for_with_all_of_them(
    http: httpx.AsyncClient, agents: Agents, gemini: FakeGemini
) -> None:
    gemini.enqueue("Hello.")
    page = PageState(await agents.get(BILL))
    await page.ask("Hi", 0, "").finish()
    given: dict[str, Any] = {"call_id": "1", "result": {}}
    given |= {"user_id": page.user_id, "session_id": page.session_id}
    response = await http.post("chat/result", json=given)
    assert (response.status_code, "waits for a result" in response.text) == (404, True)


def test_the_tool_of_mcp_names_an_agent_where_there_are_several(agents: Agents) -> None:
    assert arguments(agents)["properties"]["agent"]["enum"] == [ANN, BILL, LAME]
    assert arguments(Agents(loaded(), Settings(file_types=""))) == ARGUMENTS


async def test_the_tool_asks_the_agent_that_is_named(
    http: httpx.AsyncClient, gemini: FakeGemini
) -> None:
    gemini.enqueue("Hello.")
    answers = [await call_tool(http, message="Hi", agent=name) for name in (BILL, "x", LAME)]
    assert [answer["isError"] for answer in answers] == [False, True, True]
    said = [answer["content"][0]["text"] for answer in answers]
    assert (said[0], said[2]) == ("Hello.", f"({SENTENCES['being_mended']})")
    assert told(gemini) == [BILL]


async def call_tool(http: httpx.AsyncClient, **arguments: str) -> Any:
    """What MCP's tool answers to these arguments."""
    params = {"name": "ask", "arguments": arguments}
    response = await http.post(
        "gradio_api/mcp/",
        json={"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params},
        headers={"Accept": "application/json, text/event-stream"},
    )
    [data] = [line for line in response.text.splitlines() if line.startswith("data: ")]
    return json.loads(data.removeprefix("data: "))["result"]

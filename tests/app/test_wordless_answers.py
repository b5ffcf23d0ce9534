"""Answers that no model puts into words, and those of several speakers: the same, and apart from
each other, by every API, from a store and in saved files.
"""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
from google.adk import Workflow
from google.adk.agents import Agent, ParallelAgent, SequentialAgent
from google.adk.sessions import Session
from openai import OpenAI

from agent.chat.conversation import Conversation
from agent.chat.streams import collect
from agent.core.history import turn_records
from agent.core.settings import Settings
from agent.core.transcript import answer
from agent.render.export import to_adk, to_html, to_markdown
from tests.support import openai_client, sse_client
from tests.support.app_process import ROOT
from tests.support.app_setup import launched, loaded_root, notices, say
from tests.support.fake_gemini import FakeGemini
from tests.support.gradio_api import ask, connected
from tests.support.mcp_client import call, tools_of
from tests.support.thorough import sample
from tests.support.wordless import CASES, REPORT, Case, enqueue, pair

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:.*Agent is deprecated:DeprecationWarning"),
]


@pytest.fixture(scope="module", params=CASES)
def served(request: pytest.FixtureRequest, fake: FakeGemini) -> Iterator[tuple[Case, str]]:
    case = CASES[request.param]
    with ExitStack() as stack:
        what = loaded_root(case.root())
        settings: dict[str, Any] = {"leave_grace": 600, "request_retries": 0}
        url = stack.enter_context(launched(what, api_token=openai_client.TOKEN, **settings))
        yield case, url


def by_gradio(url: str) -> str:
    with connected(url) as client:
        return ask(client, "Hi")


def by_sse(url: str) -> str:
    return sse_client.answer(sse_client.ask(url))


def by_openai(url: str) -> str:
    with OpenAI(base_url=f"{url}v1", api_key=openai_client.TOKEN) as client:
        name = client.models.list().data[0].id
        return str(openai_client.ask(client, model=name).choices[0].message.content)


def by_openai_stream(url: str) -> str:
    with OpenAI(base_url=f"{url}v1", api_key=openai_client.TOKEN) as client:
        name = client.models.list().data[0].id
        return openai_client.joined(list(openai_client.ask(client, model=name, stream=True)))


def by_mcp(url: str) -> str:
    async def story() -> str:
        async with tools_of(url) as tools:
            return await call(tools, "Hi")

    return asyncio.run(story())


APIS = [by_gradio, by_sse, by_openai, by_openai_stream, by_mcp]


@pytest.mark.parametrize("api", sample(APIS, 2))
def test_every_api_gives_the_answer(
    served: tuple[Case, str], gemini: FakeGemini, api: Callable[[str], str]
) -> None:
    case, url = served
    enqueue(gemini, case)
    assert api(url) == case.answer


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
async def test_a_program_and_the_store_have_the_answer(gemini: FakeGemini, case: Case) -> None:
    talk = Conversation(loaded_root(case.root()).runner, Settings())
    enqueue(gemini, case)
    told = await collect(talk.ask("Hi"))
    assert told.text == "".join(told.chunks) == case.answer
    assert told.notices == []
    session = await talk.session()
    assert session
    # As a store keeps it, which is not in memory.
    session = Session.model_validate_json(session.model_dump_json())
    [turn] = turn_records(session.events)
    assert answer(turn.transcript) == case.answer
    assert turn.transcript == (await talk.history())[0].transcript


async def test_saved_files_have_the_answer_of_a_workflow() -> None:
    talk = Conversation(loaded_root(CASES["a workflow's output"].root()).runner, Settings())
    assert notices(await say(talk, "Hi")) == []
    session = await talk.session()
    assert session
    turns = turn_records(session.events)
    assert f"## Answer\n\n```json\n{REPORT}\n```" in to_markdown(turns, "Chat", "adder")
    assert '<code class="language-json">{\n  &quot;words&quot;: 1' in to_html(turns, "Chat")
    exported = Session.model_validate(json.loads(to_adk(session, "Chat")))
    assert answer(turn_records(exported.events)[0].transcript) == REPORT


def test_speakers_at_once_are_apart_while_they_speak(gemini: FakeGemini) -> None:
    gemini.always("Yes", ".")
    root = ParallelAgent(name="both", sub_agents=pair())
    with launched(loaded_root(root), api_token=openai_client.TOKEN) as url:
        assert by_sse(url) == by_openai_stream(url) == "Yes.\n\nYes."


def test_speakers_offline_are_apart() -> None:
    agents: list[Any] = [Agent(name=name, model="offline") for name in ("writer", "critic")]
    with launched(loaded_root(SequentialAgent(name="duo", sub_agents=agents))) as url:
        said = sse_client.answer(sse_client.ask(url, "7*6"))
    assert said.count("\n\nYou said: `7*6`.") == 2


def test_the_terminal_prints_the_answer_of_a_workflow(tmp_path: Path) -> None:
    folder = tmp_path / "adder"
    folder.mkdir()
    (folder / "agent.py").write_text(
        "from google.adk import Workflow\n\n"
        "def report(node_input: str):\n    return {'words': len(node_input.split())}\n\n"
        "root_agent = Workflow(name='adder', edges=[('START', report)])\n"
    )
    ended = subprocess.run(
        [sys.executable, "-m", "agent", "--agent", str(folder), "Hi there"],
        cwd=ROOT,
        env={**os.environ, "SESSION_DB": "sqlite:///" + str(tmp_path / "session.db")},
        capture_output=True,
        timeout=100,
        check=False,
    )
    assert (ended.stdout.decode(), ended.stderr.decode()) == ('{\n  "words": 2\n}\n', "")


def test_openai_says_it_where_an_agent_ends_without_words() -> None:
    def nothing(node_input: str) -> None:
        """A node that returns nothing."""

    with launched(loaded_root(Workflow(name="mute", edges=[("START", nothing)]))) as url:
        stream = httpx.post(f"{url}chat/stream", json={"query": "Hi"}, timeout=20).text
    assert "The agent ended without an answer. Try again" in stream

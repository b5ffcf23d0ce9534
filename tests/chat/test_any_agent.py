"""Every kind of agent, unchanged, as `adk api_server` serves it: the model is asked the same, and
the same is answered."""

import asyncio
import json
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from textwrap import dedent
from typing import Any, TypeAlias

import pytest
from google.adk.cli.cli_create import run_cmd

from agent.chat.conversation import Conversation
from agent.chat.loader import load
from agent.core.settings import Settings
from agent.core.transcript import Text, ToolCall
from tests.support.adk_server import post, server
from tests.support.app_setup import GEMINI, say
from tests.support.fake_gemini import Call, FakeGemini
from tests.support.kinds_of_agents import KINDS

pytestmark = [
    pytest.mark.slow,
    pytest.mark.usefixtures("clean_imports"),
    pytest.mark.filterwarnings("ignore:.*is deprecated:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:.EXPERIMENTAL.*:UserWarning"),
]

# By `adk create --type=…`.
CREATED = {"loading_test_code": "code", "loading_test_config": "config"}

# What the model is to do in its first call, and what it says in each other one.
FIRST: dict[str, Any] = {
    "loading_test_tree": Call("transfer_to_agent", {"agent_name": "second"}),
    "loading_test_many": Call("tool_0", {"word": "far"}),
}
LATER = ("All is ", "well.")

QUESTIONS = ("How are you?", "And your aunt?")

# What stands in each turn: texts, and the names of tools.
Answers: TypeAlias = list[list[str]]


@pytest.fixture(scope="module")
def agents(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with all the agents."""
    above = tmp_path_factory.mktemp("agents")
    for name, files in KINDS.items():
        for file, text in files.items():
            (path := above / name / file).parent.mkdir(parents=True, exist_ok=True)
            path.write_text(dedent(text))
    before = Path.cwd()
    os.chdir(above)  # Where `adk create` makes them.
    try:
        for name, kind in CREATED.items():
            where = {"google_cloud_project": None, "google_cloud_region": None}
            run_cmd(name, model=GEMINI, google_api_key="a-key", type=kind, **where)
    finally:
        os.chdir(before)
    return above


@pytest.fixture(scope="module")
def adk_url(fake: FakeGemini, agents: Path) -> Iterator[str]:
    with server("api_server", "--session_service_uri=memory://", folder=agents) as url:
        yield url


def asked(gemini: FakeGemini) -> list[Any]:
    """The bodies of all requests, without the ids that ADK makes up."""
    return [
        json.loads(re.sub("adk-[0-9a-f-]{36}", "adk-id", json.dumps(request.body)))
        for request in gemini.requests
    ]


async def here(folder: Path) -> Answers:
    """What the page would show."""
    talk = Conversation(load(folder).runner, Settings())
    turns = [await say(talk, question) for question in QUESTIONS]
    return [
        [
            part.name if isinstance(part, ToolCall) else part.text
            for part in turn
            if isinstance(part, Text | ToolCall)
        ]
        for turn in turns
    ]


def at_adk(url: str, name: str) -> Answers:
    """What ADK's own server says."""
    post(f"{url}/apps/{name}/users/ann/sessions/one", {})
    return [turn_at_adk(url, name, question) for question in QUESTIONS]


def turn_at_adk(url: str, name: str, question: str) -> list[str]:
    message = {"role": "user", "parts": [{"text": question}]}
    turn = {"appName": name, "userId": "ann", "sessionId": "one", "newMessage": message}
    lines = post(f"{url}/run_sse", {**turn, "streaming": True}).splitlines()
    events = [json.loads(line.removeprefix("data: ")) for line in lines if line]
    contents = [event.get("content") or {} for event in events if not event.get("partial")]
    parts = [part for content in contents for part in content.get("parts", [])]
    texts = [part.get("functionCall", {}).get("name") or part.get("text", "") for part in parts]
    return [text for text in texts if text]


@pytest.mark.parametrize("name", [*KINDS, *CREATED])
async def test_every_kind_of_agent_is_served_as_adk_serves_it(
    name: str, gemini: FakeGemini, adk_url: str, agents: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAX_OUTPUT_TOKENS", "0")  # Else the model is told of our bound.
    ways: dict[str, Callable[[], Any]] = {
        "here": lambda: here(agents / name),
        "ADK": lambda: asyncio.to_thread(at_adk, adk_url, name),
    }
    answers = {}
    for who, ask in ways.items():
        gemini.reset()
        gemini.always(*LATER)
        if name in FIRST:
            gemini.enqueue(FIRST[name])
        answers[who] = await ask(), asked(gemini)
    assert all("All is well." in turn for turn in answers["here"][0])
    assert gemini.unexpected == []
    assert answers["here"] == answers["ADK"]

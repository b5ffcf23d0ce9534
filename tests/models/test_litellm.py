"""Real LiteLLM, against a server of our own that speaks OpenAI's protocol.

It has a virtual environment to itself (`make test-models`): LiteLLM brings aiohttp along, by which
google-genai then asks, where it is not told otherwise.
"""

import asyncio
import json
import os
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent
from typing import Any

import httpx
import pytest
from google.adk.models import Gemini
from google.adk.models.lite_llm import LiteLlm

from agent.chat.conversation import Conversation
from agent.chat.loader import load
from agent.core.notices import SENTENCES, Notice
from agent.core.transcript import Transcript, answer
from agent.models.coalescing import coalescing
from agent.models.credentials import missing_credentials
from agent.models.litellm_setup import import_litellm
from tests.support.app_process import App
from tests.support.app_setup import GEMINI, conversation, notices, outline, say, until
from tests.support.fake_gemini import Call, Close, FakeGemini, Hang, Status, Step, Until
from tests.support.fake_openai import FakeOpenAI, get_weather

import_litellm()

# LiteLLM warns of itself, and aiohttp leaves sessions behind.
pytestmark = pytest.mark.filterwarnings("ignore")

MODEL = "openai/tiny-1"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeOpenAI]:
    """A server that LiteLLM finds by itself."""
    with FakeOpenAI() as server:
        monkeypatch.setenv("OPENAI_API_BASE", server.url)
        monkeypatch.setenv("OPENAI_API_KEY", "sk-test-key-of-nobody")
        yield server


def talk(**settings: Any) -> Conversation:
    model = coalescing(LiteLlm(model=MODEL))
    return conversation(model, {"tools": [get_weather]}, **settings)


async def test_an_answer_comes_in_pieces_and_is_counted(server: FakeOpenAI) -> None:
    server.enqueue("Hel", "lo ", "world.")
    what = talk()
    assert answer(await say(what, "Hello")) == "Hello world."
    assert what.turn
    assert what.turn.figures.chunks > 1
    usage = what.turn.usage
    assert (usage.prompt, usage.answer, usage.models) == (7, 5, ("tiny-1",))
    assert (what.turn.spent.calls, what.turn.spent.tokens) == (1, 12)
    assert [request.key for request in server.requests] == ["sk-test-key-of-nobody"]


async def test_words_are_shown_before_the_rest_has_come(server: FakeOpenAI) -> None:
    rest = threading.Event()
    server.enqueue("First ", Until(rest), "last.")
    turn = talk().ask("Hello")
    await until(turn, "First")
    rest.set()
    assert answer(await turn.finish()) == "First last."


async def test_a_tool_is_called_and_its_result_told(server: FakeOpenAI) -> None:
    server.enqueue("Let me see. ", Call("get_weather", {"city": "Rome"}))
    server.enqueue("It is ", "sunny.")
    transcript = await say(talk(), "Weather?")
    assert [outline(entry) for entry in transcript] == [
        "Let me see. ",
        ("get_weather", {"city": "Rome"}, {"result": "sunny in Rome"}),
        "It is sunny.",
    ]
    assert [role for role, _ in server.requests[1].conversation] == ["user", "assistant", "tool"]


async def test_stop_hangs_up(server: FakeOpenAI) -> None:
    server.enqueue("Begun ", Hang())
    turn = talk().ask("Hello")
    await until(turn, "Begun")
    turn.stop()
    assert notices(await turn.finish()) == [SENTENCES["stopped"]]
    assert await asyncio.to_thread(server.requests[0].left.wait, 5)


@pytest.mark.parametrize(
    ("reply", "code", "calls"),
    [
        ([Status(401, "invalid_api_key")], "bad_key", 1),
        ([Status(403, "forbidden")], "key_not_allowed", 1),
        ([Status(404, "model_not_found")], "no_such_model", 1),
        ([Status(400, "context_length_exceeded")], "bad_request", 1),
        ([Status(429, "insufficient_quota")], "model_busy", 3),
        ([Status(503, "overloaded")], "model_failed", 3),
        (["Half a", Close()], "connection_broken", 1),
    ],
    ids=str,
)
async def test_what_fails_is_told_as_of_gemini_and_asked_again_by_one_of_us_alone(
    server: FakeOpenAI, reply: list[str | Step], code: str, calls: int
) -> None:
    for _ in range(9):
        server.enqueue(*reply)
    assert notices(await say(talk(), "Hello")) == [SENTENCES[code]]
    assert len(server.requests) == calls


async def test_how_long_to_wait_is_told(server: FakeOpenAI) -> None:
    for _ in range(3):
        server.enqueue(Status(429, "rate_limit_exceeded", retry_after=1))
    assert notices(await say(talk(), "Hello")) == [Notice("model_busy_for", {"wait": 1}).text]


@pytest.mark.parametrize("name", ["openai/tiny-1", "ollama_chat/tiny", "anthropic/tiny"])
async def test_a_server_that_is_not_there_is_told(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    nowhere = {"api_key": "k", "api_base": "http://127.0.0.1:9", "max_retries": 0}
    what = conversation(coalescing(LiteLlm(model=name, **nowhere)))
    assert notices(await say(what, "Hello")) == [SENTENCES["unreachable"]]


async def test_what_cannot_be_streamed_is_asked_for_as_a_whole(server: FakeOpenAI) -> None:
    refusal = "Your organization must be verified to stream this model."
    server.enqueue(Status(400, "unsupported_value", refusal))
    server.enqueue("All of it.")
    transcript = await say(talk(), "Hello")
    assert (notices(transcript), answer(transcript)) == (
        [SENTENCES["not_streamed"]],
        "All of it.",
    )
    assert [request.streaming for request in server.requests] == [True, False]


@pytest.mark.parametrize(
    ("name", "own", "missing"),
    [
        ("openai/gpt-5", {}, ["OPENAI_API_KEY"]),
        ("openai/gpt-5", {"api_key": "k"}, []),
        ("gpt-5", {"custom_llm_provider": "openai"}, ["OPENAI_API_KEY"]),
        ("anthropic/claude-sonnet-4-5", {}, ["ANTHROPIC_API_KEY"]),
        ("gemini/gemini-2.5-pro", {}, ["GOOGLE_API_KEY"]),
        ("groq/llama3", {}, ["GROQ_API_KEY"]),
        ("bedrock/anthropic.claude", {}, ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"]),
        ("ollama_chat/llama3", {}, []),
        ("hosted_vllm/llama3", {}, []),
        ("github_copilot/gpt-5", {}, []),
    ],
)
def test_the_variables_that_a_provider_needs_are_known(
    name: str, own: dict[str, Any], missing: list[str]
) -> None:
    assert missing_credentials(LiteLlm(model=name, **own)) == tuple(missing)


def test_a_login_in_another_place_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "work")
    assert missing_credentials("bedrock/anthropic.claude") == ()


AGENT = """
    from google.adk.agents import Agent
    def get_weather(city: str) -> str:
        "The weather in a city."
        return f"sunny in {city}"
    root_agent = Agent(name="guide", model="openai/tiny-1", tools=[get_weather])
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An agent's, of a name that Python has not imported yet."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    folder = tmp_path / f"litellm_test_{abs(hash(tmp_path))}"
    folder.mkdir()
    (folder / "agent.py").write_text(dedent(AGENT))
    return folder


def test_without_a_key_the_page_names_the_variable_that_is_missing(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "")  # As in a template.
    loaded = load(folder)
    assert (loaded.is_offline, "set `OPENAI_API_KEY`" in loaded.how_to_connect) == (True, True)


async def test_gemini_is_asked_as_without_litellm(gemini: FakeGemini) -> None:
    """By httpx, whose answers are coalesced before they are read."""
    gemini.enqueue("Hel", "lo")
    model: Any = coalescing(Gemini(model=GEMINI))
    transcript: Transcript = await say(conversation(model), "Hello")
    assert answer(transcript) == "Hello"
    assert model.stream_hook.is_effective


@pytest.mark.slow
@pytest.mark.timeout(300)  # LiteLLM alone takes seconds to import.
def test_a_page_answers_by_it(server: FakeOpenAI, folder: Path) -> None:
    server.enqueue(Call("get_weather", {"city": "Rome"}))
    server.enqueue("It is ", "sunny.")
    app = App(str(folder))
    try:
        query = {"query": "Weather?"}
        with httpx.stream("POST", f"{app.url}chat/stream", json=query, timeout=60) as stream:
            lines = [line for line in stream.iter_lines() if line.startswith("data: {")]
    finally:
        app.end()
    told = [json.loads(line.removeprefix("data: ")) for line in lines]
    assert "".join(event["text"] for event in told if "text" in event) == "It is sunny."
    assert os.environ["OPENAI_API_KEY"] not in str(app.said)
    assert not [line for line in app.said if "LiteLLM" in line or "litellm" in line]

"""ADK's own class for OpenAI's models, against a server of our own: seen as Gemini is."""

from collections.abc import Iterator
from typing import Any

import pytest
from google.adk.integrations.openai import OpenAILlm
from google.adk.models import FallbackModel

from agent.chat.conversation import Conversation
from agent.core.notices import SENTENCES, Notice
from agent.core.transcript import answer
from agent.models.coalescing import coalescing
from tests.support.app_setup import GEMINI, conversation, notices, say, until
from tests.support.fake_gemini import Call, FakeGemini, Hang, Status
from tests.support.fake_openai import FakeOpenAI, get_weather


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeOpenAI]:
    """A server that OpenAI's client finds by itself."""
    with FakeOpenAI() as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        monkeypatch.setenv("OPENAI_API_KEY", "sk-test-key-of-nobody")
        yield server


def talk(model: Any = "gpt-5") -> Conversation:
    model = coalescing(OpenAILlm(model=model)) if isinstance(model, str) else model
    return conversation(model, {"tools": [get_weather]})


async def test_it_answers_in_pieces_uses_tools_and_is_counted(server: FakeOpenAI) -> None:
    server.enqueue(Call("get_weather", {"city": "Rome"}))
    server.enqueue("It is ", "sunny ", "there.")
    what = talk()
    transcript = await say(what, "Weather?")
    assert (notices(transcript), answer(transcript)) == ([], "It is sunny there.")
    assert what.turn
    usage = what.turn.usage
    assert (usage.prompt, usage.answer, usage.models) == (14, 10, ("gpt-5",))


async def test_stop_hangs_up(server: FakeOpenAI) -> None:
    server.enqueue("Begun ", Hang())
    turn = talk().ask("Hello")
    await until(turn, "Begun")
    turn.stop()
    await turn.finish()
    assert server.requests[0].left.wait(5)


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        (Status(401, "invalid_api_key"), "bad_key"),
        (Status(404, "model_not_found"), "no_such_model"),
        (Status(400, "context_length_exceeded"), "bad_request"),
    ],
    ids=str,
)
async def test_what_fails_is_told_as_of_gemini(
    server: FakeOpenAI, reply: Status, code: str
) -> None:
    server.enqueue(reply)
    assert notices(await say(talk(), "Hello")) == [SENTENCES[code]]


async def test_how_long_to_wait_is_told(server: FakeOpenAI) -> None:
    for _ in range(3):
        server.enqueue(Status(429, "rate_limit_exceeded", retry_after=1))
    assert notices(await say(talk(), "Hello")) == [Notice("model_busy_for", {"wait": 1}).text]


async def test_gemini_over_its_quota_has_another_providers_model_answer(
    server: FakeOpenAI, gemini: FakeGemini
) -> None:
    gemini.always(Status(429, "RESOURCE_EXHAUSTED"))
    server.enqueue("Hello.")
    both = FallbackModel(models=[GEMINI, OpenAILlm(model="gpt-5")])
    transcript = await say(talk(coalescing(both)), "Hello")
    names = {"first": GEMINI, "second": "gpt-5"}
    assert notices(transcript) == [Notice("fell_back", names).text]
    assert answer(transcript) == "Hello."

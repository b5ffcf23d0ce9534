"""Anthropic's models, by ADK's own class and by LiteLLM, against a server of our own: seen as
Gemini is. In the virtual environment of `make test-models`."""

import threading
from collections.abc import Iterator

import pytest
from google.adk.models import BaseLlm
from google.adk.models.anthropic_llm import AnthropicLlm
from google.adk.models.lite_llm import LiteLlm

from agent.chat.conversation import Conversation
from agent.core.notices import SENTENCES, Notice
from agent.core.question import Options, Question
from agent.core.transcript import answer
from agent.models.coalescing import coalescing
from agent.models.credentials import missing_credentials
from agent.models.litellm_setup import import_litellm
from tests.support.app_setup import conversation, notices, outline, say, until
from tests.support.fake_anthropic import FakeAnthropic
from tests.support.fake_gemini import Call, Close, Hang, Status, Step, Until
from tests.support.fake_openai import NAME, get_weather

import_litellm()

# LiteLLM warns of itself, and aiohttp leaves sessions behind.
pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeAnthropic]:
    """A server that both find by themselves."""
    with FakeAnthropic() as server:
        monkeypatch.setenv("ANTHROPIC_BASE_URL", server.url)
        monkeypatch.setenv("ANTHROPIC_API_BASE", server.url)
        monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-key-of-nobody")
        yield server


@pytest.fixture(params=["ADK", "LiteLLM"])
def talk(request: pytest.FixtureRequest, server: FakeAnthropic) -> Conversation:
    model: BaseLlm = AnthropicLlm(model=NAME)
    if request.param == "LiteLLM":
        model = LiteLlm(model=f"anthropic/{NAME}")
    assert missing_credentials(model) == ()
    return conversation(coalescing(model), {"tools": [get_weather]})


async def test_a_tool_is_called_and_the_answer_comes_in_pieces_and_is_counted(
    talk: Conversation, server: FakeAnthropic
) -> None:
    server.enqueue("Let me see. ", Call("get_weather", {"city": "Rome"}))
    server.enqueue("It is ", "sunny.")
    transcript = await say(talk, "Weather?")
    assert [outline(entry) for entry in transcript] == [
        "Let me see. ",
        ("get_weather", {"city": "Rome"}, {"result": "sunny in Rome"}),
        "It is sunny.",
    ]
    assert talk.turn
    usage = talk.turn.usage
    assert (usage.prompt, usage.answer, usage.models) == (14, 10, (NAME,))
    assert [request.key for request in server.requests] == ["sk-ant-key-of-nobody"] * 2
    assert [request.path for request in server.requests] == ["/v1/messages"] * 2


async def test_stop_hangs_up(talk: Conversation, server: FakeAnthropic) -> None:
    server.enqueue("Begun ", Hang())
    turn = talk.ask("Hello")
    await until(turn, "Begun")
    turn.stop()
    assert notices(await turn.finish()) == [SENTENCES["stopped"]]
    assert server.requests[0].left.wait(5)


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        ([Status(401, "authentication_error", "invalid x-api-key")], "bad_key"),
        ([Status(403, "permission_error")], "key_not_allowed"),
        ([Status(404, "not_found_error")], "no_such_model"),
        ([Status(400, "invalid_request_error", "prompt is too long")], "bad_request"),
        ([Status(429, "rate_limit_error")], "model_busy"),
        ([Status(500, "api_error")], "model_failed"),
        ([Status(529, "overloaded_error", "Overloaded")], "model_busy"),
        (["Half a", Close()], "connection_broken"),
    ],
    ids=str,
)
async def test_what_fails_is_told_as_of_gemini(
    talk: Conversation, server: FakeAnthropic, reply: list[str | Step], code: str
) -> None:
    for _ in range(9):
        server.enqueue(*reply)
    transcript = await say(talk, "Hello")
    assert (notices(transcript), answer(transcript)) == (
        [SENTENCES[code]],
        "".join(step for step in reply if isinstance(step, str)),
    )


async def test_an_overload_in_the_middle_leaves_what_was_said(
    talk: Conversation, server: FakeAnthropic
) -> None:
    shown = threading.Event()
    server.enqueue("Half a", Until(shown), Status(529, "overloaded_error", "Overloaded"))
    turn = talk.ask("Hello")
    await until(turn, "Half a")
    shown.set()
    transcript = await turn.finish()
    assert answer(transcript) == "Half a"
    # LiteLLM tells of it as of a stream that breaks off.
    told = [SENTENCES[code] for code in ("model_busy", "connection_broken")]
    assert notices(transcript) in [[sentence] for sentence in told]


async def test_how_long_to_wait_is_told(talk: Conversation, server: FakeAnthropic) -> None:
    for _ in range(9):
        server.enqueue(Status(429, "rate_limit_error", retry_after=1))
    assert notices(await say(talk, "Hello")) == [Notice("model_busy_for", {"wait": 1}).text]


async def test_without_streaming_the_answer_is_the_same(
    server: FakeAnthropic, talk: Conversation
) -> None:
    server.enqueue("All of it.")
    turn = talk.ask(Question("Hello", options=Options(streaming=False)))
    assert answer(await turn.finish()) == "All of it."
    assert not server.requests[0].streaming

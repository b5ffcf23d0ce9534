"""Where a model's first way to an answer fails there may be another one; each step is said."""

import asyncio
import threading
from collections.abc import AsyncGenerator
from typing import Any

import pytest
from google.adk.agents import Agent, SequentialAgent
from google.adk.models import BaseLlm, FallbackModel, LlmRequest, LlmResponse
from google.adk.tools.agent_tool import AgentTool
from google.genai import types

from agent.chat.conversation import Conversation
from agent.core.notices import SENTENCES, Notice
from agent.core.settings import Settings
from agent.core.transcript import Transcript, answer
from agent.models.offline import WHAT_I_AM, OfflineModel
from tests.support.app_setup import GEMINI, conversation, loaded_root, notices, say, until
from tests.support.fake_gemini import (
    Call,
    Close,
    Cut,
    Drop,
    FakeGemini,
    Garbage,
    Status,
    Think,
    Until,
)
from tests.support.scripted_model import scripted

NOT_STREAMED, OFFLINE = SENTENCES["not_streamed"], SENTENCES["unreachable_offline"]
BUSY = Status(429, "RESOURCE_EXHAUSTED")


def tool(city: str) -> str:
    """The weather."""
    return f"sunny in {city}"


def talk(
    model: str | BaseLlm = GEMINI, offline_fallback: bool = False, **agent: Any
) -> Conversation:
    agent = {"offline_fallback": offline_fallback, **agent}
    return conversation(model, agent, request_retries=0)


def modes(gemini: FakeGemini) -> list[bool]:
    """Of each request, whether it has asked for a stream."""
    return [request.streaming for request in gemini.requests]


# Without streaming

REFUSALS = [
    *(Cut(), Close(), Drop(), Garbage()),
    Status(400, "INVALID_ARGUMENT", "Streaming is not supported for this model."),
    Status(501, "UNIMPLEMENTED", "stream: not implemented"),
]


@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda step: type(step).__name__)
async def test_a_stream_that_fails_before_its_first_word_is_asked_for_as_a_whole(
    gemini: FakeGemini, refusal: Any
) -> None:
    gemini.enqueue(refusal)
    gemini.enqueue("All of it.")
    what = talk()
    transcript = await say(what, "Hello")
    assert (notices(transcript), answer(transcript)) == ([NOT_STREAMED], "All of it.")
    assert modes(gemini) == [True, False]
    assert what.turn
    assert what.turn.spent.calls == 2
    assert [(usage.prompt, usage.answer) for usage in [what.turn.usage]] == [(7, 5)]


async def test_what_was_said_of_it_is_said_again_after_a_restart(gemini: FakeGemini) -> None:
    gemini.enqueue(Cut())
    gemini.enqueue("All of it.")
    what = talk()
    await say(what, "Hello")
    later = Conversation(what.runner, Settings(), what.user_id, what.session_id, is_stored=True)
    (turn,) = await later.history()
    assert (notices(turn.transcript), answer(turn.transcript)) == ([NOT_STREAMED], "All of it.")


async def test_the_rest_of_that_answer_is_not_streamed_either_but_the_next_one_is(
    gemini: FakeGemini,
) -> None:
    gemini.enqueue(Cut())
    gemini.enqueue(Call("tool", {"city": "Rome"}))
    gemini.enqueue("Sunny.")
    gemini.enqueue("Bye.")
    what = talk(tools=[tool])
    assert answer(await say(what, "Weather?")) == "Sunny."
    assert answer(await say(what, "Thanks")) == "Bye."
    assert modes(gemini) == [True, False, False, True]


@pytest.mark.parametrize(
    ("refusal", "code"),
    [
        (Status(401, "UNAUTHENTICATED", "No stream for you."), "bad_key"),
        (Status(403, "PERMISSION_DENIED", "No stream for you."), "key_not_allowed"),
        (Status(404, "NOT_FOUND", "Not supported for streamGenerateContent."), "no_such_model"),
        (Status(429, "RESOURCE_EXHAUSTED", "Too many streams."), "model_busy"),
        (Status(400, "INVALID_ARGUMENT", "Too long."), "bad_request"),
        (Status(503, "UNAVAILABLE", "Overloaded."), "model_failed"),
    ],
    ids=str,
)
async def test_what_streaming_has_no_part_in_is_asked_once(
    gemini: FakeGemini, refusal: Status, code: str
) -> None:
    gemini.enqueue(refusal)
    assert notices(await say(talk(), "Hello")) == [SENTENCES[code]]
    assert modes(gemini) == [True]


@pytest.mark.parametrize("said", ["Half", Think("Hm")], ids=["words", "thoughts"])
async def test_what_breaks_after_something_was_shown_is_not_asked_again(
    gemini: FakeGemini, said: Any
) -> None:
    shown = threading.Event()
    gemini.enqueue(said, Until(shown), Cut())
    turn = talk().ask("Hello")
    await until(turn, "H")
    shown.set()
    assert notices(await turn.finish()) == [SENTENCES["connection_broken"]]
    assert modes(gemini) == [True]


async def test_what_breaks_after_a_tool_is_not_asked_again(gemini: FakeGemini) -> None:
    gemini.enqueue(Call("tool", {"city": "Rome"}))
    gemini.enqueue(Cut())
    assert notices(await say(talk(tools=[tool]), "Weather?")) == [SENTENCES["connection_broken"]]
    assert modes(gemini) == [True, True]


async def test_if_that_fails_too_the_first_failure_is_told(gemini: FakeGemini) -> None:
    gemini.enqueue(Cut())
    gemini.enqueue(Status(503, "UNAVAILABLE"))
    told = notices(await say(talk(), "Hello"))
    assert told == [NOT_STREAMED, SENTENCES["connection_broken"]]
    assert modes(gemini) == [True, False]


async def test_a_second_try_is_a_call_like_any_other(gemini: FakeGemini) -> None:
    gemini.enqueue(Cut())
    what = conversation(GEMINI, request_retries=0, max_llm_calls=1)
    assert SENTENCES["connection_broken"] in notices(await say(what, "Hello"))
    assert modes(gemini) == [True]


async def test_an_agents_own_callback_for_errors_comes_first(gemini: FakeGemini) -> None:
    def explain(callback_context: Any, llm_request: Any, error: Exception) -> LlmResponse:
        return LlmResponse(content=types.ModelContent("Call us."))

    gemini.enqueue(Cut())
    transcript = await say(talk(on_model_error_callback=explain), "Hello")
    assert (notices(transcript), answer(transcript)) == ([], "Call us.")
    assert modes(gemini) == [True]


class SilentAtFirst(BaseLlm):
    """A model that streams nothing, and takes its time for the whole."""

    model: str = "silent"

    async def generate_content_async(
        self, llm_request: LlmRequest, stream: bool = False
    ) -> AsyncGenerator[LlmResponse, None]:
        if stream:
            raise NotImplementedError
        await asyncio.sleep(0.3)  # Longer than the timeouts of the test that asks it.
        yield LlmResponse(content=types.ModelContent("At last."))


async def test_for_a_whole_answer_there_is_all_the_time_of_a_turn() -> None:
    what = conversation(SilentAtFirst(), first_token_timeout=0.1, gap_timeout=0.1)
    transcript = await say(what, "Hello")
    assert (notices(transcript), answer(transcript)) == ([NOT_STREAMED], "At last.")


# Offline

UNREACHABLE = [Cut(), Drop(), Status(503, "UNAVAILABLE"), Status(504, "DEADLINE_EXCEEDED")]


@pytest.mark.parametrize("failure", UNREACHABLE, ids=str)
async def test_where_the_host_allows_it_the_offline_model_answers_for_one_that_is_not_there(
    gemini: FakeGemini, failure: Any
) -> None:
    gemini.always(failure)
    transcript = await say(talk(offline_fallback=True), "/think")
    assert notices(transcript)[-1] == OFFLINE
    assert answer(transcript) == f"{WHAT_I_AM}I have thought about it."


async def test_where_nobody_listens_it_does_too_tools_and_all(
    gemini: FakeGemini, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOOGLE_GEMINI_BASE_URL", "http://127.0.0.1:9")
    what = talk(offline_fallback=True, tools=[tool])
    transcript = await say(what, '/call tool {"city": "Rome"}')
    assert notices(transcript) == [OFFLINE]
    assert "sunny in Rome" in answer(transcript)
    assert what.turn
    assert (what.turn.spent.calls, what.turn.spent.free_calls) == (1, 1)


async def test_by_itself_it_does_not(gemini: FakeGemini) -> None:
    gemini.enqueue(Status(503, "UNAVAILABLE"))
    transcript = await say(talk(), "/think")
    assert (notices(transcript), answer(transcript)) == ([SENTENCES["model_failed"]], "")


@pytest.mark.parametrize("failure", [BUSY, Status(401, "UNAUTHENTICATED")], ids=str)
async def test_a_quota_or_a_wrong_key_is_told_all_the_same(
    gemini: FakeGemini, failure: Status
) -> None:
    gemini.enqueue(failure)
    assert answer(await say(talk(offline_fallback=True), "/think")) == ""


# ADK's FallbackModel


def fallback(*models: str | BaseLlm) -> FallbackModel:
    return FallbackModel(models=list(models))


def fell_back(first: str, second: str) -> str:
    return Notice("fell_back", {"first": first, "second": second}).text


async def test_who_answers_in_the_place_of_a_model_over_its_quota_is_said(
    gemini: FakeGemini,
) -> None:
    gemini.enqueue(BUSY)
    gemini.enqueue("Hel", "lo")
    transcript = await say(talk(fallback("gemini-3.5-pro", GEMINI)), "Hello")
    assert notices(transcript) == [fell_back("gemini-3.5-pro", GEMINI)]
    assert answer(transcript) == "Hello"
    assert [request.model for request in gemini.requests] == ["gemini-3.5-pro", GEMINI]


async def test_nothing_is_said_where_the_first_one_answers(gemini: FakeGemini) -> None:
    gemini.enqueue("Hello")
    assert notices(await say(talk(fallback(GEMINI, "gemini-3.5-pro")), "Hello")) == []


async def test_the_last_one_may_be_the_offline_model(gemini: FakeGemini) -> None:
    gemini.enqueue(BUSY)
    transcript = await say(talk(fallback(GEMINI, OfflineModel(delay=0))), "/think")
    assert notices(transcript) == [OFFLINE]
    assert "I have thought about it." in answer(transcript)


async def test_if_all_are_over_their_quota_the_visitor_is_asked_to_wait(gemini: FakeGemini) -> None:
    gemini.always(BUSY)
    assert notices(await say(talk(fallback("gemini-3.5-pro", GEMINI)), "Hello")) == [
        SENTENCES["model_busy"]
    ]


def used_as_a_tool(model: BaseLlm) -> Agent:
    inner = Agent(name="inner", model=model, description="Knows.")
    outer = scripted((call_inner(),), ("Done.",))
    return Agent(name="outer", model=outer, tools=[AgentTool(inner)])


def call_inner() -> types.Part:
    return types.Part(function_call=types.FunctionCall(name="inner", args={"request": "Hi"}))


def in_a_row(model: BaseLlm) -> SequentialAgent:
    return SequentialAgent(name="row", sub_agents=[Agent(name="inner", model=model)])


@pytest.mark.filterwarnings("ignore:.*is deprecated:DeprecationWarning")
@pytest.mark.parametrize("wrapped", [used_as_a_tool, in_a_row])
async def test_it_is_said_wherever_in_the_agent_the_model_is(
    gemini: FakeGemini, wrapped: Any
) -> None:
    gemini.enqueue(BUSY)
    gemini.enqueue("Hello")
    what = loaded_root(wrapped(fallback("gemini-3.5-pro", GEMINI)))
    transcript: Transcript = await say(Conversation(what.runner, Settings(request_retries=0)), "Hi")
    assert notices(transcript) == [fell_back("gemini-3.5-pro", GEMINI)]

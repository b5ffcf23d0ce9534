"""When Gemini's chunks came, noted where the HTTP answer is read: before any of them are joined."""

import threading
from typing import Any

import pytest
from google.adk.agents import Agent
from google.adk.models import Gemini
from google.adk.tools.agent_tool import AgentTool

from agent.chat.turn import Turn
from agent.core.question import Options, Question
from agent.models.coalescing import coalescing
from tests.support.app_setup import GEMINI, conversation, until
from tests.support.fake_gemini import Call, FakeGemini, Signed, Status, Think, Until
from tests.support.scripted_model import call, scripted

WORDS = ("One ", "two ", "three ", "four.")


def sky(city: str) -> str:
    """Tell the colour of the sky."""
    return "blue"


async def asked(streaming: bool = True, **agent: Any) -> Turn:
    talk = conversation(coalescing(Gemini(model=GEMINI)), agent=agent, request_retries=0)
    turn = talk.ask(Question("Hi", options=Options(streaming=streaming)))
    await turn.finish()
    return turn


def is_whole(turn: Turn) -> bool:
    return turn.record.has_all_chunks(turn.spent.calls + turn.spent.free_calls)


async def test_each_chunk_is_noted_though_adk_is_given_one_event_of_all(gemini: FakeGemini) -> None:
    gemini.enqueue("First. ", *WORDS * 100)
    turn = await asked()
    sent = gemini.requests[0].sent
    assert [size for _, size, _ in turn.record.chunks] == [len(text) for _, text, _ in sent]
    assert len(turn.record.events) < 100
    assert is_whole(turn)


async def test_a_chunk_is_noted_when_it_comes(gemini: FakeGemini) -> None:
    gate = threading.Event()
    gemini.enqueue("Hel", Until(gate), "lo.")
    talk = conversation(coalescing(Gemini(model=GEMINI)), request_retries=0)
    turn = talk.ask(Question("Hi"))
    await until(turn, "Hel")
    assert [size for _, size, _ in turn.record.chunks] == [3]
    before = turn.elapsed
    gate.set()
    await turn.finish()
    (first, _, _), (second, _, _) = turn.record.chunks
    assert first < before < second < turn.elapsed


async def test_thoughts_and_signed_parts_are_noted_as_what_they_are(gemini: FakeGemini) -> None:
    gemini.enqueue(Think("Hm, "), "So ", "it ", Signed("is."))
    turn = await asked()
    assert [(size, thought) for _, size, thought in turn.record.chunks] == [
        (4, True),
        (3, False),
        (3, False),
        (3, False),
    ]


async def test_an_answer_that_is_not_streamed_is_one_chunk(gemini: FakeGemini) -> None:
    gemini.enqueue(Think("Hm, "), *WORDS)
    turn = await asked(streaming=False)
    assert not gemini.requests[0].streaming
    assert [(size, thought) for _, size, thought in turn.record.chunks] == [
        (4, True),
        (len("".join(WORDS)), False),
    ]
    assert turn.record.chunks.longest_gap is None
    assert is_whole(turn)


@pytest.mark.parametrize("streaming", [True, False])
async def test_all_calls_of_an_answer_are_noted(gemini: FakeGemini, streaming: bool) -> None:
    gemini.enqueue("I look. ", Call("sky", {"city": "Paris"}))
    gemini.enqueue("Blue.")
    turn = await asked(streaming, tools=[sky])
    assert turn.record.responses == 2
    assert turn.record.chunks.characters() == len("I look. Blue.")
    assert is_whole(turn)


@pytest.mark.parametrize("streaming", [True, False])
async def test_a_failure_is_told_as_it_is_where_its_answer_is_read_here(
    gemini: FakeGemini, streaming: bool
) -> None:
    gemini.enqueue(Status(429, "RESOURCE_EXHAUSTED", "Quota"))
    turn = await asked(streaming)
    assert getattr(turn.failure, "code", None) == 429
    assert turn.record.chunks.count() == 0


async def test_of_a_model_that_is_asked_otherwise_only_adks_events_are_known() -> None:
    talk = conversation(coalescing(scripted((*WORDS,))))
    turn = talk.ask("Hi")
    await turn.finish()
    assert not is_whole(turn)
    assert turn.record.chunks.count() == 0
    assert turn.record.texts.characters() == len("".join(WORDS))


async def test_where_only_some_of_the_models_are_geminis_not_all_was_seen(
    gemini: FakeGemini,
) -> None:
    gemini.enqueue("From Gemini, at length: blue.")
    inner = Agent(name="inner", model=coalescing(Gemini(model=GEMINI)), description="Looks.")
    outer = scripted((call("inner", request="Sky?"),), ("Blue.",))
    talk = conversation(outer, agent={"tools": [AgentTool(inner)]})
    turn = talk.ask("Hi")
    await turn.finish()
    assert turn.record.responses == 1
    assert not is_whole(turn)

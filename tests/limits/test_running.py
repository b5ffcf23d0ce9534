"""What a turn may cost, and how many may run: many at once, and agents that call agents."""

import asyncio

import pytest
from google.adk.agents import Agent
from google.adk.tools.agent_tool import AgentTool
from google.genai import types

from agent.chat.conversation import Conversation
from agent.chat.registry import Registry
from agent.chat.turn import Turn
from agent.core.question import Question
from agent.core.settings import Settings
from agent.core.transcript import answer
from agent.core.visitor import Visitor
from agent.limits.rate_limits import LimitExceeded
from tests.support.app_setup import conversation, loaded, notices, registry, say, until
from tests.support.limits import HERE, THERE, ask, full, willing
from tests.support.scripted_model import ScriptedModel, call

ROUND_IN_CIRCLES = (
    "The agent went round in circles and was stopped. Try a simpler question, or ask one thing at "
    "a time."
)


def begin(visitors: Registry, address: str = HERE) -> Turn:
    """A new visitor's first message."""
    return visitors.open().ask(Question("Hi", visitor=Visitor(address=address))).turn


def gated(gate: asyncio.Event, times: int) -> ScriptedModel:
    """A model whose first answers stand still until the gate opens."""
    return ScriptedModel(scripts=[*(["Wait", gate, "ed."] for _ in range(times)), *[["Yes."]] * 99])


# Answers that run at once


async def test_one_address_with_fifty_at_once_keeps_nobody_else_waiting() -> None:
    gate = asyncio.Event()
    model = gated(gate, 5)
    visitors = registry(model, address_running=5)
    spam = [begin(visitors) for _ in range(50)]
    await asyncio.gather(*(turn.admitted.wait() for turn in spam))
    others = [begin(visitors, f"198.51.100.{n}") for n in range(5)]
    assert [answer(await turn.finish()) for turn in others] == ["Yes."] * 5
    running = [turn for turn in spam if not turn.over]
    assert [notices(turn.transcript) for turn in spam if turn.over] == [[full("5 answers")]] * 45
    gate.set()
    assert [answer(await turn.finish()) for turn in running] == ["Waited."] * 5
    assert len(model.requests) == 10


@pytest.mark.parametrize("end", ["it ends", "it is stopped", "it fails"])
async def test_an_answer_that_is_over_makes_room(end: str) -> None:
    gate = asyncio.Event()
    last: list[object] = [RuntimeError("broken")] if end == "it fails" else ["ed."]
    model = ScriptedModel(scripts=[["Wait", gate, *last], ["Yes."]])
    visitors = registry(model, address_running=1)
    first = begin(visitors)
    await until(first, "Wait")
    assert await ask(visitors.open()) == full("1 answer")
    first.stop() if end == "it is stopped" else gate.set()
    await first.finish()
    assert await ask(visitors.open()) == "Yes."


async def test_a_message_that_finds_no_room_takes_nothing_from_the_visitors_minute() -> None:
    gate = asyncio.Event()
    visitors = registry(gated(gate, 1), address_running=1, visitor_per_minute=1)
    first, visit = begin(visitors), visitors.open()
    await until(first, "Wait")
    refused = visit.ask(Question("Hi", visitor=Visitor(address=HERE))).turn
    await refused.finish()
    assert isinstance(refused.failure, LimitExceeded)
    assert refused.failure.wait == 1
    gate.set()
    await first.finish()
    assert await ask(visit) == "Yes."


async def test_without_an_address_nobody_counts_by_it() -> None:
    limits = {"address_running": 1, "address_per_minute": 1, "address_per_day": 1}
    visitors = registry(willing(), **limits)
    turns = [visitors.open().ask(Question("Hi")).turn for _ in range(9)]
    assert [answer(await turn.finish()) for turn in turns] == ["Yes."] * 9
    assert await ask(visitors.open(), address=THERE) == "Yes."


# Calls of the model in a turn


def look() -> str:
    """Look."""
    return "nothing"


def restless() -> ScriptedModel:
    """A model that only ever calls the tool `look`."""
    return ScriptedModel(scripts=[[call("look", f"call-{n}")] for n in range(99)])


@pytest.mark.parametrize("most", [1, 2, 7])
async def test_a_turn_has_so_many_calls_of_the_model_and_not_one_more(most: int) -> None:
    model = restless()
    talk = conversation(model, {"tools": [look]}, max_llm_calls=most)
    assert notices(await say(talk, "Look")) == [ROUND_IN_CIRCLES]
    assert len(model.requests) == most
    model.scripts.insert(0, ["Well."])
    assert answer(await say(talk, "And now?")) == "Well."


async def test_an_agent_used_as_a_tool_calls_the_model_on_the_same_account() -> None:
    inner = restless()
    outer = ScriptedModel(scripts=[[call("scout", request="Look")] for _ in range(9)])
    scout = AgentTool(Agent(name="scout", model=inner, description="Looks.", tools=[look]))
    talk = conversation(outer, {"tools": [scout]}, max_llm_calls=6)
    assert notices(await say(talk, "Look")) == [ROUND_IN_CIRCLES]
    assert (len(outer.requests), len(inner.requests)) == (1, 5)


async def test_a_sub_agent_calls_the_model_on_the_same_account() -> None:
    inner = restless()
    outer = ScriptedModel(scripts=[[call("transfer_to_agent", agent_name="scout")]])
    scout = Agent(name="scout", model=inner, description="Looks.", tools=[look])
    talk = conversation(outer, {"sub_agents": [scout]}, max_llm_calls=6)
    assert notices(await say(talk, "Look")) == [ROUND_IN_CIRCLES]
    assert (len(outer.requests), len(inner.requests)) == (1, 5)


async def test_zero_lifts_the_limit_of_calls() -> None:
    model = restless()
    model.scripts = [*model.scripts[:20], ["Seen."]]
    talk = conversation(model, {"tools": [look]}, max_llm_calls=0)
    assert answer(await say(talk, "Look")) == "Seen."


# Tokens in an answer


@pytest.mark.parametrize(
    ("most", "own", "asked"),
    [(100, None, 100), (100, 7, 7), (100, 700, 100), (0, None, None), (0, 700, 700)],
)
async def test_the_model_is_asked_for_no_more_tokens_than_host_and_agent_allow(
    most: int, own: int | None, asked: int | None
) -> None:
    model = willing()
    settings = types.GenerateContentConfig(max_output_tokens=own)
    what = loaded(model, max_output_tokens=most, generate_content_config=settings)
    await say(Conversation(what.runner, Settings()), "Hi")
    assert model.requests[0].config.max_output_tokens == asked

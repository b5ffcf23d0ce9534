"""What a turn may cost, and how many may run: many at once, and agents that call agents."""

import asyncio
from typing import Any

import pytest
from google.adk.agents import Agent, BaseAgent, LoopAgent, SequentialAgent
from google.adk.models import BaseLlm, LlmRequest
from google.adk.planners import BuiltInPlanner
from google.adk.tools.agent_tool import AgentTool
from google.genai import types

from agent.chat.conversation import Conversation
from agent.chat.registry import Registry
from agent.chat.turn import Turn
from agent.core.notices import SENTENCES
from agent.core.question import Options, Question
from agent.core.settings import Settings
from agent.core.transcript import answer
from agent.core.visitor import Visitor
from agent.limits.budget import MOST_THOUGHTS, Budget
from agent.limits.rate_limits import LimitExceeded
from agent.models.offline import OfflineModel
from tests.support.app_setup import (
    GEMINI,
    conversation,
    loaded,
    loaded_root,
    notices,
    registry,
    say,
    until,
)
from tests.support.fake_gemini import FakeGemini, Finish, Think
from tests.support.limits import HERE, THERE, ask, full, willing
from tests.support.scripted_model import ScriptedModel, call

# ADK's loops are deprecated and in use.
pytestmark = pytest.mark.filterwarnings("ignore:.*Agent is deprecated:DeprecationWarning")

TOO_MANY_STEPS = SENTENCES["too_many_calls"]


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
    first, chat = begin(visitors), visitors.open()
    await until(first, "Wait")
    refused = chat.ask(Question("Hi", visitor=Visitor(address=HERE))).turn
    await refused.finish()
    assert isinstance(refused.failure, LimitExceeded)
    assert refused.failure.wait == 1
    gate.set()
    await first.finish()
    assert await ask(chat) == "Yes."


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
    assert notices(await say(talk, "Look")) == [TOO_MANY_STEPS]
    assert len(model.requests) == most
    model.scripts.insert(0, ["Well."])
    assert answer(await say(talk, "And now?")) == "Well."


async def test_an_agent_used_as_a_tool_calls_the_model_on_the_same_account() -> None:
    inner = restless()
    outer = ScriptedModel(scripts=[[call("scout", request="Look")] for _ in range(9)])
    scout = AgentTool(Agent(name="scout", model=inner, description="Looks.", tools=[look]))
    talk = conversation(outer, {"tools": [scout]}, max_llm_calls=6)
    assert notices(await say(talk, "Look")) == [TOO_MANY_STEPS]
    assert (len(outer.requests), len(inner.requests)) == (1, 5)


async def test_a_sub_agent_calls_the_model_on_the_same_account() -> None:
    inner = restless()
    outer = ScriptedModel(scripts=[[call("transfer_to_agent", agent_name="scout")]])
    scout = Agent(name="scout", model=inner, description="Looks.", tools=[look])
    talk = conversation(outer, {"sub_agents": [scout]}, max_llm_calls=6)
    assert notices(await say(talk, "Look")) == [TOO_MANY_STEPS]
    assert (len(outer.requests), len(inner.requests)) == (1, 5)


async def test_zero_lifts_the_limit_of_calls() -> None:
    model = restless()
    model.scripts = [*model.scripts[:20], ["Seen."]]
    talk = conversation(model, {"tools": [look]}, max_llm_calls=0)
    assert answer(await say(talk, "Look")) == "Seen."


def looping(model: BaseLlm, rounds: int | None) -> Conversation:
    """A writer and a critic, one after the other, so many times."""
    pair: list[BaseAgent] = [Agent(name=name, model=model) for name in ("writer", "critic")]
    loop = LoopAgent(name="loop", sub_agents=pair, max_iterations=rounds)
    return Conversation(loaded_root(loop).runner, Settings())


async def test_pipelines_fit_the_default() -> None:
    said = await say(looping(willing(), 40), "Write")
    assert (answer(said).count("Yes."), notices(said)) == (80, [])
    model = restless()
    model.scripts = [*model.scripts[:60], ["Seen."]]
    assert answer(await say(conversation(model, {"tools": [look]}), "Look")) == "Seen."


async def test_a_loop_that_never_ends_ends_with_its_turn() -> None:
    talk = looping(model := willing(), None)
    talk.settings = Settings(max_llm_calls=7)
    assert notices(await say(talk, "Write")) == [TOO_MANY_STEPS]
    assert len(model.requests) == 7
    turn = talk.turns[-1]
    assert turn.events < 20


async def test_what_the_limit_of_calls_is_called_is_in_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    await say(conversation(restless(), {"tools": [look]}, max_llm_calls=2), "Look")
    assert caplog.messages == [f"{TOO_MANY_STEPS} (MAX_LLM_CALLS=2)"]


async def test_calls_of_the_offline_model_do_not_count() -> None:
    talk = looping(OfflineModel(delay=0), 8)
    talk.settings = Settings(max_llm_calls=3)
    assert notices(await say(talk, "Write")) == []
    paused = registry(willing(), {"tools": [look]}, demo_paused=True, max_llm_calls=1)
    said = await say(paused.open().conversation, "/call look {}")
    assert len(notices(said)) == 1  # That it is paused.


async def test_a_loop_of_the_offline_model_ends_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agent.limits.budget.MAX_FREE_CALLS", 9)
    talk = looping(OfflineModel(delay=0), None)
    talk.settings = Settings(max_llm_calls=7)
    assert notices(await say(talk, "Write")) == [TOO_MANY_STEPS]
    assert talk.turn
    assert talk.turn.spent.free_calls == 10


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


DYNAMIC = 100 + MOST_THOUGHTS


@pytest.mark.parametrize(
    ("model", "own", "thinking", "asked"),
    [
        # The agent's budget for thoughts has room beside the host's cap on the answer.
        ("gemini-2.5-pro", 20_000, {"thinking_budget": 8192}, 8292),
        ("gemini-2.5-pro", None, {"thinking_budget": 8192}, 8292),
        ("gemini-2.5-flash", None, {"thinking_budget": 0}, 100),
        # Without a budget, a model thinks as much as it likes.
        ("gemini-2.5-flash", None, {"thinking_budget": -1}, DYNAMIC),
        ("gemini-3.5-flash", None, {"thinking_level": "HIGH"}, DYNAMIC),
        ("gemini-3.5-flash", 70_000, None, DYNAMIC),
        ("publishers/google/models/gemini-flash-latest", None, None, DYNAMIC),
        # What the agent itself allows is never exceeded.
        ("gemini-2.5-pro", 7, {"thinking_budget": 8192}, 7),
        ("gemini-3.5-flash", 1000, None, 1000),
        # Models that do not think by themselves, and take fewer tokens.
        ("gemini-2.0-flash", None, None, 100),
        ("gemini-2.5-flash-preview-tts", None, None, 100),
        ("gemma-3", None, None, 100),
    ],
)
def test_thoughts_have_room_beside_the_answer(
    model: str, own: int | None, thinking: dict[str, Any] | None, asked: int
) -> None:
    config = types.GenerateContentConfig(
        max_output_tokens=own,
        thinking_config=types.ThinkingConfig(**thinking) if thinking else None,
    )
    request = LlmRequest(model=model, config=config)
    Budget(100).bound_output(request)
    assert request.config.max_output_tokens == asked


def thinker(own: int | None, most: int) -> Conversation:
    """An agent with a budget for its thoughts."""
    config = types.GenerateContentConfig(
        max_output_tokens=own, thinking_config=types.ThinkingConfig(thinking_budget=8192)
    )
    what = loaded(max_output_tokens=most, generate_content_config=config)
    return Conversation(what.runner, Settings())


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize(
    ("own", "most", "asked", "by"),
    [
        (20_000, 4096, 12_288, "MAX_OUTPUT_TOKENS=4096, beside room for 8192 tokens of thoughts"),
        (1000, 4096, 1000, "the agent's own max_output_tokens=1000"),
        (None, 0, None, "the model's own limit"),
    ],
)
async def test_where_thoughts_took_all_tokens_that_is_said_and_logged(
    gemini: FakeGemini,
    caplog: pytest.LogCaptureFixture,
    stream: bool,
    own: int | None,
    most: int,
    asked: int | None,
    by: str,
) -> None:
    gemini.always(Think("I plan at length."), Finish("MAX_TOKENS"))
    talk = thinker(own, most)
    turn = talk.ask(Question("Report", options=Options(streaming=stream)))
    assert notices(await turn.finish()) == [SENTENCES["max_tokens_before_words"]]
    assert gemini.requests[0].body["generationConfig"].get("maxOutputTokens") == asked
    assert caplog.messages == [f"An answer of helper was cut off by {by}."]


async def test_a_planner_has_its_room_too(gemini: FakeGemini) -> None:
    gemini.always("Done.")
    planner = BuiltInPlanner(thinking_config=types.ThinkingConfig(thinking_budget=8192))
    await say(
        Conversation(loaded(max_output_tokens=4096, planner=planner).runner, Settings()), "Go"
    )
    assert gemini.requests[0].body["generationConfig"]["maxOutputTokens"] == 12_288


@pytest.mark.parametrize("stream", [True, False])
async def test_an_answer_that_was_cut_off_in_its_words_can_be_continued(
    gemini: FakeGemini, stream: bool
) -> None:
    gemini.always(Think("Hm."), "It was a ", Finish("MAX_TOKENS"))
    turn = thinker(None, 4096).ask(Question("A story", options=Options(streaming=stream)))
    assert notices(await turn.finish()) == [SENTENCES["max_tokens"]]
    assert answer(turn.transcript) == "It was a "


async def test_an_agent_of_several_may_be_cut_off_before_its_words(gemini: FakeGemini) -> None:
    gemini.enqueue("Draft.")
    gemini.enqueue(Finish("MAX_TOKENS"))
    pair: list[BaseAgent] = [Agent(name=name, model=GEMINI) for name in ("writer", "critic")]
    talk = Conversation(
        loaded_root(SequentialAgent(name="duo", sub_agents=pair)).runner, Settings()
    )
    assert notices(await say(talk, "Write")) == [SENTENCES["max_tokens_before_words"]]

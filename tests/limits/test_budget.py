"""The day's budget on the host's key: when it is spent the offline model answers, and says so."""

import json
import threading
from typing import Any

import pytest
from google.adk.agents import Agent
from google.adk.tools.agent_tool import AgentTool

from agent.chat.conversation import Conversation
from agent.chat.registry import Registry
from agent.core.notices import SENTENCES
from agent.core.settings import Settings
from agent.core.transcript import Transcript, answer
from agent.limits.budget import MAX_CALLS_PER_REPLY
from agent.limits.rate_limits import Limits
from agent.models.offline import WHAT_I_AM
from tests.support.app_setup import GEMINI, notices, registry, until
from tests.support.clock import DAY, Clock
from tests.support.fake_gemini import Call, FakeGemini, Hang, Status, Until
from tests.support.limits import PAUSED, used_up

# As the fake Gemini reports them.
TOKENS_OF_A_CALL = 12


async def say(talk: Conversation, message: str = "Hi") -> Transcript:
    return await talk.ask(message).finish()


async def budget(visitors: Registry) -> list[str]:
    """What a new visitor is told of it."""
    return notices(await say(visitors.open().conversation))


# Calls of tools


async def test_of_the_tools_that_a_model_calls_in_one_reply_so_many_are_run(
    gemini: FakeGemini, caplog: pytest.LogCaptureFixture
) -> None:
    cities: list[int] = []

    def look(city: int) -> None:
        cities.append(city)

    gemini.enqueue(*(Call("look", {"city": number}) for number in range(200)))
    gemini.enqueue("Done.")
    said = await say(registry(GEMINI, agent={"tools": [look]}).open().conversation)
    assert (sorted(cities), answer(said)) == (list(range(MAX_CALLS_PER_REPLY)), "Done.")
    assert "called 200 tools in one reply" in caplog.text


# Turns, and tokens


@pytest.mark.parametrize(
    ("limit", "name"),
    [
        ({"daily_turns": 10}, "TURNS=10"),
        ({"daily_tokens": 10 * TOKENS_OF_A_CALL}, f"TOKENS={10 * TOKENS_OF_A_CALL}"),
    ],
)
async def test_the_host_is_warned_once_a_day_before_the_budget_ends(
    gemini: FakeGemini,
    clock: Clock,
    caplog: pytest.LogCaptureFixture,
    limit: dict[str, int],
    name: str,
) -> None:
    gemini.always("Yes.")
    visitors = registry(GEMINI, **limit)
    said = f"80 % of DAILY_{name} are used up. When all are, the offline model answers."
    for _ in range(2):
        for told in [*[[]] * 7, [said], []]:
            caplog.clear()
            assert await budget(visitors) == []
            assert caplog.messages == told
        clock.move(DAY + 1)


@pytest.mark.parametrize("limit", [{"daily_turns": 3}, {"daily_tokens": 3 * TOKENS_OF_A_CALL}])
async def test_gemini_is_called_as_often_as_the_day_allows_and_again_the_next_day(
    gemini: FakeGemini, clock: Clock, limit: dict[str, int]
) -> None:
    gemini.always("Hello.")
    visitors = registry(GEMINI, **limit)
    told = [await budget(visitors) for _ in range(5)]
    assert told == [[], [], [], [used_up("24 hours")], [used_up("24 hours")]]
    assert len(gemini.requests) == 3
    clock.move(DAY - 90)
    assert await budget(visitors) == [used_up("90 seconds")]
    clock.move(90)
    assert [await budget(visitors) for _ in range(4)] == [[], [], [], [used_up("24 hours")]]
    assert len(gemini.requests) == 6


async def test_the_answer_in_place_of_geminis_says_what_it_is(gemini: FakeGemini) -> None:
    gemini.always("Hello.")
    visitors = registry(GEMINI, daily_turns=1)
    await budget(visitors)
    said = await say(visitors.open().conversation, "What is 12*7?")
    assert notices(said) == [used_up("24 hours")]
    assert answer(said).startswith(WHAT_I_AM)


async def test_what_was_told_of_the_budget_is_told_again_after_a_reload(gemini: FakeGemini) -> None:
    talk = registry(GEMINI, demo_paused=True).open().conversation
    said = await say(talk)
    [turn] = await talk.history()
    assert notices(said) == notices(turn.transcript) == [PAUSED]
    assert answer(said) == answer(turn.transcript)
    assert gemini.requests == []


async def test_gemini_is_told_later_what_the_offline_model_said(
    gemini: FakeGemini, clock: Clock
) -> None:
    gemini.always("Hello.")
    talk = registry(GEMINI, daily_turns=1).open().conversation
    words = [("user", "one"), ("model", answer(await say(talk, "one")))]
    words += [("user", "two"), ("model", answer(await say(talk, "two")))]
    clock.move(DAY)
    await say(talk, "three")
    assert gemini.requests[1].conversation == [*words, ("user", "three")]


@pytest.mark.parametrize("refusal", [{"max_message_length": 3}, {"visitor_per_minute": 1}])
async def test_a_refused_message_takes_nothing_from_the_budget(
    gemini: FakeGemini, clock: Clock, refusal: dict[str, int]
) -> None:
    gemini.always("Hello.")
    visitors = registry(GEMINI, daily_turns=2, **refusal)
    talk = visitors.open().conversation
    for message in ("Hi", "Hello", "Hello", "Hello"):
        await say(talk, message)
    assert await budget(visitors) == []
    assert len(gemini.requests) == 2
    assert await budget(visitors) == [used_up("24 hours")]


async def test_the_offline_models_words_cost_nothing(gemini: FakeGemini, clock: Clock) -> None:
    in_the_midst = threading.Event()
    gemini.always("Hel", Until(in_the_midst), "lo.")
    visitors = registry(GEMINI, daily_turns=1, daily_tokens=TOKENS_OF_A_CALL + 1)
    first = visitors.open().conversation.ask("Hi")
    await until(first, "Hel")
    clock.move(60)  # So that the tokens' day begins, and ends, a minute after the turns'.
    in_the_midst.set()
    await first.finish()
    for _ in range(3):
        assert await budget(visitors) == [used_up("24 hours")]
    clock.move(DAY - 60)
    assert await budget(visitors) == []


# What is counted


def scout() -> Agent:
    return Agent(name="scout", model=GEMINI, description="Looks.", tools=[sky])


def sky(city: str) -> dict[str, str]:
    """Tell the colour of the sky."""
    return {"colour": f"blue over {city}"}


async def test_tokens_of_an_agent_used_as_a_tool_are_counted(gemini: FakeGemini) -> None:
    gemini.enqueue(Call("scout", {"request": "Look"}))
    gemini.enqueue(Call("sky", {"city": "Oslo"}))
    gemini.always("Blue.")
    agent = {"tools": [AgentTool(scout())]}
    visitors = registry(GEMINI, agent, daily_tokens=4 * TOKENS_OF_A_CALL)
    assert answer(await say(visitors.open().conversation, "Sky?")) == "Blue."
    assert len(gemini.requests) == 4
    assert await budget(visitors) == [used_up("24 hours")]


async def test_tokens_of_a_stopped_answer_are_counted(gemini: FakeGemini) -> None:
    gemini.always("Half", Hang())
    visitors = registry(GEMINI, daily_tokens=TOKENS_OF_A_CALL)
    turn = visitors.open().conversation.ask("Hi")
    await until(turn, "Half")
    turn.stop()
    await turn.finish()
    assert await budget(visitors) == [used_up("24 hours")]


async def test_a_failing_turn_is_one_of_the_day(gemini: FakeGemini) -> None:
    gemini.always(Status(503, "UNAVAILABLE"))
    visitors = registry(GEMINI, daily_turns=1, request_retries=0)
    assert await budget(visitors) != [used_up("24 hours")]
    assert await budget(visitors) == [used_up("24 hours")]
    assert len(gemini.requests) == 1


async def test_the_days_tokens_may_run_out_during_an_answer_which_ends_there(
    gemini: FakeGemini, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    gemini.always("I look. ", Call("sky", {"city": "Oslo"}))
    visitors = registry(GEMINI, {"tools": [sky]}, daily_tokens=3 * TOKENS_OF_A_CALL)
    said = await say(visitors.open().conversation)
    assert notices(said) == [SENTENCES["budget_ran_out"]]
    assert answer(said).startswith("I look. ")
    assert len(gemini.requests) == 3
    assert caplog.messages[-1] == f"{SENTENCES['budget_ran_out']} (DAILY_TOKENS=36)"
    assert await budget(visitors) == [used_up("24 hours")]


# Paused


def agent_with(what: str) -> dict[str, Any]:
    """An agent that has a tool, a sub-agent, or an agent as a tool."""
    match what:
        case "a tool":
            return {"tools": [sky]}
        case "a sub-agent":
            return {"sub_agents": [scout()]}
    return {"tools": [AgentTool(scout())]}


LOOK = '/call sky {"city": "Oslo"}'


@pytest.mark.parametrize(
    ("what", "message", "told"),
    [
        ("a tool", LOOK, "blue over Oslo"),
        ("a sub-agent", "Let the scout look", "You said: `Let the scout look`."),
        ("an agent as a tool", f"/call scout {json.dumps({'request': LOOK})}", "blue over Oslo"),
    ],
)
async def test_a_paused_page_calls_gemini_for_no_agent(
    gemini: FakeGemini, what: str, message: str, told: str
) -> None:
    talk = registry(GEMINI, agent_with(what), demo_paused=True).open().conversation
    said = await say(talk, message)
    assert notices(said) == [PAUSED]
    assert told in answer(said)
    assert WHAT_I_AM.strip() in answer(said)
    assert notices(await say(talk, "And now?")) == [PAUSED]
    assert gemini.requests == []


async def test_a_paused_page_still_has_its_limits(gemini: FakeGemini) -> None:
    talk = registry(GEMINI, demo_paused=True, max_message_length=3).open().conversation
    assert notices(await say(talk, "Hello"))[0].startswith("This message has 5 characters")
    assert notices(await say(talk, "Hi")) == [PAUSED]
    assert gemini.requests == []


async def test_a_failure_that_was_asked_for_is_told_as_one(gemini: FakeGemini) -> None:
    talk = registry(GEMINI, demo_paused=True).open().conversation
    pause, failure = notices(await say(talk, "/fail"))
    assert pause == PAUSED
    assert failure.startswith("This failure is the one you asked for with /fail.")
    assert notices(await say(talk, "/help")) == [PAUSED]


async def test_a_page_that_costs_nothing_has_no_budget() -> None:
    limits = Limits(Settings(demo_paused=True, daily_turns=1), costs=False)
    assert [await limits.why_offline() for _ in range(3)] == [None] * 3

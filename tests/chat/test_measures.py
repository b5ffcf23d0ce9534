"""What is measured of a turn is stored with its events: it outlasts a restart."""

import asyncio
import time
from types import SimpleNamespace
from typing import Any

import pytest
from google.adk.agents import Agent, BaseAgent
from google.adk.sessions import BaseSessionService
from google.adk.tools.agent_tool import AgentTool

from agent.chat.conversation import Conversation
from agent.chat.loader import LoadedAgent
from agent.core.history import TurnRecord
from agent.core.pauses import Reply
from agent.core.question import Question
from agent.core.settings import Settings
from agent.core.waiting import open_pauses
from agent.limits.rate_limits import Limits
from agent.render.foot import foot_of
from tests.support.app_setup import GEMINI, loaded, loaded_root, say, until
from tests.support.events import whole
from tests.support.fake_gemini import Call, Cut, FakeGemini, Finish, Hang
from tests.support.scripted_model import scripted
from tests.support.waiting_agents import PAY, agent


def talk(what: LoadedAgent, earlier: Conversation | None = None) -> Conversation:
    """A conversation; one of an `earlier` process is found in the store alone."""
    settings = Settings(request_retries=0)
    if earlier is None:
        return Conversation(what.runner, settings)
    ids = earlier.user_id, earlier.session_id
    return Conversation(what.runner, settings, *ids, is_stored=True)


async def foots(what: LoadedAgent, conversation: Conversation) -> list[str]:
    """The lines below all answers, as a page of another process shows them."""
    turns = await talk(what, conversation).history()
    return [foot_of(turn, Settings()) for turn in turns]


def live(conversation: Conversation) -> str:
    """The line below the latest answer, as it is shown when that is over."""
    assert conversation.turn
    turn = conversation.turn
    return foot_of(turn.measured(TurnRecord(turn.id or "", "", turn.transcript)), Settings())


def told(line: str) -> str:
    """Without its times, which differ by a tenth where a few milliseconds lie between."""
    assert line.startswith("Took ")
    return line.partition(" · ")[2]


ONE_CALL, TWO_CALLS = (
    f"{7 * calls} tokens read, {5 * calls} written · {GEMINI}" for calls in (1, 2)
)


async def test_another_process_tells_the_same_as_the_one_that_has_measured(
    gemini: FakeGemini,
) -> None:
    conversation = talk(what := loaded())
    gemini.enqueue("Hello", " there.")
    await say(conversation, "Hi")
    (stored,) = await foots(what, conversation)
    assert (told(stored), told(live(conversation))) == (ONE_CALL, ONE_CALL)
    (turn,) = await talk(what, conversation).history()
    assert conversation.turn
    measured = conversation.turn.figures
    assert turn.figures.first_token == measured.first_token
    assert turn.figures.total == pytest.approx(measured.total, abs=0.2)


async def test_it_costs_no_write_of_its_own(
    gemini: FakeGemini, monkeypatch: pytest.MonkeyPatch
) -> None:
    conversation = talk(what := loaded())
    stored = []
    store = type(what.runner.session_service)
    append = store.append_event

    async def counted(self: BaseSessionService, session: Any, event: Any) -> Any:
        stored.append(event.author)
        return await append(self, session, event)

    monkeypatch.setattr(store, "append_event", counted)
    gemini.enqueue("Hello.")
    await say(conversation, "Hi")
    assert stored == ["user", "helper"]


async def test_the_model_is_told_nothing_of_it(gemini: FakeGemini) -> None:
    conversation = talk(loaded())
    gemini.always("Hello.")
    for _ in range(2):
        await say(conversation, "Hi")
    assert gemini.requests[1].conversation == [("user", "Hi"), ("model", "Hello."), ("user", "Hi")]
    assert "adk_chat_page" not in str(gemini.requests[1].body)


async def test_all_calls_of_a_turn_are_counted(gemini: FakeGemini) -> None:
    def sky() -> str:
        return "blue"

    conversation = talk(what := loaded(tools=[sky]))
    gemini.enqueue(Call("sky", {}))
    gemini.enqueue("Blue.")
    await say(conversation, "Hi")
    assert [*map(told, await foots(what, conversation))] == [TWO_CALLS]


async def test_so_are_those_of_an_agent_that_is_used_as_a_tool(gemini: FakeGemini) -> None:
    scout = Agent(name="scout", model="gemini-other", description="Looks.")
    conversation = talk(what := loaded(tools=[AgentTool(scout)]))
    gemini.enqueue(Call("scout", {"request": "Look."}))
    gemini.enqueue("I see.")
    gemini.enqueue("It has looked.")
    await say(conversation, "Hi")
    (stored,) = await foots(what, conversation)
    assert told(stored) == f"21 tokens read, 15 written · {GEMINI} and gemini-other"
    assert told(live(conversation)) == told(stored)


async def test_a_stopped_answer_has_what_was_reported_until_then(gemini: FakeGemini) -> None:
    conversation = talk(what := loaded())
    gemini.enqueue("Hel", "lo", Hang())
    turn = conversation.ask("Hi")
    await until(turn, "Hello")
    await conversation.stop()
    (stored,) = await foots(what, conversation)
    assert (told(stored), told(live(conversation))) == (ONE_CALL, ONE_CALL)


@pytest.mark.parametrize("end", [Cut(), Finish("MAX_TOKENS")], ids=["lost", "too long"])
async def test_so_has_one_that_failed(gemini: FakeGemini, end: Any) -> None:
    conversation = talk(what := loaded())
    gemini.enqueue("Hello", end)
    await say(conversation, "Hi")
    (stored,) = await foots(what, conversation)
    assert told(stored) == told(live(conversation)) == ONE_CALL


async def test_so_has_one_whose_agent_had_to_be_cancelled() -> None:
    class Stubborn(BaseAgent):
        async def _run_async_impl(self, ctx: Any) -> Any:
            yield whole("Hel", source=("stubborn", None), partial=True)
            await asyncio.Event().wait()

    conversation = talk(what := loaded_root(Stubborn(name="stubborn")))
    turn = conversation.ask("Hi")
    await until(turn, "Hel")
    await conversation.stop()
    (stored,) = await foots(what, conversation)
    assert stored.startswith("Took ")


async def test_what_was_refused_has_none(gemini: FakeGemini) -> None:
    what, settings = loaded(), Settings(max_message_length=3)
    limits = Limits(settings)
    conversation = Conversation(what.runner, settings, limits=limits)
    await say(conversation, "A long message")
    assert live(conversation) == ""
    assert not gemini.requests


@pytest.mark.usefixtures("nothing_done")
async def test_to_wait_for_a_person_takes_no_time(monkeypatch: pytest.MonkeyPatch) -> None:
    conversation = talk(what := loaded_root(agent(scripted((PAY,), ("Paid.",)), "pay")))
    await say(conversation, "Pay")
    assert live(conversation) == ""
    (waiting,) = await conversation.history()
    (pause,) = open_pauses(waiting.transcript)
    later = SimpleNamespace(monotonic=lambda: time.monotonic() + 1000, time=time.time)
    monkeypatch.setattr("agent.chat.turn.time", later)
    turn = conversation.ask(Question(replies={pause.id: Reply(True)}))
    await turn.finish()
    assert waiting.figures.total < turn.figures.total < 100
    (stored,) = await talk(what, conversation).history()
    assert waiting.figures.total < stored.figures.total < 100


async def test_an_agent_without_a_model_has_its_time_alone(gemini: FakeGemini) -> None:
    class Clock(BaseAgent):
        async def _run_async_impl(self, ctx: Any) -> Any:
            yield whole("Noon.", source=("clock", None), id="e1")

    conversation = talk(what := loaded_root(Clock(name="clock")))
    await say(conversation, "What time is it?")
    (line,) = await foots(what, conversation)
    assert line.startswith("Took ")
    assert "token" not in line

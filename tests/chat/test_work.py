"""An agent's own work is no silence: nodes and agents of a class of its own take their time; only a
model that says nothing is cut off.
"""

import asyncio
from collections.abc import AsyncIterator

import pytest
from google.adk import Workflow
from google.adk.agents import Agent, BaseAgent
from google.adk.agents.callback_context import CallbackContext
from google.adk.agents.invocation_context import InvocationContext
from google.adk.events import Event
from google.adk.models import LlmRequest, LlmResponse
from google.genai import types

from agent.chat.conversation import Conversation
from agent.core.settings import Settings
from agent.core.transcript import answer
from tests.support.app_setup import loaded_root, notices, say
from tests.support.scripted_model import ScriptedModel

# The seconds for which a model may be silent, and something that takes longer.
PATIENCE, WORK = 0.1, 0.4

IMPATIENT = Settings(first_token_timeout=PATIENCE, gap_timeout=PATIENCE)

SILENT = f"No answer came within {PATIENCE} seconds. Your message was not lost: try again."
STOOD_STILL = (
    f"The answer stood still for {PATIENCE} seconds and was cut off. Try again for a full answer."
)


def talk_to(root: BaseAgent | Workflow) -> Conversation:
    return Conversation(loaded_root(root).runner, IMPATIENT)


async def work(node_input: str) -> str:
    """A node that takes its time."""
    await asyncio.sleep(WORK)
    return "Done."


class Worker(BaseAgent):
    """An agent of a class of its own, which works between its events."""

    async def _run_async_impl(self, ctx: InvocationContext) -> AsyncIterator[Event]:  # type: ignore
        for text in ("One.", "Two."):
            await asyncio.sleep(WORK)
            yield Event(author=self.name, content=types.ModelContent(text))
        for agent in self.sub_agents:
            async for event in agent.run_async(ctx):
                yield event
            await asyncio.sleep(WORK)
        yield Event(author=self.name, content=types.ModelContent("Three."))


async def test_a_node_may_work_for_long_before_its_first_event() -> None:
    turn = talk_to(Workflow(name="flow", edges=[("START", work)])).ask("Go")
    assert answer(await turn.finish()) == "Done."
    assert notices(turn.transcript) == []


async def test_an_agent_of_a_class_of_its_own_may_work_between_its_events() -> None:
    turn = talk_to(Worker(name="worker")).ask("Go")
    assert answer(await turn.finish()) == "One.\n\nTwo.\n\nThree."
    assert notices(turn.transcript) == []


async def test_what_works_on_after_a_model_has_its_time_too() -> None:
    speaker = Agent(name="speaker", model=ScriptedModel(scripts=[["Hel", "lo."]]))
    turn = talk_to(Worker(name="worker", sub_agents=[speaker])).ask("Go")
    assert answer(await turn.finish()) == "One.\n\nTwo.\n\nHello.\n\nThree."
    assert notices(turn.transcript) == []


async def test_what_works_on_after_a_model_that_was_not_asked_has_its_time_too() -> None:
    def refuse(callback_context: CallbackContext, llm_request: LlmRequest) -> LlmResponse:
        return LlmResponse(content=types.ModelContent("Not that."))

    guarded = Agent(name="guarded", model=ScriptedModel(), before_model_callback=refuse)
    turn = talk_to(Worker(name="worker", sub_agents=[guarded])).ask("Go")
    assert answer(await turn.finish()) == "One.\n\nTwo.\n\nNot that.\n\nThree."
    assert notices(turn.transcript) == []


async def test_what_works_on_after_a_model_that_failed_has_its_time_too() -> None:
    class Stoic(Worker):
        async def _run_async_impl(self, ctx: InvocationContext) -> AsyncIterator[Event]:  # type: ignore
            with pytest.raises(KeyError):
                async for _ in self.sub_agents[0].run_async(ctx):
                    pass
            await asyncio.sleep(WORK)
            yield Event(author=self.name, content=types.ModelContent("Never mind."))

    broken = Agent(name="broken", model=ScriptedModel(scripts=[[KeyError("x")]]))
    turn = talk_to(Stoic(name="worker", sub_agents=[broken])).ask("Go")
    assert answer(await turn.finish()) == "Never mind."


async def test_what_an_agent_of_a_class_of_its_own_says_belongs_to_its_turn() -> None:
    talk = talk_to(Worker(name="worker"))
    for question in ("one", "two"):
        await say(talk, question)
    before = [(turn.question, answer(turn.transcript)) for turn in await talk.history()]
    assert before == [(question, "One.\n\nTwo.\n\nThree.") for question in ("one", "two")]
    await talk.undo(talk.turns[-1].id)
    assert [turn.question for turn in await talk.history()] == ["one"]


async def test_a_model_that_says_nothing_after_a_node_is_cut_off(
    caplog: pytest.LogCaptureFixture,
) -> None:
    silent = Agent(name="silent", model=ScriptedModel(scripts=[[asyncio.Event()]]))
    turn = talk_to(Workflow(name="flow", edges=[("START", work, silent)])).ask("Go")
    assert notices(await turn.finish()) == [SILENT]
    assert turn.elapsed >= WORK
    assert caplog.messages == [f"{SILENT} (FIRST_TOKEN_TIMEOUT={PATIENCE})"]


async def test_a_model_that_stops_in_the_middle_is_cut_off(
    caplog: pytest.LogCaptureFixture,
) -> None:
    halting = Agent(name="halting", model=ScriptedModel(scripts=[["Hel", asyncio.Event()]]))
    turn = talk_to(halting).ask("Go")
    assert answer(await turn.finish()) == "Hel"
    assert notices(turn.transcript) == [STOOD_STILL]
    assert caplog.messages[-1] == f"{STOOD_STILL} (GAP_TIMEOUT={PATIENCE})"


async def test_even_work_ends_with_the_turns_time(caplog: pytest.LogCaptureFixture) -> None:
    async def never(node_input: str) -> None:
        await asyncio.Event().wait()

    root = loaded_root(Workflow(name="flow", edges=[("START", never)]))
    turn = Conversation(root.runner, Settings(turn_timeout=0.3)).ask("Go")
    [sentence] = notices(await turn.finish())
    assert sentence.startswith("The answer took longer than 0.3 seconds")
    assert caplog.messages == [f"{sentence} (TURN_TIMEOUT=0.3)"]

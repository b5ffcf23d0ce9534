"""Where ADK compacts: the answer is not held up, nothing fails, and no words come back."""

import asyncio
import warnings
from pathlib import Path
from typing import Any

import pytest
from google.adk.agents import Agent
from google.adk.apps.base_events_summarizer import BaseEventsSummarizer
from google.adk.events import Event
from google.adk.events.event_actions import EventActions, EventCompaction
from google.adk.sessions import BaseSessionService
from google.adk.sessions.sqlite_session_service import SqliteSessionService
from google.adk.tools.agent_tool import AgentTool
from google.genai import types

from agent.chat import conversation as conversation_module
from agent.chat.conversation import Conversation
from agent.chat.registry import Registry
from agent.core.settings import Settings
from agent.core.transcript import answer
from agent.models.offline import OfflineModel
from agent.page.page_state import PageState
from agent.stores.cleanup import InMemoryStore
from tests.support.app_setup import UNLIMITED, loaded, notices, say
from tests.support.scripted_model import ScriptedModel, call, contents
from tests.support.summaries import compaction, is_for_summary

AFTER_TWO = {"compaction_interval": 2, "overlap_size": 1}


@pytest.fixture(params=["memory", "sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    file = SqliteSessionService(str(tmp_path / "chats.db"))
    return InMemoryStore() if request.param == "memory" else file


class House:
    """An app that compacts, its model, and one visitor's page."""

    def __init__(self, store: BaseSessionService, *scripts: Any, **settings: Any) -> None:
        self.model = ScriptedModel()
        for script in scripts:
            self.model.enqueue(*script)
        self.what = loaded(self.model, compaction=compaction(**AFTER_TWO))
        self.what.runner.session_service = store
        self.registry = Registry(self.what, Settings(**{**UNLIMITED, **settings}))
        self.page = PageState(self.registry)

    async def says(self, message: str, above: int | None = None) -> str:
        """One turn, in which nothing fails; its answer."""
        count = len(self.page.screen.turn_ids) if above is None else above
        said = await self.page.ask(message, count, "").finish()
        assert notices(said) == []
        return answer(said)

    async def compacted(self) -> None:
        """Wait until ADK has compacted, if it does."""
        conversation = await self.page.conversation()
        await conversation.end_compaction(10)

    def told(self, number: int = -1) -> list[str]:
        """What the model was told, for its last answer or another."""
        told = [[text for _, text in contents(request)] for request in self.model.requests]
        return [lines for lines in told if not is_for_summary(lines[0])][number]

    async def shown(self) -> list[str]:
        """What a page shows that is opened now."""
        page = PageState(self.registry, self.page.user_id, self.page.session_id)
        async for records, _ in page.replay():
            shown = [line for turn in records for line in (turn.question, answer(turn.transcript))]
        return shown


async def test_the_model_is_told_a_summary_and_the_visitor_shown_what_was_said(store: Any) -> None:
    house = House(store, ("one",), ("two",), ("In short",), ("three",))
    for message in ("first", "second", "third"):
        await house.says(message)
    assert house.told() == ["In short", "third"]
    assert await house.shown() == ["first", "one", "second", "two", "third", "three"]


async def test_an_answer_is_over_before_the_summary_is(store: Any) -> None:
    may_end = asyncio.Event()
    house = House(store, ("one",), ("two",), (may_end, "In short"), ("three",))
    await house.says("first")
    assert await house.says("second") == "two"
    third = house.page.ask("third", 2, "")
    await asyncio.sleep(0)
    assert not third.admitted.is_set()
    may_end.set()
    assert notices(await third.finish()) == []
    assert house.told() == ["In short", "third"]


async def test_a_summary_that_takes_too_long_is_given_up(
    store: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conversation_module, "COMPACTION_TIMEOUT", 0.05)
    house = House(store, ("one",), ("two",), (asyncio.Event(),), ("three",))
    for message in ("first", "second", "third"):
        await house.says(message)
    assert house.told() == ["first", "one", "second", "two", "third"]


async def test_a_summary_that_fails_is_told_to_the_host_alone(
    store: Any, caplog: pytest.LogCaptureFixture
) -> None:
    house = House(store, ("one",), ("two",), (KeyError("secret"),), ("three",), ("In short",))
    for message in ("first", "second", "third"):
        await house.says(message)
    assert house.told() == ["first", "one", "second", "two", "third"]
    assert caplog.messages == [
        "Earlier messages could not be summed up (KeyError). The model is told them as they are."
    ]
    assert "secret" not in caplog.text


async def test_what_is_taken_back_does_not_come_back_by_a_summary(store: Any) -> None:
    house = House(store, ("one",), ("two",), ("In short: two",), ("three",), ("three, again",))
    await house.says("first")
    await house.says("second")
    await house.compacted()
    await house.page.undo()
    await house.says("third")
    assert house.told() == ["first", "one", "third"]
    assert await house.shown() == ["first", "one", "third", "three"]


async def test_a_retry_of_what_is_summed_up_begins_before_the_summary(store: Any) -> None:
    house = House(store, ("one",), ("two",), ("In short: two",), ("two, again",), ("short",))
    await house.says("first")
    await house.says("second")
    await house.compacted()
    assert await house.says("second", above=1) == "two, again"
    assert house.told() == ["first", "one", "second"]
    await house.compacted()
    [(_, asked)] = contents(house.model.requests[-1])
    assert asked.endswith("user: first\nhelper: one\nuser: second\nhelper: two, again")


@pytest.mark.parametrize("step", ["undo", "forget"])
async def test_who_takes_back_or_deletes_does_not_wait_for_a_summary(store: Any, step: str) -> None:
    house = House(store, ("one",), ("two",), (asyncio.Event(),), ("three",))
    await house.says("first")
    await house.says("second")
    async with asyncio.timeout(10):
        await getattr(house.page, step)()
    kept = {"undo": ["first", "one"], "forget": []}[step]
    await house.says("third")
    assert house.told() == [*kept, "third"]


async def test_a_failure_after_a_summary_takes_nothing_away(store: Any) -> None:
    house = House(store, ("one",), ("two",), ("In short",), ("Half", KeyError("x")), ("three",))
    await house.says("first")
    await house.says("second")
    await house.page.ask("third", 2, "").finish()
    shown = ["first", "one", "second", "two", "third", "Half"]
    assert await house.shown() == shown
    await house.says("fourth")
    assert house.told() == ["In short", "third", "Half", "fourth"]
    assert (await house.shown())[:6] == shown


async def test_a_summary_costs_what_it_costs(store: Any) -> None:
    house = House(store, ("one",), ("two",), ("In short",), ("three",), daily_tokens=6)
    await house.says("first")
    await house.says("second")
    await house.compacted()
    said = await house.page.ask("third", 2, "").finish()  # Three calls of two tokens each.
    assert "budget" in notices(said)[0] or "used up" in notices(said)[0]
    assert len(house.model.requests) == 3


async def test_when_nothing_may_be_spent_nothing_is_summed_up(store: Any) -> None:
    house = House(store, demo_paused=True)
    for above, message in enumerate(("first", "second", "third")):
        await house.page.ask(message, above, "").finish()
        await house.compacted()
    assert house.model.requests == []
    assert "In short" not in str(await house.shown())


async def test_the_offline_model_sums_nothing_up(store: Any) -> None:
    what = loaded(OfflineModel(), compaction=compaction(**AFTER_TWO))
    what.runner.session_service = store
    talk = Conversation(what.runner, Settings(**UNLIMITED))
    for message in ("first", "second"):
        await say(talk, message)
    await talk.end_compaction(10)
    session = await talk.session()
    assert session
    assert not [event for event in session.events if event.actions.compaction]


class Twelve(BaseEventsSummarizer):
    """An owner's own summarizer, whose event is one with content."""

    async def maybe_summarize_events(self, *, events: list[Event]) -> Event | None:
        content = types.ModelContent("Twelve words")
        times = {"start_timestamp": events[0].timestamp, "end_timestamp": events[-1].timestamp}
        summary = EventCompaction(**times, compacted_content=content)
        return Event(author="user", content=content, actions=EventActions(compaction=summary))


async def test_an_owners_own_summarizer_is_asked() -> None:
    model = ScriptedModel()
    for word in ("one", "two", "three"):
        model.enqueue(word)
    with warnings.catch_warnings(action="ignore"):  # It is experimental.
        summarizer = Twelve()
    what = loaded(model, compaction=compaction(summarizer=summarizer, **AFTER_TWO))
    talk = Conversation(what.runner, Settings(**UNLIMITED))
    for message in ("first", "second", "third"):
        await say(talk, message)
    assert contents(model.requests[-1]) == [("model", "Twelve words"), ("user", "third")]
    assert [turn.question for turn in await talk.history()] == ["first", "second", "third"]


async def test_summaries_reach_further_back_than_the_events_that_fit() -> None:
    model = ScriptedModel()
    for number in range(1, 9):
        model.enqueue(f"answer {number}")
        if number % 2 == 0:
            model.enqueue(f"summary {number}")
    model.enqueue("At last.")
    config = compaction(compaction_interval=2, overlap_size=0)
    talk = Conversation(loaded(model, compaction=config).runner, Settings(history_events=8))
    for number in range(1, 9):
        await say(talk, f"question {number}")
        await talk.end_compaction(10)
    await say(talk, "And now?")
    assert [text for _, text in contents(model.requests[-1])] == [
        *("summary 2", "summary 4", "summary 6", "summary 8", "And now?")
    ]


async def test_an_agent_used_as_a_tool_does_not_end_the_answer() -> None:
    model = ScriptedModel()
    model.enqueue(call("poet", request="a rhyme"))
    model.enqueue("Roses are red.")
    model.enqueue("Here it is.")
    poet = Agent(name="poet", model=model, description="Rhymes.")
    what = loaded(model, compaction=compaction(**AFTER_TWO), tools=[AgentTool(poet)])
    talk = Conversation(what.runner, Settings(**UNLIMITED))
    assert answer(await say(talk, "A rhyme")) == "Here it is."

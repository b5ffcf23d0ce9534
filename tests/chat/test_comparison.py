"""The last question once more, streamed or not: apart from the chat, and deleted afterwards."""

import asyncio

import pytest

from agent.chat import conversation
from agent.chat.comparison import asked_again, can_be_asked_again
from agent.chat.conversation import Conversation
from agent.chat.registry import Registry
from agent.core.pauses import Pause
from agent.core.question import Options
from agent.core.transcript import Transcript, answer
from agent.core.visitor import Visitor
from tests.support.app_setup import notices, registry, say, until
from tests.support.events import text, tool
from tests.support.limits import HERE, full, lot
from tests.support.scripted_model import ScriptedModel, contents, scripted

SAID = [("user", "One?"), ("model", "1."), ("user", "Two?")]


async def begun(model: ScriptedModel, **limits: int) -> tuple[Registry, Conversation]:
    """A chat of two turns."""
    there = registry(model, **limits)
    talk = there.open().conversation
    await say(talk, "One?")
    await say(talk, "Two?")
    return there, talk


async def compared(there: Registry, talk: Conversation, streaming: bool = False) -> Transcript:
    visitor = Visitor(talk.user_id, HERE)
    async with asked_again(there, talk.turns, visitor, Options(streaming=streaming)) as turn:
        return await turn.finish()


async def sessions(there: Registry) -> int:
    """How many there are in the store, once those that are being deleted are gone."""
    await asyncio.gather(*conversation._forgetting)
    stored = await there._runner.session_service.list_sessions(app_name="test")
    return len(stored.sessions)


async def test_the_model_is_asked_the_same_after_the_same_words() -> None:
    model = scripted(("1.",), ("2.",), ("Two.",))
    said = await compared(*await begun(model))
    assert answer(said) == "Two."
    assert [contents(request) for request in model.requests[1:]] == [SAID, SAID]


@pytest.mark.parametrize("streaming", [True, False])
async def test_it_is_streamed_or_not_as_asked(streaming: bool) -> None:
    there, talk = await begun(scripted(("1.",), ("2.",), ("T", "w", "o.")))
    async with asked_again(
        there, talk.turns, Visitor(talk.user_id), Options(streaming=streaming)
    ) as turn:
        await turn.finish()
    assert turn.record.is_streamed is streaming
    assert turn.record.texts.count() == (3 if streaming else 1)


async def test_the_chat_stays_as_it_is_and_nothing_else_is_left() -> None:
    there, talk = await begun(scripted(("1.",), ("2.",), ("Two.",)))
    before = await talk.session()
    await compared(there, talk)
    assert await talk.session() == before
    assert await sessions(there) == 1


async def test_what_nobody_waits_for_is_stopped_and_deleted() -> None:
    there, talk = await begun(scripted(("1.",), ("2.",), ("Tw", asyncio.Event())))
    async with asked_again(
        there, talk.turns, Visitor(talk.user_id), Options(streaming=True)
    ) as turn:
        await until(turn, "Tw")
    assert notices(await turn.finish()) == ["Stopped."]
    assert await sessions(there) == 1


async def test_it_counts_for_the_visitor_who_asks() -> None:
    there, talk = await begun(scripted(("1.",), ("2.",)), visitor_per_minute=2)
    assert notices(await compared(there, talk)) == [lot("2 a minute", "60 seconds")]


async def test_it_counts_for_the_visitors_address() -> None:
    there, talk = await begun(scripted(("1.",), ("2.",), (asyncio.Event(),)), address_running=1)
    visitor = Visitor(talk.user_id, HERE)
    async with asked_again(there, talk.turns, visitor, Options(streaming=True)) as first:
        await first.admitted.wait()
        async with asked_again(there, talk.turns, visitor, Options(streaming=True)) as second:
            assert notices(await second.finish()) == [full("1 answer")]


async def test_it_counts_for_the_days_budget() -> None:
    there, talk = await begun(scripted(("1.",), ("2.",)), daily_turns=2)
    (reason, *_) = notices(await compared(there, talk))
    assert "offline model answers" in reason


@pytest.mark.parametrize(
    ("said", "can_be"),
    [
        ((text("Yes."),), True),
        ((tool(result={}, seconds=0.1), text("Yes.")), True),
        ((Pause("1", "adk_request_confirmation", "approval"), text("Done.")), False),
        ((tool(result={}, seconds=0.1, waits_for="program"), text("Wait.")), False),
    ],
)
def test_what_needed_somebody_is_not_asked_again(said: Transcript, can_be: bool) -> None:
    assert can_be_asked_again(said) is can_be

"""An answer for programs: piece by piece, as a whole, and into several sinks at once."""

import asyncio
from contextlib import aclosing

import pytest
from google.adk.models import LlmResponse
from google.genai import types

from agent.chat.conversation import Conversation
from agent.chat.streams import Answer, chunks, collect, tee
from agent.chat.turn import Turn
from agent.core.notices import SENTENCES
from agent.core.pauses import Reply
from agent.core.question import Options, Question
from agent.core.settings import Settings
from agent.core.transcript import answer
from agent.core.waiting import open_pauses
from tests.support.app_setup import conversation, loaded, loaded_root, notices
from tests.support.scripted_model import ScriptedModel, call, thought
from tests.support.waiting_agents import agent


def look() -> str:
    """Look."""
    return "seen"


def model_of(*scripts: tuple[object, ...]) -> ScriptedModel:
    model = ScriptedModel()
    for steps in scripts:
        model.enqueue(*steps)
    return model


def turn_of(*scripts: tuple[object, ...], **settings: float) -> Turn:
    """A turn whose agent can look, and says these scripts."""
    return conversation(model_of(*scripts), {"tools": [look]}, **settings).ask("Go")


def said(text: str, partial: bool = False) -> LlmResponse:
    return LlmResponse(content=types.ModelContent(text), partial=partial)


async def chunks_of(turn: Turn) -> list[str]:
    return [chunk async for chunk in chunks(turn)]


# Chunks


async def test_chunks_come_as_they_are_said_and_together_are_the_answer() -> None:
    first, second = asyncio.Event(), asyncio.Event()
    pieces = []
    async for piece in chunks(turn_of(("One", first, " two", second, " 😀\n"))):
        pieces.append(piece)
        if piece == "One":
            first.set()
        if piece == " two":
            second.set()
    assert pieces == ["One", " two", " 😀\n"]


async def test_chunks_are_the_answer_alone() -> None:
    steps = (thought("hm"), "Look: ", call("look")), (thought("so"), "seen.", KeyError("x"))
    turn = turn_of(*steps)
    assert "".join(await chunks_of(turn)) == "Look: seen."
    assert len(notices(turn.transcript)) == 1


async def test_words_that_were_taken_back_are_followed_by_the_new_ones_below() -> None:
    let_go = asyncio.Event()
    steps = said("The key is 1234", partial=True), let_go, said("The key is ****")
    pieces = []
    async for piece in chunks(turn_of(steps)):
        pieces.append(piece)
        let_go.set()
    assert pieces == ["The key is 1234", "\n\nThe key is ****"]


async def test_a_silent_turn_has_no_chunks() -> None:
    assert await chunks_of(turn_of((thought("hm"), KeyError("x")))) == []


async def test_whoever_leaves_the_chunks_watches_no_more() -> None:
    turn = turn_of(("Hel", asyncio.Event()), leave_grace=0.05)
    async with aclosing(chunks(turn)) as pieces:
        assert await anext(pieces) == "Hel"
        assert not turn.abandoned
    assert turn.abandoned
    assert notices(await turn.finish()) == [SENTENCES["unwatched"]]


# The whole


async def test_the_whole_is_there_with_its_chunks_when_the_turn_is_over() -> None:
    let_go = asyncio.Event()
    turn = turn_of((thought("hm"), "Hel", let_go, "lo"))
    whole = asyncio.create_task(collect(turn))
    async for _ in chunks(turn):
        let_go.set()
    assert await whole == Answer("Hello", ["Hel", "lo"], [])


async def test_an_answer_that_is_not_streamed_is_one_chunk() -> None:
    runner = loaded(model_of(("Hel", "lo"))).runner
    turn = Conversation(runner, Settings()).ask(Question("Go", options=Options(streaming=False)))
    assert await collect(turn) == Answer("Hello", ["Hello"], [])


async def test_the_whole_of_a_rewritten_answer_is_the_new_one() -> None:
    let_go = asyncio.Event()
    turn = turn_of((said("No", partial=True), let_go, said("Yes")))
    whole = asyncio.create_task(collect(turn))
    async for _ in chunks(turn):
        let_go.set()
    assert await whole == Answer("Yes", ["No", "\n\nYes"], [])


async def test_an_answer_that_takes_too_long_keeps_what_was_said_and_tells_why() -> None:
    turn = turn_of((thought("hm"), "Half of ", "it", asyncio.Event()), turn_timeout=1)
    text, pieces, why = await collect(turn)
    assert (text, "".join(pieces)) == ("Half of it", "Half of it")
    assert why == [
        "The answer took longer than 1 second and was ended here. "
        "Try again, or ask for something shorter."
    ]


async def test_after_a_reply_the_chunks_are_what_is_new() -> None:
    model = model_of(("I shall ", "pay.", call("pay", amount=1, to="Ann")), ("Pa", "id."))
    talk = Conversation(loaded_root(agent(model, "pay")).runner, Settings())
    turn = talk.ask("Pay Ann")
    assert (await collect(turn)).text == "I shall pay."
    (asked,) = open_pauses(turn.transcript)
    turn = talk.ask(Question(replies={asked.id: Reply()}))
    new = await collect(turn)
    assert (new.text, "".join(new.chunks), new.notices) == ("Paid.", "Paid.", [])
    assert answer(turn.transcript) == "I shall pay.Paid."


# Sinks


async def test_every_sink_gets_every_chunk_whether_it_is_async_or_not() -> None:
    pieces: list[str] = []
    queue: asyncio.Queue[str] = asyncio.Queue()
    await tee(turn_of(("One", " two")), pieces.append, queue.put)
    assert "".join(pieces) == "".join(queue.get_nowait() for _ in range(queue.qsize()))
    assert "".join(pieces) == "One two"


async def test_a_slow_sink_holds_up_no_other() -> None:
    is_whole = asyncio.Event()
    quick: list[str] = []
    slow: list[str] = []

    def take(piece: str) -> None:
        quick.append(piece)
        if "".join(quick) == "One two three":
            is_whole.set()

    async def dawdle(piece: str) -> None:
        await is_whole.wait()
        slow.append(piece)

    async with asyncio.timeout(20):
        await tee(turn_of(("One", " two", " three")), dawdle, take)
    assert "".join(slow) == "One two three"


async def test_a_sink_that_fails_takes_nothing_from_the_others_and_is_told_at_the_end() -> None:
    let_go = asyncio.Event()
    pieces: list[str] = []
    attempts: list[str] = []

    def take(piece: str) -> None:
        pieces.append(piece)
        let_go.set()

    def fail(piece: str) -> None:
        attempts.append(piece)
        raise OSError("The disk is full.")

    async def fail_too(piece: str) -> None:
        raise KeyError(piece)

    with pytest.raises(ExceptionGroup) as raised:
        await tee(turn_of(("One", let_go, " two")), fail, take, fail_too)
    assert [type(error) for error in raised.value.exceptions] == [OSError, KeyError]
    assert (pieces, attempts) == (["One", " two"], ["One"])

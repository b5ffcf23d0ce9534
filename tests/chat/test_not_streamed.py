"""Answers that a model gives whole: how they are chosen, and what bounds their time."""

import asyncio
from typing import Any

import pytest

from agent.chat.run_config import streams
from agent.core.question import Options, Question
from agent.core.settings import Settings
from agent.core.transcript import answer
from tests.support.app_setup import conversation, notices
from tests.support.scripted_model import scripted, thought

WHOLE = Question("Hi", options=Options(streaming=False))


@pytest.mark.parametrize(
    ("host", "question", "is_streamed"),
    [
        ("sse", None, True),
        ("sse", False, False),
        ("none", None, False),
        ("none", True, True),
    ],
)
def test_what_a_question_says_comes_before_what_the_host_has_set(
    host: Any, question: bool | None, is_streamed: bool
) -> None:
    assert streams(Settings(streaming=host), Options(streaming=question)) is is_streamed


@pytest.mark.parametrize(("host", "partials"), [("sse", 2), ("none", 0)])
async def test_the_hosts_setting_is_adks_streaming_mode(host: str, partials: int) -> None:
    turn = conversation(scripted(("Hel", "lo")), streaming=host).ask("Hi")
    assert answer(await turn.finish()) == "Hello"
    assert sum(row.is_partial for row in turn.record.events) == partials


async def test_only_the_turns_timeout_bounds_a_model_that_says_nothing_before_it_has_said_all() -> (
    None
):
    let_go = asyncio.Event()
    talk = conversation(scripted((let_go, "Whole.")), first_token_timeout=0.05, gap_timeout=0.05)
    turn = talk.ask(WHOLE)
    async for _ in turn.watch():
        if turn.elapsed > 0.3 or turn.over:  # A watcher is given the same again each second.
            let_go.set()
    assert (answer(turn.transcript), notices(turn.transcript)) == ("Whole.", [])


async def test_the_turns_timeout_holds() -> None:
    turn = conversation(scripted((asyncio.Event(),)), turn_timeout=0.2).ask(WHOLE)
    (sentence,) = notices(await turn.finish())
    assert "0.2 seconds" in sentence


async def test_it_can_be_stopped_while_nothing_is_to_be_seen() -> None:
    turn = conversation(scripted((thought("Hm."), asyncio.Event()))).ask(WHOLE)
    async for _ in turn.watch():
        turn.stop()
    assert notices(turn.transcript) == ["Stopped."]

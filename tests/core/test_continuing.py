"""Which answers can go on from what was said."""

import pytest

from agent.core.continuing import CUT_BY, can_continue
from agent.core.notices import SENTENCES, Notice
from agent.core.pauses import Pause
from agent.core.transcript import Text, Thought, ToolCall

WORDS = Text("Once upon a", state="cut")

CUT = ["stopped", "unwatched", "turn_timeout", "max_tokens", "connection_broken", "cut_short"]

WHOLE = ["declined", "too_many_messages_in_day", "budget_ran_out", "bad_key", "tool_failed", "busy"]


@pytest.mark.parametrize("code", CUT)
def test_an_answer_that_was_cut_can_go_on(code: str) -> None:
    assert can_continue((WORDS, Notice(code)))


@pytest.mark.parametrize("code", WHOLE)
def test_no_other_can(code: str) -> None:
    assert not can_continue((WORDS, Notice(code)))


def test_a_whole_answer_cannot() -> None:
    assert not can_continue((WORDS,))


@pytest.mark.parametrize(
    "said",
    [(), (Thought("hm"),), (Text(" \n"),), (ToolCall("1", "sky", {}, result={}, seconds=0.1),)],
    ids=str,
)
def test_without_words_there_is_nothing_to_go_on_from(said: tuple[Text, ...]) -> None:
    assert not can_continue((*said, Notice("stopped")))


def test_what_waits_for_a_person_goes_on_with_the_reply() -> None:
    assert not can_continue((WORDS, Notice("stopped"), Pause("1", "ask", "approval")))


def test_each_of_them_has_its_sentence() -> None:
    assert SENTENCES.keys() >= CUT_BY

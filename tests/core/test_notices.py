"""The sentences of the app's own: plain, worded when they are shown, and read as stored before."""

import re
from string import Formatter

import pytest

from agent.core.notices import SENTENCES, Notice, from_stored, to_stored


@pytest.mark.parametrize("code", SENTENCES)
def test_a_sentence_is_plain_and_ends_in_a_full_stop(code: str) -> None:
    sentence = example(code).text
    jargon = r"exception|api error|traceback|http|\bnull\b|[_<>\[\]\\{}]"
    assert re.fullmatch(r"[A-Z].*\.", sentence)
    assert not re.search(jargon, sentence.lower())


def example(code: str) -> Notice:
    """The notice with an argument for each that it names."""
    names = {name for _, name, _, _ in Formatter().parse(SENTENCES[code]) if name}
    return Notice(code, dict.fromkeys(names, 3))


def test_numbers_are_worded_when_they_are_shown() -> None:
    wait = Notice("too_many_messages_in_day", {"amount": 2000, "seconds": 7200})
    assert "2,000 a day can be sent here. Please send this one again in 2 hours." in wait.text
    assert "has 1 answer running" in Notice("address_busy", {"running": 1}).text
    assert "within 0.5 seconds." in Notice("first_token_timeout", {"limit": 0.5}).text


def test_a_notice_is_the_same_after_it_was_stored() -> None:
    notice = Notice("turn_timeout", {"limit": 120.0})
    assert from_stored(to_stored(notice)) == notice


def test_a_sentence_that_an_earlier_version_stored_is_shown_as_it_is() -> None:
    assert from_stored("Stopped {early}.").text == "Stopped {early}."

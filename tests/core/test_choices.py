"""What may be chosen of how one is answered: bounded by the host, and read as it was
stored."""

import math
from typing import Any

import pytest
from google.adk.events import Event
from pydantic import SecretStr

from agent.core.choices import CHOSEN, Choices, allowed, chosen_of, demanded, of_events, of_page
from agent.core.notices import PlainError
from agent.core.own_key import OwnKey, checked_key, own_key
from agent.core.question import Options
from agent.core.secrets import REDACTED, redacted
from agent.core.settings import CHOICES, Settings
from agent.core.visitor import Visitor

ALL = Settings(visitor_settings=" ".join(CHOICES), models="a b", max_output_tokens=100)

EVERYTHING: dict[str, Any] = {
    "model": "b",
    "temperature": 0.5,
    "max_output_tokens": 50,
    "thinking": "low",
    "streaming": False,
}


def read(sent: object, settings: Settings = ALL) -> Options:
    """What comes of what a page has sent."""
    return allowed(of_page(sent), settings)


def test_what_a_page_sends_is_taken() -> None:
    assert read(EVERYTHING) == Options(**EVERYTHING)


@pytest.mark.parametrize(
    "sent",
    [
        *(None, "model", 7, [], {}, {"nobody": 1}),
        *({"model": name} for name in ("c", "", "x" * 999, 7, None, ["a"])),
        *({"temperature": number} for number in (-0.1, 2.1, "hot", math.nan, math.inf, [1])),
        *({"max_output_tokens": number} for number in (0, -1, 0.5, "many", 10**12)),
        *({"thinking": how_much} for how_much in ("", "none", 7)),
        *({"streaming": value} for value in (0, 1, "false")),
    ],
)
def test_what_is_out_of_bounds_is_as_the_agent_has_it(sent: object) -> None:
    assert read(sent) == Options()


def test_one_wrong_thing_leaves_the_others() -> None:
    assert read({**EVERYTHING, "temperature": 9, "more": 1}).max_output_tokens == 50


def test_no_answer_may_be_longer_than_the_host_lets_it() -> None:
    assert read({"max_output_tokens": 5_000}).max_output_tokens == 100


@pytest.mark.parametrize("name", [name for name in CHOICES if name != "instruction"])
def test_what_the_host_does_not_name_cannot_be_chosen(name: str) -> None:
    others = Settings(visitor_settings=" ".join({*CHOICES} - {name}), models="a b")
    assert getattr(read(EVERYTHING, others), name) is None
    with pytest.raises(PlainError, match=f"does not let {name} be chosen"):
        demanded(Choices(**EVERYTHING), others)


def test_by_default_nothing_can_be_chosen_that_costs_more() -> None:
    assert Settings().choices == ("temperature", "max_output_tokens", "streaming")
    assert Settings(visitor_settings="none").choices == ()
    assert Settings(visitor_settings="model").choices == ()  # There is only one.


def test_a_program_is_told_which_models_there_are() -> None:
    assert demanded(Choices(**EVERYTHING), ALL) == Options(**EVERYTHING)
    with pytest.raises(PlainError, match="These can: a, b"):
        demanded(Choices(**{**EVERYTHING, "model": "c"}), ALL)


def test_what_was_stored_is_read_as_it_was() -> None:
    chosen = chosen_of(Options(**EVERYTHING), has_own_key=True)
    event = Event(author="helper", custom_metadata={CHOSEN: dict(chosen)})
    told = {name: value for name, value in EVERYTHING.items() if name != "streaming"}
    assert of_events([event, Event(author="helper")]) == chosen == {**told, "own_key": True}


@pytest.mark.parametrize("stored", [None, 7, {"temperature": "<b>"}, {"thinking": "<b>"}])
def test_what_nobody_here_has_stored_says_nothing(stored: object) -> None:
    event = Event(author="helper", custom_metadata={CHOSEN: stored})
    assert of_events([event, Event(author="helper")]) == {}


# A key


KEY = "a-sentinel-of-an-unknown-form"


def test_a_key_is_in_no_text_of_what_holds_it() -> None:
    visitor, key = Visitor("u", key=SecretStr(KEY)), OwnKey(SecretStr(KEY))
    assert KEY not in f"{visitor!r} {visitor} {key!r} {key}"
    assert visitor == Visitor("u")


def test_a_turns_key_is_taken_out_of_every_log_until_the_turn_is_over() -> None:
    key = checked_key(SecretStr(f" {KEY} "), Settings(visitor_keys=True))
    assert key
    assert key.value == KEY
    token = own_key.set(key)
    assert redacted(f"It says {KEY}.") == f"It says {REDACTED}."
    key.drop()
    assert (key.value, redacted("a")) == ("", "a")
    own_key.reset(token)

"""Two settings side by side: what many preferences say together, and how sure that is."""

from dataclasses import replace

import pytest

from agent.core.choices import Variant
from agent.core.question import Options
from agent.core.sides import Preference, Side, SideAnswer, chance, from_stored, tallies, to_stored
from agent.render.preferences import labels, result

COLD, WARM = (
    Side("helper", chosen={"temperature": 0.0}),
    Side("helper", chosen={"temperature": 1.5}),
)

ONE = Preference(
    id="1",
    user_id="visitor-1",
    at=1.0,
    question="Hi",
    sides=(COLD, WARM),
    answers=(SideAnswer("Hello.", tools=("look",), first_words=0.1), SideAnswer("Ho.")),
    better="first",
    is_blind=True,
)
TURNED = replace(ONE, sides=(WARM, COLD))


# By R 4.3: `binom.test(7, 9)$p.value`, and so on.
@pytest.mark.parametrize(
    ("first", "second", "by_luck"),
    [
        (0, 0, 1.0),
        (1, 0, 1.0),
        (5, 5, 1.0),
        (7, 2, 0.1796875),
        (2, 7, 0.1796875),
        (8, 0, 0.0078125),
        (9, 1, 0.021484375),
        (15, 5, 0.04138946533203125),
        (60, 40, 0.05688793364),
        (1_200, 800, 3.6e-19),
    ],
)
def test_how_sure_a_result_is_is_what_the_exact_sign_test_says(
    first: int, second: int, by_luck: float
) -> None:
    assert chance(first, second) == pytest.approx(by_luck, rel=0.1 if by_luck < 1e-9 else 1e-9)


def test_a_pair_is_the_same_in_either_order_and_another_once_the_agent_has_changed() -> None:
    later = replace(ONE, answers=(replace(ONE.answers[0], agent_version="2"), ONE.answers[1]))
    found = tallies([ONE, TURNED, ONE, replace(TURNED, better="both", is_blind=False), later])
    assert [(tally.first, tally.second, tally.both, tally.blind) for tally in found] == [
        (2, 1, 1, 3),
        (1, 0, 0, 1),
    ]
    assert found[0].sides == (COLD, WARM)


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (
            [ONE] * 7 + [TURNED] * 2,
            "“temperature 0” was found better 7 of 9 times. That may still be chance: of two that "
            "are equally good, one gets as far ahead by luck alone about once in 6 times.",
        ),
        (
            [TURNED] * 9 + [ONE],
            "“temperature 1.5” was found better 9 of 10 times. That is hardly chance: of two that "
            "are equally good, one gets as far ahead by luck alone only about once in 47 times.",
        ),
        (
            [ONE, TURNED, replace(ONE, better="neither", is_blind=False)],
            "Neither is ahead: 1 to 1. Both bad: 1. Chosen without knowing which is which: 2 of 3.",
        ),
        ([replace(ONE, better="both")], "Both good: 1."),
    ],
)
def test_a_result_says_in_words_how_sure_it_is(found: list[Preference], said: str) -> None:
    (tally,) = tallies(found)
    assert result(tally) == said


def test_two_settings_are_called_by_what_tells_them_apart() -> None:
    other = Side("shop_bot", chosen={"model": "gemini-x", "streaming": False})
    assert labels((Side("helper"), Side("helper", "Short"))) == ("as the agent has it", "Short")
    assert labels((Side("helper"), other)) == (
        "Helper",
        "Shop bot · gemini-x · shown when it is whole",
    )


def test_a_preference_is_read_as_it_was_stored_and_what_another_version_has_stored_is_none() -> (
    None
):
    assert from_stored(to_stored(ONE)) == ONE
    assert from_stored({"id": 1}) is None
    assert from_stored(None) is None


def test_what_a_visitor_has_chosen_comes_before_the_variant() -> None:
    told = {"instruction": "Be short.", "temperature": 0.5, "max_output_tokens": 9}
    variants = {"Short": Variant.model_validate(told)}
    side = Side("helper", "Short", {"temperature": 1.0})
    assert side.options(variants) == Options(
        instruction="Be short.", temperature=1.0, max_output_tokens=9
    )

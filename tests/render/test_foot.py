"""The line below an answer, in words for people who are not developers."""

from dataclasses import replace
from typing import Any

import pytest

from agent.core.figures import Figures, Usage
from agent.core.history import TurnRecord
from agent.core.pauses import Pause
from agent.core.settings import Settings
from agent.core.transcript import Text
from agent.render.export import to_html, to_markdown
from agent.render.foot import foot_of
from agent.render.messages import to_page

GEMINI = "gemini-3.5-flash"

TURN = TurnRecord(
    "i1",
    "Who won?",
    (Text("Spain."),),
    figures=Figures(0.8, 3.21),
    usage=Usage(120, 1_045, (GEMINI,)),
)

LINE = f"Took 3.2 s, first words after 0.8 s · 120 tokens read, 1,045 written · {GEMINI}"


def line(turn: TurnRecord = TURN, **settings: Any) -> str:
    """It, with common blanks."""
    return foot_of(turn, Settings(**settings)).replace("\u00a0", " ")


def test_it_tells_times_tokens_and_model() -> None:
    assert line() == LINE


def test_the_host_may_have_none() -> None:
    assert (line(show_figures=False), foot_of(TURN, None)) == ("", "")


@pytest.mark.parametrize(
    ("first", "total", "told"),
    [
        (None, 2.0, "Took 2.0 s"),
        (2.0, 2.01, "Took 2.0 s"),
        (0.04, 2.0, "Took 2.0 s, first words at once"),
        (0.04, 0.04, "Took less than 0.1 s"),
        (9.96, 75.4, "Took 75 s, first words after 10 s"),
    ],
)
def test_times_are_told_as_far_as_they_are_known(
    first: float | None, total: float, told: str
) -> None:
    turn = replace(TURN, figures=Figures(first, total), usage=Usage())
    assert line(turn) == told


def test_all_models_are_named() -> None:
    turn = replace(TURN, usage=Usage(1, 1, ("a", "b", "c")))
    assert line(turn).endswith(" · a, b and c")


def test_of_the_offline_model_there_are_no_tokens_and_no_cost() -> None:
    turn = replace(TURN, usage=Usage(120, 45, ("offline",)))
    told = "Took 3.2 s, first words after 0.8 s · offline model, not an AI"
    assert line(turn, input_price=1, output_price=1) == told


@pytest.mark.parametrize(
    ("settings", "cost"),
    [
        ({"input_price": 0.3, "output_price": 2.5}, "about $0.0026"),
        ({"output_price": 2.5, "currency": "€"}, "about €0.0026"),
        ({"input_price": 0.3}, "less than $0.0001"),
        ({"input_price": 1_000_000, "currency": "CHF "}, "about CHF 120.00"),
    ],
    ids=str,
)
def test_the_cost_is_told_where_the_host_gives_prices(settings: dict[str, Any], cost: str) -> None:
    assert line(**settings) == f"{LINE} · {cost}"


def test_several_models_may_have_several_prices() -> None:
    turn = replace(TURN, usage=Usage(120, 45, ("a", "b")))
    assert "$" not in line(turn, input_price=1)


@pytest.mark.parametrize(
    "turn",
    [
        replace(TURN, figures=Figures()),
        replace(TURN, transcript=(Text("Pay?"), Pause("1", "ask", "approval"))),
    ],
    ids=["nothing was measured", "it waits for a person"],
)
def test_where_there_is_nothing_to_tell_there_is_no_line(turn: TurnRecord) -> None:
    assert line(turn) == ""


def test_a_models_name_is_text() -> None:
    turn = replace(TURN, usage=Usage(1, 1, ("<b>[x](y)*",)))
    assert line(turn).endswith(" · bxy")


# Where it stands


def test_on_the_page_it_stands_below_its_answer_and_is_no_part_of_it() -> None:
    _, answer, foot = to_page([TURN], settings=Settings())
    assert answer["content"]["text"] == "Spain."
    assert LINE in foot["content"]["text"].replace("\u00a0", " ")
    assert foot["metadata"] == {"id": "foot"}
    assert len(to_page([TURN])) == 2


def test_a_saved_copy_has_it_and_says_what_it_is_by_its_looks() -> None:
    markdown = to_markdown([TURN], "A chat", settings=Settings()).replace("\u00a0", " ")
    assert markdown.endswith(f"\n\nSpain.\n\n*{LINE}*\n")
    page = to_html([TURN], "A chat", settings=Settings()).replace("\u00a0", " ")
    assert f"<p><small>{LINE}</small></p>" in page


def test_a_copy_for_others_has_none() -> None:
    assert "tokens" not in to_html([TURN], "A chat") + to_markdown([TURN], "A chat")


def test_what_the_visitor_has_chosen_is_told() -> None:
    chosen = {"temperature": 0.25, "max_output_tokens": 1_500, "thinking": "low", "own_key": True}
    turn = replace(TURN, usage=replace(TURN.usage, chosen={"model": GEMINI, **chosen}))
    told = "temperature 0.25 · at most 1,500 tokens · thinking: little · on the visitor's own key"
    assert line(turn) == f"{LINE} · {told}"


def test_of_a_chosen_model_the_host_has_given_no_price() -> None:
    turn = replace(TURN, usage=replace(TURN.usage, chosen={"model": GEMINI}))
    assert line(turn, input_price=1) == LINE
    assert line(input_price=1) != LINE


def test_the_offline_model_follows_nothing_of_it() -> None:
    usage = replace(TURN.usage, models=("offline",), chosen={"temperature": 0.25})
    assert "temperature" not in line(replace(TURN, usage=usage))

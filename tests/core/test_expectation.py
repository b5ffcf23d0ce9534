"""What is looked for in a right answer, worked out from what a visitor has said of one."""

import pytest

from agent.core.expectation import Expectation, expectation_of, facts, parse_expectation, to_stored
from agent.core.feedback import Finding, Opinion


def finding(rating: str, answer: str = "On Monday.", **words: str) -> Finding:
    tools = {"name": "find_order", "args": {"number": 17}}, {"name": "send", "args": {"…": "9 kB"}}
    return Finding("u", "s", "t", Opinion(rating, **words), 0, "When?", answer, tools)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('It arrives on "Friday", I think, at 5', ["Friday"]),
        ("Sie kommt „am Freitag“.", ["am Freitag"]),
        ("Order 17 arrives on friday at 17:30.", ["17", "17:30", "friday"]),
        ("Elle arrive lundi.", ["lundi"]),
        ("The capital is Canberra, near New South Wales.", ["Canberra", "New", "South", "Wales"]),
        ("It may be so, and that is all there is to it.", []),
        ("Sunny.", ["Sunny"]),
        ("ask for it first", []),
        ("金曜日です", ["金曜日です"]),
        ("このような長い文章では、どの言葉が大切なのかはプログラムには分かりません。", []),
        ("", []),
        (" \n ", []),
    ],
)
def test_what_every_right_answer_must_have(text: str, found: list[str]) -> None:
    assert facts(text) == found


def test_of_a_bad_answer_it_is_what_that_lacks_and_not_the_same_again() -> None:
    bad = finding("down", "Order 17 arrives on Monday.", expected="Order 17 arrives on Friday.")
    assert expectation_of(bad) == Expectation(("Friday",), ("Order 17 arrives on Monday.",))
    # Where a passage is marked, that is what is wrong.
    marked = finding("down", "Order 17 |\n on Monday.", expected="Friday", passage="| on\nMonday")
    assert expectation_of(marked) == Expectation(("Friday",), ("on Monday",))
    # What is right may have the wrong answer in it.
    more = finding("down", "On Friday.", expected="On Friday. At 5.")
    assert expectation_of(more) == Expectation(("5",), ())
    assert expectation_of(finding("down", "", comment="Nothing came")) == Expectation()


def test_of_a_good_answer_it_is_how_it_came_and_what_was_marked() -> None:
    tools = ({"name": "find_order", "args": {"number": 17}},)
    assert expectation_of(finding("up")) == Expectation(tools=tools)
    assert expectation_of(finding("up", passage="Monday")) == Expectation(("Monday",), (), tools)


def test_the_host_has_the_last_word() -> None:
    wanted = parse_expectation("Friday|Fri\n\n 5 pm ", "Monday", 'find {"n": 1}\nlook')
    assert wanted == Expectation(
        ("Friday|Fri", "5 pm"), ("Monday",), ({"name": "find", "args": {"n": 1}}, LOOK)
    )
    assert wanted.tool_lines == 'find {"n": 1}\nlook {}'
    assert parse_expectation("", "", wanted.tool_lines).tools == wanted.tools
    said = Finding("u", "s", "t", Opinion("down"), 0, "?", "!", expectation=to_stored(wanted))
    assert expectation_of(said) == wanted
    nothing = Finding("u", "s", "t", Opinion("down"), 0, "?", "!", expectation={})
    assert expectation_of(nothing) == Expectation()


LOOK = {"name": "look", "args": {}}


@pytest.mark.parametrize(
    "given", [("", "", "find [1]"), ("", "", "find {"), ("x" * 2001, "", ""), ("a\n" * 51, "", "")]
)
def test_what_cannot_be_looked_for_is_refused(given: tuple[str, str, str]) -> None:
    with pytest.raises(ValueError, match=r"is no tool with|A field can have"):
        parse_expectation(*given)

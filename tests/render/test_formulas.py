"""What is a formula on the page and in copies, and what is a price or mere brackets."""

from itertools import pairwise

import pytest

from agent.render.document import render
from agent.render.formulas import MARK
from agent.render.markdown import Room, to_page_markdown


def shown(text: str, grows: bool = False) -> str:
    """With a middle dot for each mark."""
    return to_page_markdown(text, Room(), grows)[0].replace(MARK, "·")


@pytest.mark.parametrize(
    ("said", "given"),
    [
        (r"$x$, \(y\) and \[ z \]", r"$·x·$, \(·y·\) and \[· z ·\]"),
        ("\\[\nx = 1\n- 2\n\\]", "\\[·\nx = 1\n- 2\n·\\]"),
        ("**$x$** or *($y$)*: $z$.", "**$·x·$** or *($·y·$)*: $·z·$."),
        ("- $x$\n\n> 1. $y$", "- $·x·$\n\n> 1. $·y·$"),
        ("| $|x|$ | a |\n|--|--|", "| $·|x|·$ | a |\n|--|--|"),
        ("the $n$th of all $x$s", "the $·n·$th of all $·x·$s"),
        ("函数$f(x)$在$x=0$处", "函数$·f(x)·$在$·x=0·$处"),
        (r"$2^n$, $4ac$, $2\pi rh + 1$, $5$", r"$·2^n·$, $·4ac·$, $·2\pi rh + 1·$, $·5·$"),
        (r"$\$5$ and \$5 and $x$", r"$·\$5·$ and \$5 and $·x·$"),
        (r"\(a \\ b\)\(c\)", r"\(·a \\ b·\)\(·c·\)"),
        ("costs $5 and $x$ more", "costs $5 and $·x·$ more"),
        ("> $$\n> a\n> < b\n> $$", "> $$·%·> \na%·> \n< b%·> \n·$$"),
        ("$a<b$ and <i x>", "$·a<b·$ and &#0060;i x>"),
    ],
)
def test_formulas_are_found_as_people_and_models_write_them(said: str, given: str) -> None:
    assert shown(said) == given


@pytest.mark.parametrize(
    "said",
    [
        *("$5 and $10", "it costs $5, or 5$", "US$3 - $4", "$5/month or 50$/year", "$5-$10"),
        *("**$5** or **5$**", "| $5 | 5$ |", "从$5到10$", "**$5**, **5$**", "$1,000 or 2,000$"),
        *("$HOME/$USER", "^foo$|^bar$", "a$b$c", "$ x $", "$x $", "$x\ny$", "$x$$y$", "$$ or $$$"),
        *('"$" or "$"', r"\$x$", r"\\(x\\)", "\\(a\n\nb\\)", r"\[sic\]", r"\[1\]"),
        *("`$x$`", "    $x$", "``\\[ x \\]``", "```\n$x$ \\(y\\)\n```", r"\[Your Name\]"),
        *("see https://a.test/$x$", "[a](https://a.test/$x$)", r"an open $x or \(y", r"\(  \)"),
    ],
)
def test_prices_brackets_code_and_addresses_are_no_formulas(said: str) -> None:
    assert shown(said) == said


def test_a_price_is_no_way_around_what_becomes_of_tags() -> None:
    assert shown("$5 <img x> 5$") == "$5 &#0060;img x> 5$"


@pytest.mark.parametrize("mark", ["&ic;", "&InvisibleComma;", "&#8291;", "&#x02063;", MARK])
def test_the_mark_of_a_formula_cannot_be_written_by_another_name(mark: str) -> None:
    text = shown(f"$x$ 5${mark}y{mark}$")
    assert text.startswith("$·x·$ 5$")
    assert text.count("·") == 2
    assert "&ic;" not in text.replace("&#0038;", "")


@pytest.mark.parametrize("tex", [r"\frac{", "x}{", r"\left("])
def test_a_formula_of_which_no_end_is_found_is_shown_as_it_is_written(tex: str) -> None:
    assert shown(f"$${tex}$$") == f"·`````$${tex}$$`````·"


GROWING = r"""The $x_1$ costs $5 and $y = \frac{a}{b}$, or 5$; $AAPL rose. By \(a+b\) or $z$:
\[
x = 1
\]
"""


def test_a_growing_text_grows_at_its_end_and_a_price_is_not_waited_for() -> None:
    steps = [shown(GROWING[:end], grows=True) for end in range(len(GROWING) + 1)]
    assert [pair for pair in pairwise(steps) if not pair[1].startswith(pair[0])] == []
    assert steps[-1] == shown(GROWING)
    for text in ("costs $5", "costs $5 and so", "$AAPL rose by", "$x and then some", "5$ more"):
        assert shown(text, grows=True) == text


def test_a_formula_that_takes_long_to_end_is_text_until_then() -> None:
    for opening, closing in ((r"\(", r"\)"), ("$", "$")):
        begun = opening + "x + " * 15
        assert shown(begun, grows=True) == begun
        assert shown(f"{begun}y{closing} ", grows=True).count("·") == 2


def test_a_copy_has_formulas_as_they_are_written() -> None:
    text = '$a<b$ `$x$` [c](https://a.test "$y$")\n\n\\[\n- a*b*c\n\\]\n\n| $|x|$ | $5 |\n|--|--|'
    assert render(text) == (
        '<p><code class="formula">$a&lt;b$</code> <code>$x$</code> '
        '<a href="https://a.test" title="$y$" target="_blank" '
        'rel="noopener noreferrer nofollow">c</a></p>\n'
        '<p><code class="formula">\\[\n- a*b*c\n\\]</code></p>\n'
        "<table>\n<thead>\n<tr>\n"
        '<th><code class="formula">$|x|$</code></th>\n<th>$5</th>\n'
        "</tr>\n</thead>\n</table>\n"
    )


def test_a_copy_is_not_confused_by_marks() -> None:
    assert render(f"$x$ &ic;0&ic; &ic;7&ic; {MARK}0{MARK}") == (
        '<p><code class="formula">$x$</code>   0</p>\n'
    )


def test_a_picture_from_elsewhere_is_a_link_in_a_copy() -> None:
    out = 'target="_blank" rel="noopener noreferrer nofollow"'
    assert render(
        "![A <b>](https://a.test/b?c&d) [![ok](https://a.test/ok.svg)](https://b.test)"
    ) == (
        f'<p><a href="https://a.test/b?c&amp;d" {out}>A &lt;b&gt;</a> '
        f'<a href="https://b.test" {out}>ok</a></p>\n'
    )

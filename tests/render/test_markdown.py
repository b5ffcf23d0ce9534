"""A model's Markdown as the page is given it: plain tags alone outside code, and bounds."""

import re
from itertools import pairwise

import pytest

from agent.render.markdown import ESCAPED_LESS_THAN, LESS_THAN, MARK, Room, to_page_markdown
from tests.support.hard_texts import HARD_TEXTS

LT = LESS_THAN


def shown(text: str, grows: bool = False) -> str:
    return to_page_markdown(text, Room(), grows)[0]


def left(text: str) -> Room:
    """The room that is left after this text."""
    return to_page_markdown(text, Room())[1]


# HTML


@pytest.mark.parametrize(
    ("said", "given"),
    [
        ("<img name=createTextNode>", f"{LT}img name=createTextNode>"),
        ("<b>bold</b> and <B>BOLD</B>", "<b>bold</b> and <B>BOLD</B>"),
        ("<b class=x>bold</b>", f"{LT}b class=x>bold</b>"),
        ("one<br>two<br/>three<br />", "one<br>two<br/>three<br />"),
        ("<div>x</div> </script>", f"{LT}div>x{LT}/div> {LT}/script>"),
        ("<!-- x --> <![CDATA[x]]> <?x?>", f"{LT}!-- x --> {LT}![CDATA[x]]> {LT}?x?>"),
        ("a < b, 1<2, a <- b, <", "a < b, 1<2, a <- b, <"),
        ("List<int>, Map<String, List<T>>", f"List{LT}int>, Map{LT}String, List{LT}T>>"),
        ("<https://there.test/a?b=c&d>", "<https://there.test/a?b=c&d>"),
        ("<mailto:a@b.test>", "<mailto:a@b.test>"),
        ("<javascript:x>", f"{LT}javascript:x>"),
        ("&lt;b&gt; &amp; &#60;i>", "&lt;b&gt; &amp; &#60;i>"),
        (r"\<b> \\<i x>", rf"{ESCAPED_LESS_THAN}b> \\{LT}i x>"),
        (
            "| a<b> | <br> |\n|--|--|\n| <i x> | `<q>` |",
            f"| a<b> | <br> |\n|--|--|\n| {LT}i x> | `<q>` |",
        ),
        ("# <x>\n\n> <y>\n\n- <z>", f"# {LT}x>\n\n> {LT}y>\n\n- {LT}z>"),
    ],
)
def test_html_outside_code_is_text_but_for_a_list_of_plain_tags(said: str, given: str) -> None:
    assert shown(said) == given


CODE = [
    "Use `List<int>` or ``a ` <b c>``.",
    "`two\nlines <b c>`",
    "```html\n<div class=x>\n\n<img name=y>\n```",
    "~~~\n<div>\n```\n<div>\n~~~",
    "````md\n```html\n<div>\n```\n````",
    "```\n<div>",
    "    <div>\n\n    <div>",
    "- a\n\n  ```\n  <div>\n  ```\n- `<b c>`",
    "1. x\n\n       <div>",
    "> ```\n> <div>\n> ```\n> `<b c>`",
    "| a |\n|--|\n| `<b c>` and `a\\|<d>` |",
    "# About `<div>`",
]


@pytest.mark.parametrize("said", CODE)
def test_code_is_given_as_it_is(said: str) -> None:
    assert shown(said) == said


@pytest.mark.parametrize(
    ("said", "given"),
    [
        # For marked these are not, or no longer, code.
        ("```\n```~\n<img x>\n```", f"```\n```~\n{LT}img x>\n```"),
        ("<details> `<img x>`", f"<details> `{LT}img x>`"),
        ("<p>\n```\n<img x>\n```", "<p>\n\n```\n<img x>\n```"),
        ("<br>\n- ```\n  <img x>", "<br>\n\n- ```\n  <img x>"),
        (r"\`<img x>\`", rf"\`{LT}img x>\`"),
        ("`a\n\n<img x>`", f"`a\n\n{LT}img x>`"),
        ("```<img x>", f"```{LT}img x>"),
    ],
)
def test_what_is_code_in_one_reading_alone_is_not_trusted(said: str, given: str) -> None:
    assert shown(said) == given


@pytest.mark.parametrize("text", HARD_TEXTS.values(), ids=HARD_TEXTS)
def test_all_other_text_is_given_in_the_models_very_characters(text: str) -> None:
    assert shown(text) == text


# Formulas


def formula(tex: str) -> str:
    return f"$${MARK}{tex}{MARK}$$"


def as_code(tex: str) -> str:
    return f"{MARK}`````$${tex}$$`````{MARK}"


@pytest.mark.parametrize(
    ("said", "given"),
    [
        ("$$a<b$$ and $$c$$", f"{formula('a<b')} and {formula('c')}"),
        ("$$\na\n- b <c\n$$", formula("\na\n- b <c\n")),
        ("`$$a$$` and\n\n```\n$$b <x$$\n```", "`$$a$$` and\n\n```\n$$b <x$$\n```"),
        ("$$\n```\n$$ <img x>\n```", "$$\n```\n$$ <img x>\n```"),
        (f"$${MARK}a{MARK}$$ {MARK}", f"{formula('a')} "),
        (r"\$$a$$", r"\$$a$$"),
    ],
)
def test_a_formula_is_marked_and_nothing_else_can_be(said: str, given: str) -> None:
    assert shown(said) == given


@pytest.mark.parametrize(
    "macro",
    [
        *(r"\def\a{b}\a", r"\gdef\a{b}", r"\edef\a{b}", r"\let\a=b", r"\newcommand{\a}{b}"),
        *(r"\renewcommand\a{b}", r"\providecommand\a{b}", r"\global\def\a{b}"),
        r"\futurelet\a b c",
    ],
)
def test_a_formula_with_macros_is_shown_as_code(macro: str) -> None:
    assert shown(f"$${macro}$$") == as_code(macro)


@pytest.mark.parametrize(
    "tex",
    ["x" * 1501, r"\sqrt{" * 16 + "x" + "}" * 16, r"\left(" * 16 + r"\right)" * 16],
    ids=["long", "deep", "deep without braces"],
)
def test_a_formula_that_a_browser_cannot_bear_is_shown_as_code(tex: str) -> None:
    assert shown(f"$${tex}$$") == as_code(tex)


def test_there_are_so_many_formulas_and_the_rest_is_code() -> None:
    text = shown("$$x$$ " * 1000)
    assert text.count(MARK + "$$ ") == 480
    assert text.endswith(as_code("x") + " ")


def test_a_matrix_counts_by_its_cells() -> None:
    assert left("$$a&b$$").formulas < left("$$a+b$$").formulas


def test_what_is_not_macros_but_looks_like_it_is_drawn() -> None:
    tex = r"\left( \default \frac{1}{2} \right)"
    assert shown(f"$${tex}$$") == formula(tex)


# Diagrams


def diagram(body: str) -> str:
    return f"```mermaid\n{body}\n```"


@pytest.mark.parametrize(
    ("said", "given"),
    [
        ("A-->B", "A-->B"),
        ("A[one<br>two]-->B", f"A[one{LT}br>two]-->B"),
        ('A["<img name=x>"]', 'A["#0060;img name=x>"]'),
        ('A["&lt;img name=x&gt;"] & B', 'A["&#0038;lt;img name=x&#0038;gt;"] &#0038; B'),
        ("<<interface>>\nA <|-- B\nB <--> C", f"{LT}{LT}interface>>\nA {LT}|-- B\nB {LT}--> C"),
        ('A["$$x$$"]', 'A["#0036;#0036;x#0036;#0036;"]'),
    ],
)
def test_html_in_a_diagram_is_text(said: str, given: str) -> None:
    assert shown(diagram(said)) == diagram(given)


@pytest.mark.parametrize(
    "body",
    [
        "A-->B\n" * 101,
        "&".join("abcdefghijklmno") + "-->" + "&".join("pqrstuvwxyzABCD"),
        "A\n" * 201,
        "A" * 5001,
        "A-->B```",
    ],
    ids=["edges", "all with all", "lines", "characters", "a fence"],
)
def test_a_diagram_that_a_browser_cannot_bear_is_shown_as_code(body: str) -> None:
    assert shown(diagram(body)) == diagram(body).replace("mermaid", f"mermaid{MARK}")


def test_diagrams_share_their_room() -> None:
    text = shown((diagram("A-->B\n" * 60) + "\n\n") * 3)
    assert [bool(mark) for mark in re.findall(f"mermaid({MARK}?)", text)] == [False, True, True]


# While it grows

GROWING = [
    "Use <b>bold</b>, a <img x> and a < b, see <https://there.test/a>.",
    "The type `List<int>` and `Map<a, b>` are $$x_1 < 2$$ and $5, or $$y$$.",
    "```html\n<div>\n</div>\n```\n\n    <code>\n\n- <b>x</b>\n- `<c d>`\n",
    "| a | b |\n|---|---|\n| `<a>` | <br> |\n",
    "An unclosed ` and <b>, or $$ and so on.\n\nThen <i x>.",
]


@pytest.mark.parametrize("text", GROWING)
def test_a_growing_text_grows_at_its_end(text: str) -> None:
    steps = [shown(text[:end], grows=True) for end in range(len(text) + 1)]
    steps.append(shown(text))
    assert [pair for pair in pairwise(steps) if not pair[1].startswith(pair[0])] == []


LONG = """\
# About `<div>`

Some `List<int>`, <b>bold</b>, and <div>, \\<p> and $$a<b$$.

1. item <x>
2. item `<y>`
   - more
     ```html
     <p a>
     ```
3. last

```py
if a<b: pass
```

> quoted <z a>

$$
a<b
- c
$$

<details>
- `<x>`

</details>

"""


@pytest.mark.parametrize("step", [1, 7, 300])
def test_a_long_text_comes_to_the_same_in_whatever_steps_it_grows(step: int) -> None:
    to_page_markdown.cache_clear()
    text = LONG * 8
    whole = shown(text)
    for end in range(0, len(text), step):
        shown(text[:end], grows=True)
    to_page_markdown.cache_clear()
    assert shown(text) == whole


@pytest.mark.parametrize(
    "said", ["a <b", "a <", "a \\\\<b", "a $", "a $$x", "a `List<i", "see <https://the"]
)
def test_what_the_next_words_decide_about_is_held_back_while_there_are_more(said: str) -> None:
    assert said.startswith(shown(said, grows=True).replace(LT, "<"))
    assert len(shown(said, grows=True)) < len(said)
    assert len(shown(said)) >= len(said)


def test_nothing_is_held_back_for_long() -> None:
    for start in ("$$", "` <b x>"):
        assert "word" in shown(f"{start} " + "word " * 100, grows=True)
        assert "word" in shown(f"{start} a\n\nword", grows=True)

"""The sources of an answer, below it and in its text."""

import re

import pytest
from markdown_it import MarkdownIt

from agent.core.history import TurnRecord
from agent.core.sources import Page, Sources
from agent.core.transcript import Text
from agent.render.export import to_html
from agent.render.markdown import MARK
from agent.render.messages import to_messages
from agent.render.source_list import to_markdown, with_numbers

PAGES = Page("one.example", "https://one.example/a"), Page("A document")


def numbered(text: str, *passages: tuple[str, tuple[int, ...]]) -> str:
    """With NUMBER in place of a link."""
    shown = with_numbers(text, Sources(PAGES, passages))
    return re.sub(rf"{MARK}(\[\\\[\d\\\]\]\([^)]*\)|\\\[\d\\\]){MARK}", "NUMBER", shown)


def test_the_list_has_a_line_for_each_page_and_the_searches() -> None:
    assert to_markdown(Sources(PAGES, searches=("euro 2024", "a&b"))) == (
        "Sources:\n\n1. [one.example](https://one.example/a)\n2. A document\n\n"
        "Searched on Google for: [euro 2024](https://www.google.com/search?q=euro+2024), "
        "[a&#38;b](https://www.google.com/search?q=a%26b)"
    )


def test_a_number_leads_to_its_page() -> None:
    shown = with_numbers("Yes. No.", Sources(PAGES, (("Yes.", (1, 2)),)))
    assert shown == (rf"Yes.{MARK}[\[1\]](https://one.example/a){MARK}{MARK}\[2\]{MARK} No.")


@pytest.mark.parametrize(
    ("text", "passages", "shown"),
    [
        ("Yes. Yes.", [("Yes.", (1,)), ("Yes.", (2,))], "Yes.NUMBER Yes.NUMBER"),
        ("B. A.", [("A.", (1,)), ("B.", (2,))], "B.NUMBER A.NUMBER"),
        ("Yes.", [("No.", (1,))], "Yes."),
        ("Yes.", [("Yes.", (1, 1))], "Yes.NUMBER"),
        ("Yes.\n\nNo.", [("Yes.\n", (1,))], "Yes.NUMBER\n\nNo."),
        ("Use `a.b` so.", [("Use `a.", (1,))], "Use `a.b` so."),
        ("```py\nx = 1\ny\n```\nDone.", [("x = 1", (1,)), ("Done.", (1,))],
         "```py\nx = 1\ny\n```\nDone.NUMBER"),
    ],
)  # fmt: skip
def test_a_passage_gets_its_number_where_it_ends_but_not_in_code(
    text: str, passages: list[tuple[str, tuple[int, ...]]], shown: str
) -> None:
    assert numbered(text, *passages) == shown


def test_titles_and_addresses_are_no_markup() -> None:
    hostile = Page("](x) <b>*z*", 'https://e/")<img src=x onerror=y>')
    text = to_markdown(Sources((hostile,), searches=("<b>](x)",)))
    page = MarkdownIt("js-default", {"html": True}).render(text)
    assert set(re.findall(r"<(\w+)", page)) == {"p", "ol", "li", "a"}
    assert len(re.findall("<a ", page)) == 2


def test_on_a_page_the_numbers_stand_in_the_answer_and_the_list_below_it() -> None:
    said = Text("Yes.", response_id="r")
    found = Sources(PAGES, (("Yes.", (2,)),), response_id="r")
    first, second = to_messages((said, found))
    assert first["content"]["text"] == rf"Yes.{MARK}\[2\]{MARK}"
    assert second["metadata"] == {"id": "aside"}
    other, _ = to_messages((Text("Yes.", response_id="other"), found))
    assert other["content"]["text"] == "Yes."


def test_a_saved_page_has_the_list_as_it_is() -> None:
    page = to_html([TurnRecord("i1", "Who?", (Text("Spain."), Sources(PAGES)))], "A chat")
    assert '<a href="https://one.example/a"' in page

"""What a page shows of a file."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from agent.core.files import File
from agent.render import media
from agent.render.file_links import size, to_markdown


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(media, "FOLDER", tmp_path)


def shown(mime_type: str, data: bytes, name: str = "") -> str:
    """As Markdown, with NAME in place of the hash."""
    kept = media.save(mime_type, data)
    return to_markdown(File(mime_type, data, name=name)).replace(kept.partition(".")[0], "NAME")


def saved(name: str, **about: str) -> File:
    """An artifact."""
    return File("", name=name, version=0, **about)  # type: ignore[arg-type]


def test_a_picture_with_a_name_can_be_saved_under_it() -> None:
    assert shown("image/png", b"P", "my cat.png") == (
        "[![my cat.png](files/NAME.png/my%20cat.png)](files/NAME.png/my%20cat.png)\n\n"
        "[Save my cat.png](files/NAME.png/my%20cat.png) (1 byte)"
    )


def test_of_a_table_the_first_rows_are_shown() -> None:
    rows = b"a,b\n" + b"".join(b"%d,x\n" % number for number in range(9))
    assert shown("text/csv", rows, "t.csv").split("\n\n")[1:] == [
        "| a | b |\n| --- | --- |\n| 0 | x |\n| 1 | x |\n| 2 | x |\n| 3 | x |\n| 4 | x |",
        "These are the first rows.",
    ]


@pytest.mark.parametrize("rows", [b"", b"one line", b"\xff\xfe\0\0", b'"open', b"a\0b\nc,d"])
def test_what_is_no_table_is_a_link(rows: bytes) -> None:
    assert shown("text/csv", rows, "t.csv").startswith("[Save t.csv](files/NAME.csv/t.csv)")


HOSTILE = [
    "](https://evil)",
    "<img src=x onerror=alert(1)>",
    "a|b\n\n# Note",
    "`x`",
    "https://evil.example",
    "www.evil.example",
    "../../etc/passwd",
    "..",
    "\ud800",
    "W" * 500,
    "$x$ *y* _z_ &amp;",
]


@pytest.mark.parametrize("words", HOSTILE)
def test_a_name_and_a_cell_are_text(words: str) -> None:
    row = words.replace("\n", " ").encode("utf-8", "replace")
    text = shown("text/csv", b"a,b\n" + row + b",x\n", words)
    page = MarkdownIt("js-default", {"html": True}).render(text)
    tags = re.findall(r"<(\w+)([^>]*)>", page)
    assert {tag for tag, _ in tags} <= {*["p", "a", "table", "thead", "tbody", "tr", "th", "td"]}
    [link] = [about for tag, about in tags if tag == "a"]
    assert re.fullmatch(r' href="files/NAME\.csv(/[^/"]+)?"', link)
    assert not re.search(r"[$]|(?<!NAME\.csv/)www\.", text)


def test_what_is_on_the_web_is_a_link_and_what_is_not_is_told() -> None:
    link = File("", name="a.pdf", address="https://there/a b.pdf)")
    assert to_markdown(link) == "[a.pdf](https://there/a%20b.pdf%29)"
    for address in ("gs://bucket/a.pdf", "javascript:alert(1)", "file:///etc/passwd"):
        assert to_markdown(replace(link, address=address)) == (
            "*The file “a.pdf” is kept where this page cannot fetch it.*"
        )


def test_an_artifact_that_is_gone_is_told() -> None:
    assert to_markdown(saved("a.png")) == "*The file “a.png” is not here any more.*"


@pytest.mark.parametrize(
    ("number", "told"),
    [
        (1, "1 byte"),
        (999, "999 bytes"),
        (12_345, "12 kB"),
        (5_000_000, "5 MB"),
        (10**10, "10 GB"),
    ],
)
def test_a_size_is_told_in_few_figures(number: int, told: str) -> None:
    assert size(File("", version=0, size=number)) == told

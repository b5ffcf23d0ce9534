"""What the app itself says in a chat: under which title, and what can be done about it."""

import pytest

from agent.core.continuing import CUT_BY, PASSING
from agent.core.history import TurnRecord
from agent.core.notices import SENTENCES, Notice
from agent.core.titles import TITLES
from agent.core.transcript import Text
from agent.render.export import to_html, to_markdown
from agent.render.messages import to_messages

FAILURE = Notice("unreachable")
SAID = Text("Once upon", state="cut")


@pytest.mark.parametrize(
    ("code", "after_words", "without"),
    [
        ("unreachable", ["Continue", "Try again"], ["Try again"]),
        ("model_busy", ["Continue", "Try again"], ["Try again"]),
        ("tool_failed", ["Try again"], ["Try again"]),
        ("stopped", ["Continue"], []),
        ("max_tokens", ["Continue"], []),
        ("bad_key", [], []),
        ("declined", [], []),
        ("message_too_long", [], []),
        ("paused", [], []),
    ],
)
def test_each_button_is_offered_where_it_can_help(
    code: str, after_words: list[str], without: list[str]
) -> None:
    notice = Notice(code, {"tool": "sky", "length": 2, "longest": 1})
    last = to_messages((SAID, notice))[-1], to_messages((notice,))[-1]
    labels = [[option["label"] for option in message.get("options", ())] for message in last]
    assert labels == [after_words, without]


@pytest.mark.parametrize(
    ("code", "title", "is_folded"),
    [
        ("unreachable", "***The AI cannot be reached***", False),
        ("declined", "**Declined**", False),
        ("paused", "**Note**", False),
        ("stopped", "**Stopped**", True),
    ],
)
def test_the_title_says_what_has_happened(code: str, title: str, is_folded: bool) -> None:
    (shown,) = to_messages((Notice(code),))
    assert shown["content"]["text"] == SENTENCES[code]
    assert shown["metadata"] == {"title": title} | ({"status": "done"} if is_folded else {})


def test_a_copy_has_the_titles_and_no_buttons() -> None:
    turn = TurnRecord("1", "Hi", (SAID, FAILURE, Notice("stopped")))
    written = to_markdown([turn], "A chat")
    assert written.endswith(
        f"Once upon\n\n> **The AI cannot be reached**\n>\n> {FAILURE.text}\n\n> **Stopped**\n"
    )
    page = to_html([turn], "A chat")
    assert '<strong>The AI cannot be reached</strong><div dir="auto"><p>' in page
    assert "<button" not in page


def test_each_of_them_has_its_sentence() -> None:
    assert SENTENCES.keys() >= CUT_BY | PASSING | TITLES.keys()

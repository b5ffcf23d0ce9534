"""What a browser may say of a question: every field is cut to what it can be."""

from types import SimpleNamespace
from typing import Any

import pytest
from pydantic import SecretStr

from agent.core.pauses import Reply
from agent.core.sources import Page, Sources
from agent.core.transcript import Text
from agent.page.page_state import restore
from agent.page.protocol import MAX_ABOVE, edit, encode_answer, parse_question
from agent.render.messages import to_messages
from tests.support.app_setup import registry
from tests.support.scripted_model import ScriptedModel

NOTHING = {"text": "", "number": None, "above": 0}


def asked(**changed: Any) -> dict[str, Any]:
    return {"text": "Hi", "number": 0.5, "count": 1, **changed}


@pytest.mark.parametrize(
    ("said", "question"),
    [
        (asked(), {"text": "Hi", "number": 0.5, "above": 1}),
        (asked(number=7, more="x" * 99), {"text": "Hi", "number": 7, "above": 1}),
        (
            asked(options={"streaming": False}),
            {"text": "Hi", "number": 0.5, "above": 1, "options": {"streaming": False}},
        ),
        (
            asked(key=" AIza "),
            {"text": "Hi", "number": 0.5, "above": 1, "key": SecretStr(" AIza ")},
        ),
        *(
            (asked(**more), {"text": "Hi", "number": 0.5, "above": 1})
            for more in ({"options": None}, {"options": "hot"}, {"key": 7}, {"key": " "})
        ),
        (asked(count=10**9), {"text": "Hi", "number": 0.5, "above": MAX_ABOVE}),
        (asked(count=-1), {"text": "Hi", "number": 0.5, "above": 0}),
        *(
            (asked(number=number), NOTHING)
            for number in ("7", "x" * 99, [7], {"a": 7}, None, 2**60, 1e300, -1e300)
        ),
        *((asked(count=count), NOTHING) for count in ("1", 1.5, None, [1])),
        *((asked(text=text), NOTHING) for text in (7, None, ["Hi"], {"text": "Hi"})),
        (None, NOTHING),
        ("Hi", NOTHING),
        ([asked()], NOTHING),
        ({}, NOTHING),
    ],
)
def test_a_question_is_a_text_a_number_and_a_count(said: Any, question: dict[str, Any]) -> None:
    assert parse_question(said) == question


@pytest.mark.parametrize(
    ("place", "kept"), [(2, 2), ([2, 0], 2), ((3, 1), 3), ("x" * 99, 0), ([], 0), ({}, 0), (0.5, 0)]
)
def test_the_place_of_an_edit_is_a_number(place: Any, kept: int) -> None:
    change: Any = SimpleNamespace(index=place, value="Hi")
    assert edit(change)["place"] == kept


@pytest.mark.parametrize("session_id", ["", "x" * 99_999, "../../etc", "None"])
async def test_a_page_is_on_no_session_whose_id_was_not_made_here(session_id: str) -> None:
    page = await restore(registry(ScriptedModel()), "x" * 99_999, session_id)
    assert page.session_id is None
    assert len(page.user_id) == 44


REPLIES = [
    ({"a": {"isApproved": True, "form": {"x": "1", "y": True}}}, Reply(form={"x": "1", "y": True})),
    ({"a": {"isApproved": False, "form": {}}}, Reply(is_approved=False)),
    ({"a": {"isApproved": True, "option": "red\0"}}, Reply(value="red")),
    ({"a": {"isApproved": True, "form": {"x": ["1"]}}}, Reply(form={"x": False})),
]


@pytest.mark.parametrize(("said", "reply"), REPLIES)
def test_a_reply_is_a_decision_and_what_was_filled_in(said: Any, reply: Reply) -> None:
    assert parse_question(asked(text="", replies=said))["replies"] == {"a": reply}


@pytest.mark.parametrize(
    "said", [None, [], "yes", {"a": True}, {"a": {"isApproved": "yes", "form": {}}}, {"a": {}}]
)
def test_what_is_no_reply_approves_nothing(said: Any) -> None:
    assert "replies" not in parse_question(asked(replies=said))


def test_what_comes_below_the_words_at_the_end_is_all_that_is_sent_then() -> None:
    words, found = Text("It is blue."), Sources((Page("A document"),))
    growing = encode_answer(to_messages((words,)), number=7)
    for messages in (to_messages((words,), foot="Took 2 s"), to_messages((words, found))):
        last = encode_answer(messages, number=7)
        assert last.startswith(growing + "\0")
        assert len(last) < len(growing) + 250

"""What agents say at the same time stands together, in the order in which they have begun."""

from typing import Any

import pytest
from google.adk.events import Event

from agent.core.branches import BRANCHES, in_branches, name_of, note
from agent.core.history import turn_records
from agent.core.transcript import Notice, Source, Text, ToolCall, Transcript
from tests.support.events import chunk, last, whole

ROME: Source = ("rome", "cities.rome")
OSLO: Source = ("oslo", "cities.oslo")
TRUNK: Source = ("summary", None)


def told(transcript: Transcript, begun: tuple[str, ...] = ()) -> list[tuple[str, str]]:
    """The branches and the words of what is in them."""
    said = in_branches(transcript, begun)
    return [(branch, entry.text) for branch, entry in said if isinstance(entry, Text | Notice)]


def texts(*said: tuple[str, str | None]) -> Transcript:
    """Texts, each with its branch."""
    return tuple(Text(text, ("agent", branch)) for text, branch in said)


def test_words_that_come_in_turns_stand_branch_by_branch() -> None:
    transcript = last(
        chunk("Rome ", source=ROME),
        chunk("Oslo ", source=OSLO, id="o"),
        chunk("is warm.", source=ROME),
        whole("Oslo is cold.", source=OSLO, id="o"),
        whole("Rome is warm.", source=ROME),
        whole("It is old.", source=ROME, id="second"),
        whole("Both are capitals.", source=TRUNK, id="sum"),
    )
    assert told(transcript) == [
        ("cities.rome", "Rome is warm."),
        ("cities.rome", "It is old."),
        ("cities.oslo", "Oslo is cold."),
        ("", "Both are capitals."),
    ]


def test_after_a_reload_they_stand_as_they_have_begun_not_as_they_have_ended() -> None:
    events = [
        chunk("Rome", source=ROME),
        whole("Oslo.", source=OSLO, id="o"),
        whole("Rome.", source=ROME),
    ]
    begun: list[str] = []
    stored = [whole("Hi", source=("user", None), invocation_id="turn")]
    for event in events:
        note(event, begun)
        if not event.partial:
            more: dict[str, Any] = {"custom_metadata": {BRANCHES: list(begun)}}
            stored.append(event.model_copy(update={"invocation_id": "turn", **more}))
    (turn,) = turn_records(stored)
    assert told(turn.transcript) == told(last(*events))
    assert told(turn.transcript) == [("cities.rome", "Rome."), ("cities.oslo", "Oslo.")]


@pytest.mark.parametrize(
    ("said", "branches"),
    [
        pytest.param([("a", "A@1"), ("b", "B@1")], ["A@1", "B@1"], id="nodes of a workflow"),
        pytest.param([("a", "A@1"), ("b", "A@1")], ["", ""], id="one branch alone"),
        pytest.param([("a", "p.x"), ("b", "q.y")], ["", ""], id="two steps"),
        pytest.param(
            [("a", "A@1.p.x"), ("b", "A@1.p.y")], ["A@1.p.x", "A@1.p.y"], id="within a branch"
        ),
        pytest.param(
            [("a", "p.x"), ("b", "p.y.q.z"), ("c", "p.y")],
            ["p.x", "p.y", "p.y"],
            id="a branch's own",
        ),
        pytest.param([("a", None), ("b", None)], ["", ""], id="no branches"),
    ],
)
def test_branches_are_those_of_one_step(
    said: list[tuple[str, str | None]], branches: list[str]
) -> None:
    assert [branch for branch, _ in told(texts(*said))] == branches


def test_what_comes_from_within_a_tool_call_is_no_branch() -> None:
    calls = [ToolCall(id, "ask", {}, TRUNK) for id in ("1", "2")]
    inner = texts(("a", "ask@1"), ("b", "ask@2"))
    assert {branch for branch, _ in told((*calls, *inner))} == {""}


def test_an_earlier_versions_turns_stand_as_they_are_stored() -> None:
    stored = [
        whole("Hi", source=("user", None), invocation_id="turn"),
        whole("Oslo.", source=OSLO, id="o", invocation_id="turn"),
        whole("Rome.", source=ROME, invocation_id="turn"),
    ]
    (turn,) = turn_records(stored)
    assert told(turn.transcript) == [("cities.oslo", "Oslo."), ("cities.rome", "Rome.")]


def test_a_branch_is_called_as_its_agent() -> None:
    assert [name_of(path) for path in ("cities.rome", "left@1", "a@1.b@2")] == ["rome", "left", "b"]


def test_an_event_without_words_begins_no_branch() -> None:
    begun: list[str] = []
    note(Event(author="rome", branch="cities.rome"), begun)
    assert begun == []

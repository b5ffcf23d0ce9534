"""Answers without words: a workflow's output, and a tool's result that no model sums up."""

from collections import namedtuple
from dataclasses import dataclass
from typing import Any

import pytest
from google.adk.events import Event, EventActions
from google.adk.events.event import NodeInfo
from google.adk.tools.tool_confirmation import ToolConfirmation
from google.genai import types
from pydantic import BaseModel

from agent.core.results import Form
from agent.core.transcript import Source, Text, ToolCall, Transcript, answer
from tests.support.events import HELPER, last, result, whole
from tests.support.scripted_model import call

FLOW: Source = ("flow", None)


def output(value: Any, *paths: str, **more: Any) -> Event:
    """What the last node of the workflow on show returns; or a node on the way."""
    info = NodeInfo(path="flow@1/last@1", output_for=list(paths) or ["flow@1/last@1", "flow@1"])
    return Event(author="flow", output=value, node_info=info, **more)


def answered(**response: Any) -> Event:
    """A tool's result that is not to be put into words."""
    return whole(
        result("call-1", **response), actions=EventActions(skip_summarization=True), id="2"
    )


def texts(transcript: Transcript) -> list[tuple[str, Form]]:
    return [(entry.text, entry.form) for entry in transcript if isinstance(entry, Text)]


class Total(BaseModel):
    words: int
    note: str | None = None


@dataclass
class Share:
    name: str


Pair = namedtuple("Pair", "a b")
ITSELF: list[Any] = []
ITSELF.append(ITSELF)


# What a workflow returns


@pytest.mark.parametrize(
    ("value", "text", "form"),
    [
        ("**Short**\n\n", "**Short**\n\n", "result"),
        (7, "7", "result"),
        (0, "0", "result"),
        (2.5, "2.5", "result"),
        (False, "false", "result"),
        ({"wörds": 2}, '{\n  "wörds": 2\n}', "json"),
        ({}, "{}", "json"),
        (["a", 1], '[\n  "a",\n  1\n]', "json"),
        (Pair(1, 2), "[\n  1,\n  2\n]", "json"),
        (Total(words=2), '{\n  "words": 2\n}', "json"),
        ([Total(words=2)], '[\n  {\n    "words": 2\n  }\n]', "json"),
        (Share("Ann"), '{\n  "name": "Ann"\n}', "json"),
        (b"ab", "YWI=", "result"),
        (ITSELF, "[[[[[[[...]]]]]]]", "result"),
    ],
    ids=repr,
)
def test_what_the_last_node_returns_is_the_answer(value: Any, text: str, form: Form) -> None:
    assert texts(last(output(value))) == [(text, form)]


@pytest.mark.parametrize("value", [None, "", " \n"])
def test_nothing_is_no_answer(value: Any) -> None:
    assert last(output(value)) == ()


def test_what_a_node_on_the_way_returns_is_not_the_answer() -> None:
    assert last(output(2, "flow@1/words@1")) == ()
    assert texts(last(output(2, "flow@1/words@1"), output("Two words."))) == [
        ("Two words.", "result")
    ]


def test_the_answer_of_a_workflow_in_the_workflow_on_show_is_its_own() -> None:
    inner = "flow@1/inner@1/last@1", "flow@1/inner@1"
    assert last(output(2, *inner)) == ()
    assert texts(last(output(2, *inner, "flow@1"))) == [("2", "result")]


def test_an_output_that_the_event_says_in_words_is_not_said_again() -> None:
    words = types.ModelContent('{"words": 2}')
    assert texts(last(output({"words": 2}, content=words))) == [('{"words": 2}', "words")]
    report = types.ModelContent("The report is ready.")
    assert answer(last(output({"id": 1}, content=report))) == "The report is ready."


def test_an_output_beside_a_thought_alone_is_the_answer() -> None:
    hm = types.ModelContent([types.Part(text="Hm.", thought=True)])
    assert answer(last(output("Two.", content=hm))) == "Two."


def test_an_output_that_only_collects_what_was_said_is_not_said_again() -> None:
    ann, bob = whole("Yes.\n", source=("ann", "a")), whole('{"n": [1]}', source=("bob", "b"))
    for value in ("Yes.", {"ann": "Yes.", "bob": {"n": [1]}}, [{"n": [1]}, "Yes."], {"n": [1]}):
        assert answer(last(ann, bob, output(value))) == 'Yes.\n\n{"n": [1]}'
    assert answer(last(ann, output({"ann": "Yes.", "sum": 3}))).startswith("Yes.\n\n{")


def test_words_and_then_an_output_are_two_answers() -> None:
    working = Event(author="flow", content=types.ModelContent("Working …"))
    said = last(working, output("Done."))
    assert said == (Text("Working …", FLOW), Text("Done.", FLOW, form="result"))
    assert answer(said) == "Working …\n\nDone."


def test_what_an_agent_returns_that_ends_its_task_is_the_answer() -> None:
    done = types.Content(role="user", parts=[result("call-1", "finish_task", result="Done.")])
    ended = output({"result": "The end."}, "helper@1", content=done)
    assert texts(last(whole(call("finish_task")), ended)) == [("The end.", "result")]


# A tool's result


@pytest.mark.parametrize(
    ("response", "text", "form"),
    [
        ({"result": "Apples 2.10\nPears 3.40"}, "Apples 2.10\nPears 3.40", "result"),
        ({"result": 42}, "42", "result"),
        ({"result": []}, "[]", "json"),
        ({"result": {"apples": 2}}, '{\n  "apples": 2\n}', "json"),
        ({"apples": 2}, '{\n  "apples": 2\n}', "json"),
        ({"result": 1, "unit": "m"}, '{\n  "result": 1,\n  "unit": "m"\n}', "json"),
        (
            {"content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]},
            "a\n\nb",
            "result",
        ),
        ({"error": "", "result": "a"}, '{\n  "error": "",\n  "result": "a"\n}', "json"),
    ],
    ids=repr,
)
def test_a_result_that_is_not_summed_up_is_the_answer(
    response: dict[str, Any], text: str, form: Form
) -> None:
    asked = whole(call("get_time"), id="1")
    called, said = last(asked, answered(**response))
    assert isinstance(called, ToolCall)
    assert called.result == response
    assert said == Text(text, HELPER, form=form)


@pytest.mark.parametrize(
    "response", [{}, {"result": None}, {"error": "No such fruit."}, {"isError": True, "n": 1}]
)
def test_a_failure_and_a_tool_without_a_result_give_no_answer(response: dict[str, Any]) -> None:
    assert texts(last(whole(call("get_time"), id="1"), answered(**response))) == []


def test_a_result_that_a_model_is_to_sum_up_is_not_the_answer() -> None:
    assert texts(last(whole(call("get_time")), whole(result("call-1", n=1)))) == []


def test_a_result_of_a_tool_that_waits_for_a_person_is_not_the_answer() -> None:
    waits = answered(result="Not yet.")
    waits.actions.requested_tool_confirmations["call-1"] = ToolConfirmation()
    assert texts(last(waits)) == []


def test_a_result_stands_apart_from_the_words_before_and_from_the_next_result() -> None:
    asked = whole("Here you are:", call("get_time", id="a"), call("get_time", id="b"), id="1")
    both = whole(
        *(result("a", result="One."), result("b", result="Two.")),
        actions=EventActions(skip_summarization=True),
    )
    assert answer(last(asked, both)) == "Here you are:\n\nOne.\n\nTwo."


def test_what_adk_says_beside_a_result_is_said_once() -> None:
    asked = whole("Here:", call("get_time"), id="1")
    said = whole(
        *(result("call-1", result="One."), "One."),
        actions=EventActions(skip_summarization=True),
        id="2",
    )
    assert answer(last(asked, said)) == "Here:\n\nOne."

"""Agents whose answers no model puts into words, or that have several speakers."""

from collections.abc import Callable
from typing import Any, NamedTuple

from google.adk import Workflow
from google.adk.agents import Agent, SequentialAgent
from google.adk.tools import ToolContext
from google.adk.workflow import BaseNode

from tests.support.app_setup import GEMINI
from tests.support.fake_gemini import Call, FakeGemini

PRICES = "Apples 2.10\nPears 3.40"

REPORT = '{\n  "words": 1,\n  "verdict": "short"\n}'


def price_list(tool_context: ToolContext) -> dict[str, str]:
    """The prices, as the customer is to see them."""
    tool_context.actions.skip_summarization = True
    return {"result": PRICES}


def words(node_input: str) -> int:
    """A node on the way."""
    return len(node_input.split())


def report(node_input: int) -> dict[str, Any]:
    """The last node."""
    return {"words": node_input, "verdict": "short"}


def pair() -> list[Any]:
    return [Agent(name=name, model=GEMINI) for name in ("writer", "critic")]


class Case(NamedTuple):
    """An agent, what its models say, and its answer."""

    root: Callable[[], BaseNode]
    replies: list[Any]
    answer: str


CASES = {
    "a workflow's output": Case(
        lambda: Workflow(name="adder", edges=[("START", words, report)]), [], REPORT
    ),
    "a tool's result": Case(
        lambda: Agent(name="teller", model=GEMINI, tools=[price_list]),
        [Call("price_list", {})],
        PRICES,
    ),
    "two speakers": Case(
        lambda: SequentialAgent(name="duo", sub_agents=pair()),
        ["A draft.", "It is good."],
        "A draft.\n\nIt is good.",
    ),
    "a transfer": Case(
        lambda: Agent(name="desk", model=GEMINI, sub_agents=[Agent(name="expert", model=GEMINI)]),
        [("I ask the expert.", Call("transfer_to_agent", {"agent_name": "expert"})), "Hello."],
        "I ask the expert.\n\nHello.",
    ),
    "nodes that speak": Case(
        lambda: Workflow(name="flow", edges=[("START", *pair())]),
        ["A draft.", "It is good."],
        "A draft.\n\nIt is good.",
    ),
}


def enqueue(gemini: FakeGemini, case: Case) -> None:
    for reply in case.replies:
        gemini.enqueue(*(reply if isinstance(reply, tuple) else (reply,)))

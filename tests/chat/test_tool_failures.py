"""Tools that fail: the model is told, and can react; the visitor sees it; the host reads who it
was."""

import argparse
import asyncio
import builtins
import dataclasses
import logging
import sys
from collections.abc import Callable
from concurrent import futures
from typing import Any, cast

import pytest
from google.adk.agents import Agent
from google.adk.plugins import BasePlugin
from google.adk.tools import BaseTool, ToolContext
from google.adk.tools.agent_tool import AgentTool
from google.adk.tools.base_toolset import BaseToolset
from pydantic import BaseModel

from agent.chat.conversation import Conversation
from agent.core.secrets import redact_logs
from agent.core.transcript import ToolCall, Transcript, answer
from agent.models.coalescing import coalescing
from tests.support.app_setup import conversation, notices, say
from tests.support.scripted_model import ScriptedModel, call

FAILED = (
    'The tool "ask_crm" failed, so the answer could not be finished. Try again, or ask in another '
    "way; if it happens again, tell the owner of this page."
)


class Strange(BaseException):
    """What no `except Exception` sees."""


def failing(error: BaseException | type[BaseException], is_async: bool = False) -> Any:
    """A tool that raises this."""

    def ask_crm() -> str:
        """Ask the customer data base."""
        raise error

    async def ask_crm_async() -> str:
        """Ask the customer data base."""
        await asyncio.sleep(0)
        raise error

    ask_crm_async.__name__ = "ask_crm"
    return ask_crm_async if is_async else ask_crm


def talk_with(*tools: Any, calls: int = 1, **agent: Any) -> Conversation:
    """A conversation in which the model calls `ask_crm`, so often, and then says something."""
    scripts = [[call("ask_crm", f"call-{number}")] for number in range(calls)]
    model = ScriptedModel(scripts=[*scripts, ["Sorry."], ["Well."]])
    return conversation(model, {"tools": list(tools), **agent})


def model_of(talk: Conversation) -> ScriptedModel:
    return cast(ScriptedModel, cast(Agent, talk.runner.agent).model)


def results(said: Transcript) -> list[Any]:
    return [entry.result for entry in said if isinstance(entry, ToolCall)]


# What the model is told


async def test_the_model_is_told_of_a_tool_that_fails_and_can_react() -> None:
    talk = talk_with(failing(ValueError("no such customer")))
    said = await say(talk, "Ask")
    told = {"error": "ValueError: no such customer"}
    assert (answer(said), notices(said), results(said)) == ("Sorry.", [], [told])
    [part] = model_of(talk).requests[1].contents[-1].parts or []
    assert part.function_response
    assert part.function_response.response == told


ODD: list[tuple[BaseException | type[BaseException], str]] = [
    (SystemExit(2), "SystemExit: 2"),
    (SystemExit(None), "SystemExit"),
    (KeyboardInterrupt(), "KeyboardInterrupt"),
    (StopIteration("over"), "StopIteration: over"),
    (asyncio.CancelledError(), "CancelledError"),
    (futures.CancelledError(), "CancelledError"),
    (GeneratorExit(), "GeneratorExit"),
    (Strange("x"), "Strange: x"),
    (BaseExceptionGroup("all", [SystemExit(1)]), "BaseExceptionGroup: all (1 sub-exception)"),
    (ExceptionGroup("all", [ValueError()]), "ExceptionGroup: all (1 sub-exception)"),
    (ConnectionRefusedError(111, "crm"), "ConnectionRefusedError: [Errno 111] crm"),
    (RecursionError("deep"), "RecursionError: deep"),
]


@pytest.mark.parametrize(("error", "told"), ODD, ids=lambda case: type(case).__name__)
async def test_whatever_a_tool_raises_ends_its_call_alone(error: BaseException, told: str) -> None:
    said = await say(talk := talk_with(failing(error)), "Ask")
    assert (answer(said), notices(said), results(said)) == ("Sorry.", [], [{"error": told}])
    assert answer(await say(talk, "And now?")) == "Well."


@pytest.mark.parametrize(("error", "told"), ODD, ids=lambda case: type(case).__name__)
async def test_so_does_what_an_async_tool_raises(error: BaseException, told: str) -> None:
    said = await say(talk := talk_with(failing(error, is_async=True)), "Ask")
    if isinstance(error, GeneratorExit):  # Which also comes when a coroutine is closed.
        assert notices(said) == [FAILED]
        model_of(talk).scripts.pop(0)
    else:
        told = told.replace("StopIteration: over", "RuntimeError: coroutine raised StopIteration")
        assert (answer(said), notices(said), results(said)) == ("Sorry.", [], [{"error": told}])
    assert answer(await say(talk, "And now?")) == "Well."


def parse() -> None:
    argparse.ArgumentParser().parse_args(["--wrong"])


def leave() -> None:
    builtins.exit(7)


@pytest.mark.parametrize("leave", [sys.exit, parse, leave])
async def test_a_tool_that_ends_programs_ends_its_call_alone(leave: Callable[[], None]) -> None:
    def ask_crm() -> None:
        """Leave."""
        leave()

    assert answer(await say(talk_with(ask_crm), "Ask")) == "Sorry."


class Unprintable(Exception):
    def __str__(self) -> str:
        raise SystemExit


async def test_an_error_without_words_is_told_by_its_name() -> None:
    said = await say(talk_with(failing(Unprintable())), "Ask")
    assert (answer(said), results(said)) == ("Sorry.", [{"error": "Unprintable"}])


@pytest.mark.parametrize("words", ["sentinel-of-the-crm", "postgresql://me:sentinel@db/x"])
async def test_no_secret_is_told(
    words: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("CRM_TOKEN", "sentinel-of-the-crm")
    redact_logs()
    talk = talk_with(failing(RuntimeError(f"401 for {words}")))
    assert "sentinel" not in str(results(await say(talk, "Ask")))
    assert "sentinel" not in str(model_of(talk).requests)
    assert "sentinel" not in caplog.text
    assert "RuntimeError: 401 for " in caplog.text


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("'/srv/app/data/x.csv' is missing", "'…/x.csv' is missing"),
        (r"C:\Users\me\x.csv is missing", "…/x.csv is missing"),
        ("https://example.org/a/b.html is missing", "https://example.org/a/b.html is missing"),
        ("this and/or that is missing", "this and/or that is missing"),
    ],
)
async def test_no_folder_of_this_machine_is_told(words: str, told: str) -> None:
    said = await say(talk_with(failing(RuntimeError(words))), "Ask")
    assert results(said) == [{"error": f"RuntimeError: {told}"}]


async def test_nor_what_a_tool_tells_of_an_error_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CRM_TOKEN", "sentinel-of-the-crm")

    def ask_crm() -> dict[str, str]:
        """Ask."""
        return {"error": "401 with sentinel-of-the-crm", "code": "x"}

    assert results(await say(talk_with(ask_crm), "Ask")) == [
        {"error": "401 with [redacted]", "code": "x"}
    ]


# How often


async def test_the_same_failure_is_told_three_times() -> None:
    talk = talk_with(failing(ValueError("no such customer")), calls=9)
    said = await say(talk, "Ask")
    told = [{"error": "ValueError: no such customer"}] * 3
    assert (answer(said), notices(said)) == ("", [FAILED])
    assert results(said)[:3] == told
    assert len(model_of(talk).requests) == 4
    model_of(talk).scripts = [["Well."]]
    assert answer(await say(talk, "And now?")) == "Well."


async def test_calls_at_once_are_told_at_once() -> None:
    talk = talk_with(failing(ValueError("no such customer")))
    calls = [call("ask_crm", f"call-{number}") for number in range(9)]
    model_of(talk).scripts = [calls, ["Sorry."]]
    said = await say(talk, "Ask")
    assert (answer(said), len(results(said))) == ("Sorry.", 9)


async def test_another_failure_is_told_too() -> None:
    numbers = iter(range(99))

    def ask_crm() -> None:
        """Ask."""
        raise ValueError(f"no customer {next(numbers)}")

    said = await say(talk_with(ask_crm, calls=9), "Ask")
    assert (answer(said), notices(said)) == ("Sorry.", [])


# The owner's own answers come first


async def test_an_agents_own_callback_comes_first() -> None:
    async def own(tool: BaseTool, args: Any, tool_context: ToolContext, error: Exception) -> Any:
        return {"own": str(error)}

    talk = talk_with(failing(ValueError("x")), on_tool_error_callback=own)
    assert results(await say(talk, "Ask")) == [{"own": "x"}]


async def test_where_it_has_no_answer_the_model_is_told() -> None:
    seen: list[Exception] = []

    def own(tool: BaseTool, args: Any, tool_context: ToolContext, error: Exception) -> Any:
        seen.append(error)

    talk = talk_with(failing(SystemExit(2)), on_tool_error_callback=[own])
    assert results(await say(talk, "Ask")) == [{"error": "SystemExit: 2"}]
    assert [str(error) for error in seen] == ["SystemExit: 2"]


class Own(BasePlugin):
    async def on_tool_error_callback(self, **call: Any) -> Any:
        return {"own": str(call["error"])}


async def test_an_owners_plugin_comes_first() -> None:
    talk = talk_with(failing(ValueError("x")))
    talk.runner.plugin_manager.plugins.insert(0, Own("own"))
    assert results(await say(talk, "Ask")) == [{"own": "x"}]


# What the host reads


async def test_the_log_has_the_tool_and_the_traceback(caplog: pytest.LogCaptureFixture) -> None:
    await say(talk_with(failing(ConnectionRefusedError("crm")), calls=9), "Ask")
    told = [record for record in caplog.records if record.name.startswith("agent.")]
    assert [record.levelno for record in told] == [logging.ERROR] * 4
    for record in told:
        assert "ask_crm" in record.getMessage()
        assert record.exc_info
        assert "raise error" in logging.Formatter().format(record)


# What is no failure of the tool's


async def test_a_model_that_fails_in_an_agent_used_as_a_tool_is_told_as_a_model() -> None:
    class Forbidden(Exception):
        code = 403

    inner = Agent(name="ask_crm", model=ScriptedModel(scripts=[[Forbidden()]]))
    said = await say(talk_with(AgentTool(inner)), "Ask")
    assert notices(said)[0].startswith("This API key is not allowed to use the AI service")


async def test_a_tool_that_fails_in_an_agent_used_as_a_tool_is_told_to_that_agent() -> None:
    model = ScriptedModel(scripts=[[call("look")], ["Nothing there."]])

    def look() -> None:
        """Look."""
        raise SystemExit

    inner = Agent(name="ask_crm", model=model, tools=[look])
    said = await say(talk_with(AgentTool(inner)), "Ask")
    assert (answer(said), results(said)) == ("Sorry.", [{"result": "Nothing there."}])


async def test_that_agent_and_the_one_above_are_told_three_times_together() -> None:
    def look() -> None:
        """Look."""
        raise ValueError("dark")

    model = ScriptedModel(scripts=[[call("look", f"look-{number}")] for number in range(20)])
    inner = Agent(name="ask_crm", model=model, tools=[look])
    talk = talk_with(AgentTool(inner), calls=9)
    assert notices(await say(talk, "Ask"))[0].startswith('The tool "look" failed')
    assert (len(model.requests), len(model_of(talk).requests)) == (4, 1)


async def test_a_model_whose_answers_are_coalesced_fails_as_a_model() -> None:
    model = coalescing(ScriptedModel(scripts=[["One", TimeoutError()]]))
    [notice] = notices(await say(conversation(model), "Ask"))
    assert notice.startswith("The AI service took too long.")


async def test_an_agent_used_as_a_tool_without_plugins_ends_its_call_alone() -> None:
    def look() -> None:
        """Look."""
        raise SystemExit(5)

    inner = Agent(name="ask_crm", model=ScriptedModel(scripts=[[call("look")]]), tools=[look])
    said = await say(talk_with(AgentTool(inner, include_plugins=False)), "Ask")
    assert (answer(said), results(said)) == ("Sorry.", [{"error": "SystemExit: 5"}])


class Unreachable(BaseToolset):
    """A set of tools whose server is down."""

    error: type[BaseException] = ConnectionError

    async def get_tools(self, readonly_context: Any = None) -> list[BaseTool]:
        raise self.error("Failed to create MCP session")


class Rude(Unreachable):
    error = SystemExit


@pytest.mark.parametrize("toolset", [Unreachable, Rude])
async def test_tools_that_cannot_be_listed_are_named(toolset: type[BaseToolset]) -> None:
    def ask_crm() -> str:
        """Ask."""
        return "her address"

    said = await say(talk := talk_with(ask_crm, toolset()), "Ask")
    told = [
        f"Some of the agent's tools ({toolset.__name__}) cannot be reached at the moment, so it "
        "answered without them. If it happens again, tell the owner of this page."
    ]
    assert (answer(said), notices(said), results(said)) == (
        "Sorry.",
        told,
        [{"result": "her address"}],
    )
    [turn] = await talk.history()
    assert notices(turn.transcript) == told


class Unusable(BaseToolset):
    """A set of tools that is not ready when a model is asked."""

    async def get_tools(self, readonly_context: Any = None) -> list[BaseTool]:
        return []

    async def process_llm_request(self, **call: Any) -> None:
        raise ConnectionError("closed")


async def test_tools_without_which_there_is_no_answer_are_named() -> None:
    assert notices(await say(talk_with(Unusable()), "Ask")) == [
        "Some of the agent's tools (Unusable) cannot be reached, so it cannot answer. Try again in "
        "a moment; if it happens again, tell the owner of this page."
    ]


# Results that cannot be told


@dataclasses.dataclass
class Record:
    of: Any = None


class Model(BaseModel):
    of: Any = None


def round_dict() -> Any:
    result: dict[str, Any] = {"a": [1]}
    result["a"].append(({"b": result},))
    return result


def round_list() -> Any:
    result: list[Any] = [1]
    result.append(result)
    return [result]


def round_record() -> Any:
    result = Record()
    result.of = [result]
    return result


def round_model() -> Any:
    result = Model()
    result.of = {"x": result}
    return result


def deep() -> Any:
    result: Any = 1
    for _ in range(5000):
        result = [result]
    return result


ROUND = [round_dict, round_list, round_record, round_model, deep]


@pytest.mark.parametrize("make", ROUND)
async def test_a_result_that_holds_itself_is_told_as_a_failure(make: Callable[[], Any]) -> None:
    def ask_crm() -> Any:
        """Ask."""
        return make()

    said = await say(talk := talk_with(ask_crm), "Ask")
    assert (answer(said), notices(said)) == ("Sorry.", [])
    assert results(said) == [
        {"error": "ValueError: Its result holds itself, so that it cannot be told."}
    ]
    assert answer(await say(talk, "And now?")) == "Well."


@pytest.mark.parametrize("name", ["before_tool_callback", "after_tool_callback"])
async def test_so_is_what_a_callback_answers(name: str) -> None:
    def ask_crm() -> str:
        """Ask."""
        return "her address"

    callback: dict[str, Any] = {name: lambda *args, **call: round_dict()}
    said = await say(talk := talk_with(ask_crm, **callback), "Ask")
    assert (answer(said), notices(said)) == ("Sorry.", [])
    assert results(said) == [{"error": "Its result holds itself, so that it cannot be told."}]
    assert answer(await say(talk, "And now?")) == "Well."


async def test_a_result_may_have_any_names() -> None:
    def ask_crm() -> Any:
        """Ask."""
        return {1: "one", (1, 2): "two"}

    said = await say(talk_with(ask_crm), "Ask")
    assert results(said) == [{"1": "one", "(1, 2)": "two"}]


async def test_a_result_that_holds_the_same_twice_is_told() -> None:
    def ask_crm() -> Any:
        """Ask."""
        shared: Any = [1]
        for _ in range(12):
            shared = [shared, shared]
        return {"a": shared}

    assert "error" not in str(results(await say(talk_with(ask_crm), "Ask")))

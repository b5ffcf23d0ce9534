"""What fails in an agent's own code is told as the agent's, and ends that turn alone."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any, cast

import pytest
from google.adk.agents import Agent, BaseAgent
from google.adk.agents.invocation_context import InvocationContext
from google.adk.apps import App
from google.adk.events import Event
from google.adk.plugins import BasePlugin
from google.adk.runners import Runner
from google.adk.sessions import InMemorySessionService
from google.adk.workflow import START, Workflow
from google.genai import types

from agent.chat.conversation import Conversation
from agent.core.settings import Settings
from agent.core.transcript import answer
from tests.support.app_setup import conversation, notices, say, until
from tests.support.scripted_model import ScriptedModel, call

OWN_FAULT = (
    "Something in the agent itself failed, so it could not finish. Try again; if it happens again, "
    "tell the owner of this page."
)


WELL = types.ModelContent("Well.")


class Strange(BaseException):
    """What no `except Exception` sees."""


class Unauthorized(Exception):
    """As the clients of many services have it."""

    code = 401


ERRORS = [SystemExit, KeyboardInterrupt, asyncio.CancelledError, GeneratorExit, Strange]
ERRORS += [Unauthorized, TimeoutError, ConnectionRefusedError, StopIteration, StopAsyncIteration]


class Fault:
    """Fails in the first turn."""

    def __init__(self, error: type[BaseException], is_async: bool) -> None:
        self._errors = [error]
        self.callback = self._fail_async if is_async else self._fail

    def _fail(self, *args: Any, **options: Any) -> None:
        if self._errors:
            raise self._errors.pop()

    async def _fail_async(self, *args: Any, **options: Any) -> None:
        await asyncio.sleep(0)
        self._fail()


def look() -> str:
    """Look."""
    return "nothing"


def talk_with(**agent: Any) -> Conversation:
    scripts: list[list[Any]] = [[call("look")], ["Seen."], ["Well."], ["Well."]]
    return conversation(ScriptedModel(scripts=scripts), {"tools": [look], **agent})


def model_of(talk: Conversation) -> ScriptedModel:
    return cast(ScriptedModel, cast(Agent, talk.runner.agent).model)


CALLBACKS = ["before_agent_callback", "after_agent_callback", "before_model_callback"]
CALLBACKS += ["after_model_callback", "before_tool_callback", "after_tool_callback"]


@pytest.mark.parametrize("is_async", [False, True])
@pytest.mark.parametrize("error", ERRORS)
@pytest.mark.parametrize("name", CALLBACKS)
async def test_a_callback_that_fails_ends_its_turn_alone(
    name: str, error: type[BaseException], is_async: bool
) -> None:
    talk = talk_with(**{name: Fault(error, is_async).callback})
    assert notices(await say(talk, "Go")) == [OWN_FAULT]
    model_of(talk).scripts = [["Well."]]
    assert answer(await say(talk, "And now?")) == "Well."


@pytest.mark.parametrize("name", ["before_tool_callback", "after_tool_callback"])
async def test_a_callback_that_is_given_a_tool_is_not_that_tool(name: str) -> None:
    def callback(tool: Any, args: Any, tool_context: Any, tool_response: Any = None) -> None:
        raise ValueError(tool.name)

    assert notices(await say(talk_with(**{name: callback}), "Go")) == [OWN_FAULT]


HOOKS = ["on_user_message_callback", "before_run_callback", "on_event_callback"]
HOOKS += CALLBACKS


@pytest.mark.parametrize("error", ERRORS)
@pytest.mark.parametrize("name", HOOKS)
async def test_a_plugin_that_fails_ends_its_turn_alone(
    name: str, error: type[BaseException]
) -> None:
    plugin = BasePlugin("own")
    setattr(plugin, name, Fault(error, True).callback)
    talk = talk_with()
    talk.runner.plugin_manager.plugins.insert(0, plugin)
    assert notices(await say(talk, "Go")) == [OWN_FAULT]
    model_of(talk).scripts = [["Well."]]
    assert answer(await say(talk, "And now?")) == "Well."


class Broken(BaseAgent):
    fault: Any

    async def _run_async_impl(self, ctx: InvocationContext) -> AsyncGenerator[Event, None]:
        await self.fault()
        yield Event(author=self.name, content=WELL)


def conversation_of(root: Any) -> Conversation:
    app = App.model_construct(name="test", root_agent=root, plugins=[])
    store = InMemorySessionService()
    return Conversation(Runner(app_name="test", app=app, session_service=store), Settings())


@pytest.mark.parametrize("error", ERRORS)
async def test_an_agent_of_a_class_of_its_own_ends_its_turn_alone(
    error: type[BaseException],
) -> None:
    talk = conversation_of(Broken(name="broken", fault=Fault(error, True).callback))
    assert notices(await say(talk, "Go")) == [OWN_FAULT]
    assert answer(await say(talk, "And now?")) == "Well."


@pytest.mark.parametrize("is_async", [False, True])
@pytest.mark.parametrize("error", ERRORS)
async def test_a_step_of_a_graph_ends_its_turn_alone(
    error: type[BaseException], is_async: bool
) -> None:
    fault = Fault(error, is_async).callback

    def step(node_input: Any) -> Event:
        fault()
        return Event(author="step", content=WELL)

    async def async_step(node_input: Any) -> Event:
        await fault()  # type: ignore[misc]
        return Event(author="step", content=WELL)

    graph = Workflow(name="graph", edges=[(START, async_step if is_async else step)])
    talk = conversation_of(graph)
    assert notices(await say(talk, "Go")) == [OWN_FAULT]
    assert answer(await say(talk, "And now?")) == "Well."


@pytest.mark.parametrize("error", [SystemExit, KeyboardInterrupt, Strange])
async def test_a_task_that_an_agent_has_begun_ends_alone(error: type[BaseException]) -> None:
    async def fail() -> None:
        raise error

    async def begin(**options: Any) -> None:
        task = asyncio.create_task(fail())
        with pytest.raises(Exception, match=error.__name__):
            await task

    assert answer(await say(talk_with(before_agent_callback=begin), "Go")) == "Seen."


async def test_a_stop_is_still_a_stop() -> None:
    begun = asyncio.Event()

    async def wait() -> None:
        """Wait."""
        begun.set()
        await asyncio.Event().wait()

    talk = conversation(ScriptedModel(scripts=[["One", call("wait")]]), {"tools": [wait]})
    turn = talk.ask("Go")
    await begun.wait()
    turn.stop()
    said = await turn.finish()
    assert (answer(said), notices(said)) == ("One", ["Stopped."])


async def test_a_task_that_is_cancelled_is_no_failure(caplog: pytest.LogCaptureFixture) -> None:
    talk = conversation(ScriptedModel(scripts=[["One", asyncio.Event()]]))
    turn = talk.ask("Go")
    await until(turn, "One")
    assert turn._task
    turn._task.cancel()
    assert notices(await turn.finish()) == ["Stopped: the app was shut down."]
    assert [record for record in caplog.records if record.name.startswith("agent.")] == []


async def test_what_the_agents_own_code_raises_is_logged_with_its_traceback(
    caplog: pytest.LogCaptureFixture,
) -> None:
    await say(talk_with(before_model_callback=Fault(Unauthorized, True).callback), "Go")
    [record] = [record for record in caplog.records if record.name == "agent.chat.turn"]
    assert record.getMessage().startswith("Agent failed. Unauthorized (Something in the agent")
    assert "in _fail_async" in caplog.text


async def test_a_model_of_a_class_of_its_own_is_told_as_a_model(
    caplog: pytest.LogCaptureFixture,
) -> None:
    talk = conversation(ScriptedModel(scripts=[["One", Unauthorized("it says")]]))
    [notice] = notices(await say(talk, "Go"))
    assert notice.startswith("The API key was not accepted.")
    [record] = [record for record in caplog.records if record.name == "agent.chat.turn"]
    assert record.getMessage().startswith("Model failed. Unauthorized: it says (The API key")
    assert record.exc_info is None


@pytest.mark.parametrize("error", ERRORS)
async def test_whatever_a_model_raises_ends_its_turn_alone(error: type[BaseException]) -> None:
    talk = conversation(ScriptedModel(scripts=[["One", error()], ["Well."]]))
    said = await say(talk, "Go")
    assert (answer(said), len(notices(said))) == ("One", 1)
    assert answer(await say(talk, "And now?")) == "Well."


async def test_an_agent_that_is_made_in_a_turn_is_told_of_a_tool_too() -> None:
    def broken() -> None:
        """Break."""
        raise SystemExit

    model = ScriptedModel(scripts=[[call("broken")], ["Sorry."]])

    class Maker(BaseAgent):
        async def _run_async_impl(self, ctx: InvocationContext) -> AsyncGenerator[Event, None]:
            async for event in Agent(name="made", model=model, tools=[broken]).run_async(ctx):
                yield event

    talk = conversation_of(Maker(name="maker"))
    talk.runner.plugin_manager.plugins += talk_with().runner.plugin_manager.plugins
    assert answer(await say(talk, "Go")) == "Sorry."

"""What a person answers reaches the model as it does by ADK's own Runner."""

from typing import Any

import pytest
from google.adk.agents.run_config import RunConfig, StreamingMode
from google.adk.events import Event
from google.adk.runners import InMemoryRunner
from google.genai import types

from agent.chat.conversation import Conversation
from agent.core.pauses import Reply
from agent.core.question import Question
from agent.core.settings import Settings
from agent.core.waiting import open_calls, open_pauses
from tests.support.app_setup import GEMINI, loaded_root, say
from tests.support.fake_gemini import Call, FakeGemini
from tests.support.waiting_agents import GEMINI_PAYS, agent

pytestmark = pytest.mark.usefixtures("nothing_done")


async def by_adk(tools: tuple[str, ...], *said: dict[str, Any]) -> None:
    """The same talk with ADK alone; `said` by the names of the calls that are answered."""
    runner = InMemoryRunner(agent(GEMINI, *tools), app_name="test")
    session = await runner.session_service.create_session(app_name="test", user_id="u")
    mode = RunConfig(streaming_mode=StreamingMode.SSE)

    async def run(**what: Any) -> list[Event]:
        about: Any = {"user_id": "u", "session_id": session.id, "run_config": mode}
        return [event async for event in runner.run_async(**about, **what)]

    events = await run(new_message=types.UserContent("Do it"))
    for responses in said:
        asked = {
            call.name: (call.id, event.invocation_id)
            for event in events
            for call in event.get_function_calls()
            if call.id in (event.long_running_tool_ids or ())
        }
        parts = []
        for name, response in responses.items():
            id, invocation_id = asked[name]
            given = types.FunctionResponse(id=id, name=name, response=response)
            parts.append(types.Part(function_response=given))
        events = await run(
            invocation_id=invocation_id, new_message=types.Content(role="user", parts=parts)
        )
    await run(new_message=types.UserContent("Bye"))


async def by_page(tools: tuple[str, ...], *said: Any) -> None:
    talk = Conversation(loaded_root(agent(GEMINI, *tools)).runner, Settings())
    transcript = await say(talk, "Do it")
    for what in said:
        question = Question(results=dict.fromkeys(open_calls(transcript), what))
        if isinstance(what, Reply):
            question = Question(replies={pause.id: what for pause in open_pauses(transcript)})
        transcript = await talk.ask(question).finish()
    await say(talk, "Bye")


def unsigned(body: Any) -> Any:
    """A request's body without its signatures, of which the fake Gemini gives none twice."""
    match body:
        case dict():
            return {
                name: name if name == "thoughtSignature" else unsigned(value)
                for name, value in body.items()
            }
        case list():
            return [unsigned(value) for value in body]
    return body


CONFIRM = "adk_request_confirmation"

BOOKS = Call("book", {"place": "Rome"}, "call-1")

CHOOSES = Call("get_user_choice", {"options": ["red", "blue"]}, "call-1")

ASKS_BOSS = Call("ask_boss", {"amount": 9}, "call-1")


@pytest.mark.parametrize(
    ("call", "ours", "adks"),
    [
        (GEMINI_PAYS, Reply(), {CONFIRM: {"confirmed": True}}),
        (GEMINI_PAYS, Reply(form={"arguments.amount": "1"}), {CONFIRM: {"confirmed": True}}),
        (GEMINI_PAYS, Reply(is_approved=False), {CONFIRM: {"confirmed": False}}),
        (BOOKS, Reply(), {CONFIRM: {"confirmed": True, "payload": {"nights": 2}}}),
        (
            BOOKS,
            Reply(form={"nights": "5"}),
            {CONFIRM: {"confirmed": True, "payload": {"nights": 5}}},
        ),
        (CHOOSES, Reply(value="blue"), {"get_user_choice": {"result": "blue"}}),
        (ASKS_BOSS, {"status": "yes"}, {"ask_boss": {"status": "yes"}}),
    ],
)
async def test_the_model_is_asked_as_adk_itself_would_ask_it(
    gemini: FakeGemini, call: Call, ours: Any, adks: dict[str, Any]
) -> None:
    steps: list[list[Any]] = [[call], ["Done."], ["Bye."]]
    if call is ASKS_BOSS:  # The model speaks before there is a result, too.
        steps[1:1] = [["Asked."]]
    for script in steps * 2:
        gemini.enqueue(*script)
    await by_page((call.name,), ours)
    await by_adk((call.name,), adks)
    bodies = [unsigned(request.body) for request in gemini.requests]
    assert len(bodies) == 2 * len(steps)
    assert bodies[: len(steps)] == bodies[len(steps) :]

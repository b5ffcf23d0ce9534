"""An agent whose work goes over several messages, which ADK stores as one invocation."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from google.adk.agents.run_config import RunConfig, StreamingMode
from google.adk.runners import InMemoryRunner
from google.adk.sessions import BaseSessionService, DatabaseSessionService, InMemorySessionService
from google.adk.sessions.sqlite_session_service import SqliteSessionService
from google.adk.workflow import BaseNode
from google.genai import types

from agent.chat.conversation import Conversation
from agent.core.pauses import REJECTED, Reply
from agent.core.question import Question
from agent.core.settings import Settings
from agent.core.transcript import ToolCall, Transcript, answer, notices
from agent.core.waiting import open_pauses
from tests.support.app_setup import GEMINI, loaded_root, say
from tests.support.fake_gemini import Call, FakeGemini
from tests.support.scripted_model import ScriptedModel, call, contents, scripted
from tests.support.task_agents import seller, waiter
from tests.support.waiting_agents import DONE, PAY

pytestmark = pytest.mark.usefixtures("nothing_done")

ORDERS = call("orders", id="task-1", request="food")

FINISHES = call("finish_task", id="finish-1", food="soup")


def talk_with(root: BaseNode, **settings: Any) -> Conversation:
    return Conversation(loaded_root(root).runner, Settings(**settings))


def of(transcript: Transcript, name: str) -> ToolCall:
    (found,) = (e for e in transcript if isinstance(e, ToolCall) and e.name == name)
    return found


async def told(talk: Conversation) -> list[tuple[str, str]]:
    """What another process would show."""
    again = Conversation(talk.runner, Settings(), talk.user_id, talk.session_id, is_stored=True)
    return [(turn.question, answer(turn.transcript)) for turn in await again.history()]


async def ordered(
    *more: tuple[Any, ...], store: BaseSessionService | None = None
) -> tuple[ScriptedModel, Conversation]:
    """A talk in which a task has been begun and goes on with the second message."""
    model = scripted((ORDERS,), ("What would you like?",), ("How big?",), *more)
    talk = talk_with(waiter(model))
    talk.runner.session_service = store or talk.runner.session_service
    await say(talk, "I am hungry")
    await say(talk, "soup")
    return model, talk


TALK = [("I am hungry", "What would you like?"), ("soup", "How big?")]


async def test_each_message_is_a_turn_of_its_own() -> None:
    _, talk = await ordered((FINISHES,), ("Coming up.",), ("Bye.",))
    await say(talk, "large")
    await say(talk, "Bye")
    assert await told(talk) == [*TALK, ("large", "Coming up."), ("Bye", "Bye.")]
    shown = [turn.transcript for turn in await talk.history()]
    assert [notices(transcript) for transcript in shown] == [[], [], [], []]
    assert len({turn.id for turn in await talk.history()}) == 4
    assert of(shown[0], "orders").result is not None


async def test_the_tool_that_a_task_is_waits_between_its_messages_and_has_not_failed() -> None:
    _, talk = await ordered()
    first, _ = [turn.transcript for turn in await talk.history()]
    waits = of(first, "orders")
    assert (waits.waits_for, waits.result, waits.seconds) == ("person", None, None)


async def test_a_page_is_told_that_an_answer_above_has_changed_once_the_task_is_done() -> None:
    _, talk = await ordered((FINISHES,), ("Coming up.",))
    turn = talk.ask("large")
    await turn.finish()
    assert turn.changes_earlier


@pytest.mark.parametrize("kind", ["memory", "sqlite", "database"])
async def test_a_later_message_is_taken_back_alone(kind: str, tmp_path: Path) -> None:
    stores: dict[str, Callable[[], BaseSessionService]] = {
        "memory": lambda: InMemorySessionService(),
        "sqlite": lambda: SqliteSessionService(f"{tmp_path}/chats.db"),
        "database": lambda: DatabaseSessionService(f"sqlite+aiosqlite:///{tmp_path}/chats.db"),
    }
    store = stores[kind]()
    model, talk = await ordered(("How thick?",), store=store)
    await say(talk, "stew", kept=1)
    assert await told(talk) == [TALK[0], ("stew", "How thick?")]
    said = " ".join(text for _, text in contents(model.requests[-1]))
    assert "soup" not in said
    assert "stew" in said
    if isinstance(store, DatabaseSessionService):
        await store.close()


async def test_undo_and_undo_again_leave_what_was_said_before() -> None:
    model, talk = await ordered(("Done.",))
    for left in (TALK[:1], []):
        await talk.undo({(await talk.history())[-1].id})
        assert await told(talk) == left
    await say(talk, "Hi")
    assert contents(model.requests[-1]) == [("user", "Hi")]


async def test_a_message_that_was_stored_again_keeps_its_turns_id() -> None:
    _, talk = await ordered(("How thick?",), ("Fine.",))
    ids = [turn.id for turn in await talk.history()]
    await say(talk, "large")
    await talk.undo({(await talk.history())[-1].id})
    assert [turn.id for turn in await talk.history()] == ids


async def test_however_few_events_are_read_a_task_keeps_its_beginning() -> None:
    model = scripted((ORDERS,), ("What would you like?",), ("How big?",), ("How hot?",))
    talk = talk_with(waiter(model), history_events=2)
    for message in ("I am hungry", "soup", "large"):
        await say(talk, message)
    said = " ".join(text for _, text in contents(model.requests[-1]))
    assert all(words in said for words in ("soup", "How big?", "large"))


@pytest.mark.parametrize("approved", [True, False])
async def test_an_approval_within_a_task_goes_on_with_it(approved: bool) -> None:
    model = scripted((ORDERS,), ("What would you like?",), (PAY,), ("Anything else?",))
    talk = talk_with(waiter(model))
    await say(talk, "I am hungry")
    (asked,) = open_pauses(await say(talk, "soup"))
    said = await talk.ask(Question(replies={asked.id: Reply(approved)})).finish()
    assert (answer(said), notices(said)) == ("Anything else?", [])
    assert ([("pay", 1, "Ann")] if approved else []) == DONE
    assert await told(talk) == [TALK[0], ("soup", "Anything else?")]


async def test_a_message_in_place_of_an_approval_within_a_task_is_told_to_its_agent() -> None:
    model = scripted((ORDERS,), ("What would you like?",), (PAY,), ("All right.",))
    talk = talk_with(waiter(model))
    await say(talk, "I am hungry")
    await say(talk, "soup")
    said = await say(talk, "Never mind")
    assert (answer(said), notices(said), DONE) == ("All right.", [], [])
    parts = [part for content in model.requests[-1].contents for part in content.parts or []]
    results = [part.function_response.response for part in parts if part.function_response]
    assert {"error": REJECTED} in results
    assert [question for question, _ in await told(talk)] == ["I am hungry", "soup", "Never mind"]


# A node that is called as a tool


SELLS = call("discount", id="node-1", tier="VIP")


async def asked_for_discount(*more: tuple[Any, ...]) -> tuple[ScriptedModel, Conversation]:
    model = scripted((SELLS,), *more)
    talk = talk_with(seller(model))
    await say(talk, "Sell")
    return model, talk


async def test_the_tool_around_what_is_asked_waits_and_has_not_failed() -> None:
    _, talk = await asked_for_discount()
    for history in (await talk.history(), [(await talk.history())[0]]):
        waits = of(history[0].transcript, "discount")
        assert (waits.waits_for, waits.seconds, notices(history[0].transcript)) == (
            *("person", None),
            [],
        )


async def test_with_the_reply_it_goes_on_to_its_result() -> None:
    _, talk = await asked_for_discount(("Sold.",))
    (asked,) = open_pauses((await talk.history())[0].transcript)
    said = await talk.ask(Question(replies={asked.id: Reply(value="yes")})).finish()
    assert (of(said, "discount").waits_for, answer(said)) == (None, "Sold.")
    assert DONE == [("discount", "VIP", "yes")]
    assert [turn.transcript for turn in await talk.history()] == [said]


async def test_a_message_in_place_of_the_reply_ends_it_as_declined() -> None:
    model, talk = await asked_for_discount(("Hello.",))
    said = await say(talk, "Hi")
    assert (answer(said), notices(said), DONE) == ("Hello.", [], [])
    first = (await talk.history())[0].transcript
    assert of(first, "discount").result == {"error": REJECTED}
    assert notices(first) == []
    parts = [part for content in model.requests[-1].contents for part in content.parts or []]
    called = {part.function_call.id for part in parts if part.function_call}
    assert called == {part.function_response.id for part in parts if part.function_response}


async def test_who_does_not_answer_an_input_is_told_of_no_failure() -> None:
    _, talk = await asked_for_discount(("Hello.",))
    (asked,) = open_pauses((await talk.history())[0].transcript)
    no = Reply(is_approved=False)
    said = await talk.ask(Question(replies={asked.id: no})).finish()
    assert (notices(said), open_pauses(said), DONE) == ([], [], [])
    assert answer(await say(talk, "Hi")) == "Hello."


# As ADK itself would ask the model


async def test_the_model_is_asked_as_adk_itself_would_ask_it(gemini: FakeGemini) -> None:
    steps: list[list[Any]] = [
        [Call("orders", {"request": "food"}, "task-1")],
        *(["What would you like?"], ["How big?"], ["How hot?"]),
        [Call("finish_task", {"food": "soup"}, "finish-1")],
        ["Coming up."],
    ]
    messages = ["I am hungry", "soup", "large", "hot"]
    for script in steps * 2:
        gemini.enqueue(*script)
    talk = talk_with(waiter(GEMINI))
    for message in messages:
        await say(talk, message)
    runner = InMemoryRunner(waiter(GEMINI), app_name="test")
    session = await runner.session_service.create_session(app_name="test", user_id="u")
    for message in messages:
        async for _ in runner.run_async(
            user_id="u",
            session_id=session.id,
            new_message=types.UserContent(message),
            run_config=RunConfig(streaming_mode=StreamingMode.SSE),
        ):
            pass
    asked = [request.conversation for request in gemini.requests]
    assert asked[: len(steps)] == asked[len(steps) :]

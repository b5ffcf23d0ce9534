"""The session and the screen: what the model is told next is what the visitor sees."""

import asyncio

from google.adk.events import Event
from google.adk.models import LlmResponse
from google.genai import types

from agent.chat.conversation import Conversation
from agent.core.notices import SENTENCES
from agent.core.question import Options, Question
from agent.core.transcript import Text, ToolCall, answer
from tests.support.app_setup import below, conversation, notices, say, until
from tests.support.scripted_model import call, contents, scripted, thought


async def stored(talk: Conversation) -> list[Event]:
    session = await talk.runner.session_service.get_session(
        app_name="test", user_id=talk.user_id, session_id=str(talk.session_id)
    )
    assert session
    return session.events


async def test_an_answer_is_shown_once_and_equals_what_is_stored() -> None:
    talk = conversation(scripted((thought("Hm."), "Hel", "lo")))
    said = await say(talk, "Hi")
    assert answer(said) == "Hello"
    assert [part.text for part in (await stored(talk))[-1].content.parts] == ["Hm.", "Hello"]  # type: ignore


async def test_the_agent_remembers_the_turns_before() -> None:
    model = scripted(("one",), ("two",))
    talk = conversation(model)
    await say(talk, "first")
    await say(talk, "second")
    assert contents(model.requests[1]) == [
        ("user", "first"),
        ("model", "one"),
        ("user", "second"),
    ]


async def test_two_conversations_know_nothing_of_each_other() -> None:
    model = scripted(("one",), ("two",))
    ann = conversation(model)
    bob = Conversation(ann.runner, ann.settings)
    await say(ann, "I am Ann")
    await say(bob, "Who am I?")
    assert contents(model.requests[1]) == [("user", "Who am I?")]
    assert ann.user_id != bob.user_id


async def test_retry_asks_again_as_if_for_the_first_time() -> None:
    model = scripted(("one",), ("two",), ("two, again",))
    talk = conversation(model)
    await say(talk, "first", kept=0)
    await say(talk, "second", kept=1)
    await say(talk, "second", kept=1)
    assert contents(model.requests[2]) == contents(model.requests[1])


async def test_an_edited_message_takes_all_that_followed_it_away() -> None:
    model = scripted(("one",), ("two",), ("three",), ("other",))
    talk = conversation(model)
    for kept, message in enumerate(("first", "second", "third")):
        await say(talk, message, kept)
    await say(talk, "second, edited", kept=1)
    assert contents(model.requests[3]) == [
        ("user", "first"),
        ("model", "one"),
        ("user", "second, edited"),
    ]


async def test_a_cleared_page_starts_from_nothing() -> None:
    model = scripted(("one",), ("two",))
    talk = conversation(model)
    await say(talk, "first", kept=0)
    await say(talk, "second", kept=0)
    assert contents(model.requests[1]) == [("user", "second")]


async def test_a_stopped_answer_is_remembered_as_far_as_it_was_shown() -> None:
    model = scripted(("Once upon a", asyncio.Event(), " time"), ("Sure.",))
    talk = conversation(model)
    turn = talk.ask("A story")
    await until(turn, "Once upon a")
    assert notices(await talk.stop()) == ["Stopped."]
    await say(talk, "Go on")
    assert contents(model.requests[1]) == [
        ("user", "A story"),
        ("model", "Once upon a"),
        ("user", "Go on"),
    ]
    assert [event.interrupted for event in await stored(talk) if event.interrupted] == [True]


async def test_a_stopped_answer_can_be_retried() -> None:
    model = scripted(("Once", asyncio.Event()), ("Whole.",))
    talk = conversation(model)
    await until(talk.ask("A story"), "Once")
    await talk.stop()
    await say(talk, "A story", kept=0)
    assert contents(model.requests[1]) == [("user", "A story")]


async def test_a_failed_answer_is_remembered_as_far_as_it_was_shown() -> None:
    model = scripted(("Half", KeyError("x")), ("Whole.",))
    talk = conversation(model)
    failed = await say(talk, "Tell me")
    assert failed[0] == Text("Half", ("helper", None), "cut")
    await say(talk, "Again")
    assert contents(model.requests[1]) == [
        ("user", "Tell me"),
        ("model", "Half"),
        ("user", "Again"),
    ]


async def test_a_stopped_tool_leaves_no_call_without_an_answer() -> None:
    started = asyncio.Event()

    async def wait_for_ever() -> str:
        """Wait."""
        started.set()
        await asyncio.Event().wait()
        return "never"

    model = scripted((call("wait_for_ever"),), ("Fine.",))
    talk = conversation(model, {"tools": [wait_for_ever]})
    turn = talk.ask("Wait")
    await started.wait()
    await talk.stop()
    tools = [entry for entry in turn.transcript if isinstance(entry, ToolCall)]
    assert [tool.seconds is None for tool in tools] == [False]
    assert answer(await say(talk, "And now?")) == "Fine."


async def test_a_second_message_is_refused_while_the_first_is_answered() -> None:
    let_go = asyncio.Event()
    model = scripted(("Wait", let_go, " for it."), ("Next.",))
    talk = conversation(model)
    first = talk.ask("One")
    await until(first, "Wait")
    assert notices(await say(talk, "Two")) == [SENTENCES["busy"]]
    let_go.set()
    assert answer(await first.finish()) == "Wait for it."
    await say(talk, "Three")
    assert contents(model.requests[1]) == [
        ("user", "One"),
        ("model", "Wait for it."),
        ("user", "Three"),
    ]


async def test_a_turn_waits_for_the_one_before_to_stop() -> None:
    model = scripted(("Old", asyncio.Event()), ("New.",))
    talk = conversation(model)
    old = talk.ask(below(talk, 0, "One"))
    await until(old, "Old")
    old.stop()
    assert answer(await say(talk, "One, edited", kept=0)) == "New."
    assert contents(model.requests[1]) == [("user", "One, edited")]


async def test_an_empty_message_is_not_sent_and_no_turn() -> None:
    model = scripted(("one",), ("two",), ("two, again",))
    talk = conversation(model)
    await say(talk, "first", kept=0)
    assert notices(await say(talk, " \n", kept=1)) == [SENTENCES["no_message"]]
    assert notices(await say(talk, "", kept=1)) == [SENTENCES["no_message"]]
    await say(talk, "second", kept=1)
    await say(talk, "second", kept=1)
    assert contents(model.requests[2]) == contents(model.requests[1])
    assert len(model.requests) == 3


async def test_a_page_that_shows_more_than_is_known_is_told_so() -> None:
    model = scripted(("Hello.",), ("Hello again.",))
    talk = conversation(model)
    assert notices(await say(talk, "third", kept=2)) == [SENTENCES["not_remembered"]]
    assert notices(await say(talk, "third", kept=0)) == []
    assert contents(model.requests[1]) == [("user", "third")]


async def test_a_session_that_vanished_is_begun_anew_by_retry() -> None:
    model = scripted(("one",), ("new",))
    talk = conversation(model)
    await say(talk, "first", kept=0)
    lost = {"app_name": "test", "user_id": talk.user_id, "session_id": str(talk.session_id)}
    await talk.runner.session_service.delete_session(**lost)
    assert "say it again" in notices(await say(talk, "second", kept=1))[0]
    assert answer(await say(talk, "second", kept=1)) == "new"


async def test_a_session_that_vanished_can_be_retried_from_the_last_turn_too() -> None:
    model = scripted(("one",), ("new",))
    talk = conversation(model)
    await say(talk, "first", kept=0)
    lost = {"app_name": "test", "user_id": talk.user_id, "session_id": str(talk.session_id)}
    await talk.runner.session_service.delete_session(**lost)
    assert "say it again" in notices(await say(talk, "first", kept=0))[0]
    assert answer(await say(talk, "first", kept=0)) == "new"


async def test_a_forgotten_conversation_leaves_nothing_in_the_store() -> None:
    talk = conversation(scripted(("Hel", asyncio.Event())))
    await until(talk.ask("Hi"), "Hel")
    await talk.forget()
    sessions = await talk.runner.session_service.list_sessions(app_name="test")
    assert sessions.sessions == []


async def test_the_model_is_shown_whole_turns_within_its_limit_of_events() -> None:
    def look() -> str:
        """Look."""
        return "seen"

    model = scripted(("one",), (call("look"),), ("two",), ("three",), ("four",))
    talk = conversation(model, {"tools": [look]}, history_events=5)
    for message in ("first", "second", "third"):
        await say(talk, message)
    assert [text for _, text in contents(model.requests[-1])][-1] == "third"
    assert contents(model.requests[-1])[0] == ("user", "second")
    await say(talk, "fourth")
    assert contents(model.requests[-1]) == [
        ("user", "third"),
        ("model", "three"),
        ("user", "fourth"),
    ]


async def test_rewound_turns_do_not_use_the_limit_up() -> None:
    model = scripted(("one",), *[("two",)] * 6)
    talk = conversation(model, history_events=2)
    await say(talk, "first", kept=0)
    for _ in range(6):
        await say(talk, "second", kept=1)
    assert contents(model.requests[-1]) == [
        ("user", "first"),
        ("model", "one"),
        ("user", "second"),
    ]


async def test_halves_of_characters_never_reach_the_model() -> None:
    model = scripted(("one",))
    await say(conversation(model), "a\ud800b\0c \ud83d\ude42")
    assert contents(model.requests[0]) == [("user", "a\ufffdbc \U0001f642")]


async def test_a_model_that_only_sends_partials_is_remembered_too() -> None:
    partial = types.ModelContent("Only in parts.")
    model = scripted((LlmResponse(content=partial, partial=True),), ("two",))
    talk = conversation(model)
    first = await say(talk, "first")
    assert (answer(first), notices(first)) == ("Only in parts.", [])
    await say(talk, "second")
    assert contents(model.requests[1])[1] == ("model", "Only in parts.")


async def test_nothing_that_fails_in_a_turn_raises_out_of_it() -> None:
    talk = conversation(scripted())  # A model without a script: an IndexError.
    assert notices(await say(talk, "Hi"))[0].startswith("Something in the agent itself failed")
    talk.runner.session_service.append_event = None  # type: ignore
    assert notices(await say(talk, "Hi"))[0].startswith("Something in the agent itself failed")


async def test_what_the_agent_says_unasked_belongs_to_the_turn_before() -> None:
    model = scripted(("one",), ("two",), ("two, again",))
    talk = conversation(model)
    await say(talk, "first")
    await say(talk, "second")
    session = await talk.session()
    assert session
    unasked = Event(author="helper", content=types.ModelContent("By the way."))
    await talk.runner.session_service.append_event(session, unasked)
    turns = await talk.history()
    assert [turn.question for turn in turns] == ["first", "second"]
    said = [entry.text for entry in turns[1].transcript if isinstance(entry, Text)]
    assert said == ["two", "By the way."]
    await say(talk, "second", kept=1)
    assert contents(model.requests[2]) == contents(model.requests[1])


# What was said elsewhere


def earlier(*said: tuple[str, str]) -> list[types.Content]:
    return [types.Content(role=role, parts=[types.Part(text=text)]) for role, text in said]


async def test_what_was_said_elsewhere_is_remembered() -> None:
    model = scripted(("three",), ("four",))
    talk = conversation(model)
    said = [("user", "one"), ("model", "two")]
    await talk.ask(Question("go on", earlier=earlier(*said))).finish()
    await say(talk, "and on")
    assert contents(model.requests[0]) == [*said, ("user", "go on")]
    assert contents(model.requests[1])[2:] == [
        ("user", "go on"),
        ("model", "three"),
        ("user", "and on"),
    ]


async def test_of_what_was_said_elsewhere_the_latest_whole_turns_are_told() -> None:
    model = scripted(("three",))
    said = [("user", "one"), ("model", "one!"), ("user", "two"), ("model", "two!")]
    await (
        conversation(model, history_events=3)
        .ask(Question("go on", earlier=earlier(*said)))
        .finish()
    )
    assert contents(model.requests[0]) == [*said[2:], ("user", "go on")]


# Without streaming


async def test_without_streaming_the_answer_comes_in_one_piece() -> None:
    whole = conversation(scripted(("Hel", "lo")))
    turn = whole.ask(Question("Hi", options=Options(streaming=False)))
    assert (answer(await turn.finish()), turn.figures.chunks) == ("Hello", 1)

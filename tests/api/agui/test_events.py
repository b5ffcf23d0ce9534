"""Answers by AG-UI: which events, in which order, and what a client has in the end."""

import asyncio
import json
import re
import threading
from collections.abc import AsyncGenerator

import httpx
import pytest
from google.adk.agents import Agent, BaseAgent, InvocationContext
from google.adk.events import Event

from agent.core.notices import SENTENCES
from tests.support.agui_client import Thread
from tests.support.app_setup import GEMINI, launched, loaded, loaded_root
from tests.support.events import chunk, result, whole
from tests.support.fake_gemini import (
    Call,
    Cut,
    FakeGemini,
    Finish,
    Grounded,
    Hang,
    Status,
    Until,
)
from tests.support.grounded import ANSWER, FACTS
from tests.support.hard_texts import HARD_STREAM_TEXTS
from tests.support.scripted_model import call
from tests.support.sse_client import enqueue_everything

pytestmark = pytest.mark.slow

ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\.e-[0-9a-f-]{36}\.[\w-]+")


def test_an_answer_with_all_that_there_is(thread: Thread, gemini: FakeGemini) -> None:
    gates = enqueue_everything(gemini)
    for event in thread.stream_of("Hi"):
        # The model goes on only when the client has what it has said.
        if gates and event["type"].endswith("CONTENT"):
            gates.pop(0).set()
    picture = thread.outline()[-2][1]
    assert thread.outline() == [
        ("REASONING_START",),
        ("REASONING_MESSAGE_START",),
        ("REASONING_MESSAGE_CONTENT", "Hm."),
        ("REASONING_MESSAGE_END",),
        ("REASONING_END",),
        ("TEXT_MESSAGE_START",),
        ("TEXT_MESSAGE_CONTENT", "Let me see. "),
        ("TEXT_MESSAGE_END",),
        ("TOOL_CALL_START", "sky"),
        ("TOOL_CALL_ARGS", '{"city": "Oslo"}'),
        ("TOOL_CALL_END",),
        ("TOOL_CALL_RESULT", '{"colour": "blue over Oslo"}'),
        ("TEXT_MESSAGE_START",),
        ("TEXT_MESSAGE_CONTENT", "It is blue."),
        ("TEXT_MESSAGE_END",),
        ("TEXT_MESSAGE_START",),
        ("TEXT_MESSAGE_CONTENT", picture),
        ("TEXT_MESSAGE_END",),
    ]
    first, *_, last = thread.events
    assert first == {
        "type": "RUN_STARTED",
        "threadId": thread.id,
        "runId": last["runId"],
        "protocolVersion": "1.0",
    }
    tokens = {"inputTokens": 14, "outputTokens": 10, "totalTokens": 24}
    assert last == {
        "type": "RUN_FINISHED",
        "threadId": thread.id,
        "runId": last["runId"],
        "outcome": {"type": "success"},
        "usage": [{"model": GEMINI, **tokens}],
    }
    (address,) = re.findall(r"^!\[Picture\]\((http://127\S+/files/\w+\.png)\)$", picture)
    assert httpx.get(address).content == b"\x89PNG\r\n\x1a\n"


def test_what_a_client_has_in_the_end_is_what_was_said(thread: Thread, gemini: FakeGemini) -> None:
    for gate in enqueue_everything(gemini):
        gate.set()
    thread.ask("Hi")
    _, thought, said, result, more, _ = thread.messages
    (made,) = said["toolCalls"]
    assert [message["content"] for message in (thought, said, more)] == [
        "Hm.",
        "Let me see. ",
        "It is blue.",
    ]
    assert made["function"] == {"name": "sky", "arguments": '{"city": "Oslo"}'}
    assert (result["role"], result["toolCallId"]) == ("tool", made["id"])
    ids = [made["id"], *(message["id"] for message in thread.messages[1:])]
    assert [bool(ID.fullmatch(id)) for id in set(ids)] == [True] * 6


@pytest.mark.parametrize("text", HARD_STREAM_TEXTS.values(), ids=HARD_STREAM_TEXTS.keys())
def test_words_come_as_the_model_gives_them(thread: Thread, gemini: FakeGemini, text: str) -> None:
    middle = len(text) // 2
    gemini.enqueue(text[:middle], text[middle:])
    assert thread.ask("Hi") == text


def test_half_a_character_ends_nothing(thread: Thread, gemini: FakeGemini) -> None:
    gemini.enqueue("a\ud800b", Call("sky", {"city": "\udc00\0"}, "call-1"))
    gemini.enqueue("Blue.")
    assert thread.ask("Hi") == "a\ufffdbBlue."
    assert thread.end == {"type": "RUN_FINISHED", "outcome": {"type": "success"}}


def test_silence_is_told_so_that_no_proxy_hangs_up(thread: Thread, gemini: FakeGemini) -> None:
    gate = threading.Event()
    gemini.enqueue(Until(gate), "At last.")
    thread.say("Hi")
    with thread.posted() as response:
        lines = response.iter_lines()
        assert next(line for line in lines if line.startswith(":")) == ": working"
        gate.set()
        rest = "\n".join(lines)
    assert "At last." in rest
    assert response.headers["content-type"].startswith("text/event-stream")
    assert response.headers["cache-control"] == "no-cache"


# Other agents


def test_another_agents_work_is_a_step_with_its_name(gemini: FakeGemini) -> None:
    critic = Agent(name="critic", model=GEMINI, description="Knows poems.")
    gemini.enqueue("Let me ask.", Call("transfer_to_agent", {"agent_name": "critic"}, "call-1"))
    gemini.enqueue("I like it.")
    with launched(loaded(sub_agents=[critic])) as url:
        thread = Thread(url)
        thread.ask("A poem: rose")
    assert thread.outline() == [
        ("TEXT_MESSAGE_START",),
        ("TEXT_MESSAGE_CONTENT", "Let me ask."),
        ("TEXT_MESSAGE_END",),
        ("TOOL_CALL_START", "transfer_to_agent"),
        ("TOOL_CALL_ARGS", '{"agent_name": "critic"}'),
        ("TOOL_CALL_END",),
        ("TOOL_CALL_RESULT", '{"result": null}'),
        ("STEP_STARTED", "critic"),
        ("TEXT_MESSAGE_START", "critic"),
        ("TEXT_MESSAGE_CONTENT", "\n\nI like it."),
        ("TEXT_MESSAGE_END",),
        ("STEP_FINISHED", "critic"),
    ]


# What is taken back


class Corrects(BaseAgent):
    """An agent whose whole is not what it has said piece by piece."""

    said: threading.Event = threading.Event()

    async def _run_async_impl(self, ctx: InvocationContext) -> AsyncGenerator[Event, None]:
        look = call("look", thing="sky")
        for event in (
            whole("Let me see. ", look, id="1"),
            whole(result("call-1", "look", colour="red"), id="2"),
            chunk("It is rde", id="3"),
            whole("It is red.", id="3"),
        ):
            if event.id == "3" and not event.partial:
                await asyncio.to_thread(self.said.wait, 20)
            event.invocation_id = ctx.invocation_id
            yield event


def test_words_that_are_taken_back_are_replaced_with_all_messages(fake: FakeGemini) -> None:
    agent = Corrects(name="helper")
    with launched(loaded_root(agent)) as url:
        thread = Thread(url)
        for question in ("One", "Two"):
            agent.said.clear()
            for event in thread.stream_of(question):
                if event.get("delta") == "It is rde":
                    agent.said.set()
            assert "MESSAGES_SNAPSHOT" in [event["type"] for event in thread.events]
    answer = "Let me see. It is red."
    assert thread.contents() == ["One", answer, "Two", answer]
    roles = [(m["role"], bool(m.get("toolCalls"))) for m in thread.messages]
    one = [("user", False), ("assistant", True), ("tool", False), ("assistant", False)]
    assert roles == [*one, *one]


# How a run ends


def test_what_was_said_stays_when_the_model_fails(thread: Thread, gemini: FakeGemini) -> None:
    gemini.enqueue("Once upon", Cut())
    assert thread.ask("Tell") == "Once upon"
    assert thread.end == {
        "type": "RUN_ERROR",
        "message": SENTENCES["connection_broken"],
        "code": "connection_broken",
    }
    gemini.enqueue(" a time.")
    assert thread.ask("Continue") == " a time."
    assert gemini.requests[-1].conversation == [
        ("user", "Tell"),
        ("model", "Once upon"),
        ("user", "Continue"),
    ]


def test_a_failure_before_the_first_word_is_a_sentence(thread: Thread, gemini: FakeGemini) -> None:
    gemini.enqueue(Status(503, "UNAVAILABLE"))
    assert thread.ask("Hi") == ""
    assert thread.end == {
        "type": "RUN_ERROR",
        "message": SENTENCES["model_failed"],
        "code": "model_failed",
    }


def test_an_answer_at_its_length_limit_is_no_error(thread: Thread, gemini: FakeGemini) -> None:
    gemini.enqueue("Once upon", Finish("MAX_TOKENS"))
    assert thread.ask("Tell") == f"Once upon({SENTENCES['max_tokens']})"
    assert thread.end["type"] == "RUN_FINISHED"


def test_an_answer_of_the_offline_model_says_so(fake: FakeGemini) -> None:
    with launched(loaded(), demo_paused=True) as url:
        thread = Thread(url)
        assert f"({SENTENCES['paused']})" in thread.ask("Hi")
        assert thread.end["type"] == "RUN_FINISHED"


def test_sources_stand_below_the_answer(thread: Thread, gemini: FakeGemini) -> None:
    gemini.enqueue(ANSWER, Grounded(FACTS))
    said = thread.ask("Who won?")
    assert said.startswith(f"{ANSWER}Sources:\n\n1. [example.com](https://www.example.com/euro)")


def test_a_client_that_leaves_has_pressed_stop(thread: Thread, gemini: FakeGemini) -> None:
    gemini.enqueue("Once upon", Hang())
    for event in thread.stream_of("Tell"):
        if event.get("delta") == "Once upon":
            break
    gemini.enqueue("Yes.")
    assert thread.ask("Are you there?") == "Yes."
    assert gemini.requests[0].left.wait(10)
    assert gemini.requests[-1].conversation[:2] == [("user", "Tell"), ("model", "Once upon")]


class Lingers(BaseAgent):
    """An agent that does not hear that it is to stop, and is slow to end when it is cancelled."""

    async def _run_async_impl(self, ctx: InvocationContext) -> AsyncGenerator[Event, None]:
        is_first = "Tell" in str(ctx.user_content)
        for event in (chunk("Once upon", id="1"), whole("Once upon a time.", id="1")):
            if is_first and not event.partial:
                try:
                    await asyncio.Event().wait()
                finally:
                    await asyncio.sleep(0.5)
            event.invocation_id = ctx.invocation_id
            yield event


def test_who_asks_right_after_stop_is_answered(fake: FakeGemini) -> None:
    with launched(loaded_root(Lingers(name="helper")), leave_grace=600) as url:
        thread = Thread(url)
        for event in thread.stream_of("Tell"):
            if event.get("delta") == "Once upon":
                break
        assert thread.ask("Go on") == "Once upon a time."
    assert thread.contents() == ["Tell", "Once upon", "Go on", "Once upon a time."]


def test_an_answer_that_is_stopped_elsewhere_is_cancelled(
    url: str, thread: Thread, gemini: FakeGemini
) -> None:
    gemini.enqueue("Once upon", Hang())
    for event in thread.stream_of("Tell"):
        if event.get("delta") == "Once upon":
            session = event["messageId"].partition(".")[0]
            httpx.post(f"{url}chat/stop", json={"session_id": session})
    assert thread.words == "Once upon(Stopped.)"
    assert thread.end["outcome"] == {"type": "cancelled"}


def test_clients_before_1_0_are_told_no_outcome_that_they_do_not_know(
    url: str, thread: Thread, gemini: FakeGemini
) -> None:
    gemini.enqueue("Hello.")
    thread.say("Hi")
    with thread.posted(protocolVersion=None) as response:
        *_, last = (line for line in response.iter_lines() if line)
    assert "outcome" not in json.loads(last.removeprefix("data: "))

"""Answers of the OpenAI-compatible API, by the official `openai` client."""

import asyncio
import json
import re
import threading
import time
from typing import Any

import httpx
import pytest
from google.genai import types
from openai import (
    APIError,
    APITimeoutError,
    AsyncOpenAI,
    BadRequestError,
    InternalServerError,
    OpenAI,
    RateLimitError,
)

from agent.chat.loader import LoadedAgent
from tests.support.app_setup import launched, loaded
from tests.support.fake_gemini import (
    Blocked,
    Call,
    Cut,
    FakeGemini,
    Finish,
    Hang,
    Status,
    Think,
    Until,
)
from tests.support.hard_texts import HARD_TEXTS
from tests.support.openai_client import (
    TOKEN,
    ask,
    joined,
    raw,
    sent,
    shape,
    text_and_reason,
    tokens,
    user,
)
from tests.support.stored_sessions import is_emptied, stored

pytestmark = pytest.mark.slow


BROKEN = (
    "The AI service has a problem at its end. Nothing is wrong with your message: try again in a "
    "moment."
)

DECLINED = "The AI declined to answer this. Try to ask in a different way."

BROKE_OFF = "The connection to the AI service broke off. Try again for a full answer."


# The answer


def test_the_agent_is_the_only_model(client: OpenAI) -> None:
    [model] = client.models.list().data
    assert model.created <= time.time()
    assert model.model_dump(exclude={"created"}) == {
        "id": "helper",
        "object": "model",
        "owned_by": "adk",
    }


def test_a_whole_answer(client: OpenAI, gemini: FakeGemini) -> None:
    gemini.enqueue("Hel", "lo.")
    answered = ask(client).model_dump(exclude_unset=True)
    assert re.fullmatch(r"chatcmpl-\w+", answered.pop("id"))
    assert answered.pop("created") <= time.time()
    assert answered == {
        "object": "chat.completion",
        "model": "helper",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "Hello.", "refusal": None},
                "finish_reason": "stop",
            }
        ],
        "usage": tokens(1),
    }


def test_an_answer_streams_as_the_model_gives_it(client: OpenAI, gemini: FakeGemini) -> None:
    rest = threading.Event()
    gemini.enqueue("Hel", Until(rest), "lo, you.")
    seen = []
    for chunk in ask(client, stream=True):
        seen.append(shape(chunk))
        if seen[-1] == ({"content": "Hel"}, None):
            rest.set()
    assert seen == [
        ({"role": "assistant", "content": ""}, None),
        ({"content": "Hel"}, None),
        ({"content": "lo, you."}, None),
        ({}, "stop"),
    ]


def test_the_stream_on_the_wire(http: httpx.Client, gemini: FakeGemini) -> None:
    gemini.enqueue("Hello.")
    with http.stream("POST", **raw(sent(stream=True))) as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        lines = [line for line in response.iter_lines() if line]
    first = json.loads(lines[0].removeprefix("data: "))
    head = {
        "id": first["id"],
        "object": "chat.completion.chunk",
        "created": first["created"],
        "model": "helper",
    }
    assert [json.loads(line.removeprefix("data: ")) for line in lines[:-1]] == [
        {**head, "choices": [{"index": 0, "delta": delta, "finish_reason": reason}]}
        for delta, reason in [
            ({"role": "assistant", "content": ""}, None),
            ({"content": "Hello."}, None),
            ({}, "stop"),
        ]
    ]
    assert lines[-1] == "data: [DONE]"


def test_a_silent_model_is_waited_for_with_signs_of_life(
    http: httpx.Client, gemini: FakeGemini
) -> None:
    gemini.enqueue(Hang())
    with http.stream("POST", **raw(sent(stream=True))) as response:
        lines = filter(None, response.iter_lines())
        assert next(lines).startswith("data: ")
        assert [next(lines), next(lines)] == [": working", ": working"]


@pytest.mark.parametrize("text", HARD_TEXTS.values(), ids=HARD_TEXTS.keys())
def test_the_very_text(client: OpenAI, gemini: FakeGemini, text: str) -> None:
    gemini.enqueue(text[:3], text[3:])
    assert text_and_reason(ask(client)) == (text, "stop")
    gemini.enqueue(text[:3], text[3:])
    assert joined(list(ask(client, stream=True))) == text


def test_thoughts_are_reasoning_and_never_content(client: OpenAI, gemini: FakeGemini) -> None:
    thoughtful = (Think("Hm, "), Think("well."), "Hel", Think("Or?"), "lo.")
    gemini.enqueue(*thoughtful)
    chunks = list(ask(client, stream=True))
    assert joined(chunks, "reasoning_content") == "Hm, well.Or?"
    assert joined(chunks) == "Hello."
    gemini.enqueue(*thoughtful)
    whole = ask(client)
    assert text_and_reason(whole) == ("Hello.", "stop")
    assert whole.choices[0].message.reasoning_content == "Hm, well.Or?"


def test_an_answer_for_which_a_tool_was_used(client: OpenAI, gemini: FakeGemini) -> None:
    gemini.enqueue(Call("look", {"thing": "sky"}))
    gemini.enqueue("Blue.")
    assert text_and_reason(ask(client)) == ("Blue.", "stop")
    assert gemini.requests[1].last_user_text == 'response look {"result": "The sky is blue."}'
    gemini.enqueue(Call("look", {"thing": "sky"}))
    gemini.enqueue("Blue.")
    assert [shape(chunk) for chunk in ask(client, stream=True)] == [
        ({"role": "assistant", "content": ""}, None),
        ({"reasoning_content": '\n[look {"thing": "sky"}]\n'}, None),
        ({"content": "Blue."}, None),
        ({}, "stop"),
    ]


def test_tokens_are_those_of_all_calls_of_the_model(client: OpenAI, gemini: FakeGemini) -> None:
    gemini.enqueue(Call("look", {"thing": "sky"}))
    gemini.enqueue("Blue.")
    assert ask(client).usage.model_dump(exclude_unset=True) == tokens(2)


def test_a_stream_tells_its_tokens_last_to_who_asks_for_them(
    client: OpenAI, gemini: FakeGemini
) -> None:
    gemini.always("Hello.")
    *chunks, last = ask(client, stream=True, stream_options={"include_usage": True})
    assert (last.choices, last.usage.model_dump(exclude_unset=True)) == ([], tokens(1))
    assert shape(chunks[-1]) == ({}, "stop")
    assert {chunk.usage for chunk in [*chunks, *ask(client, stream=True)]} == {None}


async def test_without_blocking_too(url: str, gemini: FakeGemini) -> None:
    async with AsyncOpenAI(base_url=f"{url}v1", api_key=TOKEN) as client:
        assert [model.id async for model in client.models.list()] == ["helper"]
        gemini.enqueue("Hello.")
        assert text_and_reason(await ask(client)) == ("Hello.", "stop")
        gemini.enqueue("Hello.")
        assert [shape(chunk) async for chunk in await ask(client, stream=True)] == [
            ({"role": "assistant", "content": ""}, None),
            ({"content": "Hello."}, None),
            ({}, "stop"),
        ]


# The conversation


def test_the_conversation_is_what_the_client_sends(client: OpenAI, gemini: FakeGemini) -> None:
    gemini.enqueue("You.")
    system, developer = {"role": "system"}, {"role": "developer"}
    parts = [{"type": "text", "text": "Who "}, {"type": "text", "text": "am I?"}]
    ask(
        client,
        {**system, "content": "Be brief."},
        "I am Ann",
        {"role": "assistant", "content": "Hello, Ann."},
        {"role": "assistant", "content": None},
        {**developer, "content": "Be honest."},
        user(parts),
    )
    assert gemini.requests[0].conversation == [
        ("user", "Be brief."),
        ("user", "I am Ann"),
        ("model", "Hello, Ann."),
        ("user", "Be honest."),
        ("user", "Who am I?"),
    ]


def test_the_agent_keeps_its_own_instruction_and_tools(client: OpenAI, gemini: FakeGemini) -> None:
    mine = {"type": "function", "function": {"name": "mine", "parameters": {"type": "object"}}}
    gemini.always("Hello.")
    ask(client)
    ask(client, {"role": "system", "content": "Be brief."}, "Hi", tools=[mine], logprobs=True)
    plain, led = [request.body for request in gemini.requests]
    for own in ("systemInstruction", "tools", "generationConfig"):
        assert led[own] == plain[own]


def test_what_the_client_wants_of_the_model_is_asked_of_it(
    client: OpenAI, gemini: FakeGemini
) -> None:
    gemini.always("Hello.")
    ask(client, max_tokens=100, temperature=1.5, top_p=0.5, seed=7, stop=["\n", "END"])
    ask(client, max_completion_tokens=50, stop="END")
    ask(client)
    wanted, fewer, plain = [request.body["generationConfig"] for request in gemini.requests]
    assert wanted == {
        **plain,
        "maxOutputTokens": 100,
        "temperature": 1.5,
        "topP": 0.5,
        "seed": 7,
        "stopSequences": ["\n", "END"],
    }
    assert fewer == {**plain, "maxOutputTokens": 50, "stopSequences": ["END"]}


SCHEMA = {"type": "object", "properties": {"colour": {"type": "string"}}}

NO_THOUGHTS: Any = {
    "generate_content_config": types.GenerateContentConfig(
        thinking_config=types.ThinkingConfig(thinking_budget=0)
    )
}

AS_COLOUR = {"type": "json_schema", "json_schema": {"name": "colour", "schema": SCHEMA}}


def test_an_agent_without_tools_answers_in_the_form_that_is_wanted(gemini: FakeGemini) -> None:
    gemini.always("{}")
    with (
        launched(loaded(max_output_tokens=200, **NO_THOUGHTS), api_token=TOKEN) as url,
        OpenAI(base_url=f"{url}v1", api_key=TOKEN) as client,
    ):
        ask(client, response_format=AS_COLOUR, max_tokens=1000)
        ask(client, response_format={"type": "json_object"})
        ask(client, response_format={"type": "text"})
    form, any_json, text = [request.body["generationConfig"] for request in gemini.requests]
    assert (form["responseMimeType"], form["responseJsonSchema"]) == ("application/json", SCHEMA)
    assert form["maxOutputTokens"] == 200  # The host's cap.
    assert any_json == {**text, "responseMimeType": "application/json"}


def test_an_agent_with_tools_is_asked_for_the_form_in_words(
    client: OpenAI, gemini: FakeGemini
) -> None:
    gemini.always("{}")
    ask(client, response_format=AS_COLOUR)
    [request] = gemini.requests
    assert "responseMimeType" not in request.body["generationConfig"]
    assert json.dumps(SCHEMA) in json.dumps(request.body["systemInstruction"]).replace('\\"', '"')


def test_no_request_knows_of_another(client: OpenAI, gemini: FakeGemini) -> None:
    gemini.always("Hello.")
    ask(client, "I am Ann")
    ask(client, "Who am I?")
    assert gemini.requests[1].conversation == [("user", "Who am I?")]


def test_of_a_long_conversation_the_latest_whole_turns_are_sent(
    client: OpenAI, gemini: FakeGemini
) -> None:
    gemini.enqueue("Long.")
    turns = [(f"q{i}", {"role": "assistant", "content": f"a{i}"}) for i in range(60)]
    ask(client, *[message for turn in turns for message in turn], "How long?")
    conversation = gemini.requests[0].conversation
    assert conversation[:2] == [("user", "q10"), ("model", "a10")]
    assert conversation[-2:] == [("model", "a59"), ("user", "How long?")]
    assert len(conversation) == 101


async def test_two_at_once_do_not_mix(url: str, gemini: FakeGemini) -> None:
    both = threading.Event()
    gemini.reply_to("I am visitor 1", "Hello, ", Until(both), "1.")
    gemini.reply_to("I am visitor 2", "Hello, ", Until(both), "2.")
    async with AsyncOpenAI(base_url=f"{url}v1", api_key=TOKEN) as client:
        first = asyncio.create_task(ask(client, "I am visitor 1"))
        second = await ask(client, "I am visitor 2", stream=True)
        await asyncio.to_thread(gemini.arrived, 2)
        both.set()
        assert joined([chunk async for chunk in second]) == "Hello, 2."
        assert text_and_reason(await first) == ("Hello, 1.", "stop")
    assert sorted(request.conversation for request in gemini.requests) == [
        [("user", "I am visitor 1")],
        [("user", "I am visitor 2")],
    ]


# Its end


@pytest.mark.parametrize("stream", [False, True])
def test_what_was_stored_for_an_answer_is_forgotten(
    client: OpenAI, gemini: FakeGemini, what: LoadedAgent, stream: bool
) -> None:
    rest = threading.Event()
    gemini.enqueue("Hel", Until(rest), "lo.")
    asking = threading.Thread(target=lambda: list(ask(client, stream=stream)))
    asking.start()
    gemini.arrived()
    assert stored(what) == 1
    rest.set()
    asking.join(20)
    assert is_emptied(what)


def test_a_client_that_leaves_the_stream_stops_the_model_at_once(
    client: OpenAI, gemini: FakeGemini, what: LoadedAgent
) -> None:
    gemini.enqueue("Hel", Hang())
    stream = ask(client, stream=True)
    next(stream)
    asked = gemini.arrived()
    assert stored(what) == 1
    stream.close()
    assert asked.left.wait(20)
    assert is_emptied(what)


def test_a_client_that_leaves_before_the_first_word_stops_the_model(
    client: OpenAI, gemini: FakeGemini, what: LoadedAgent
) -> None:
    gemini.enqueue(Hang())
    with pytest.raises(APITimeoutError):
        ask(client.with_options(timeout=1, max_retries=0), stream=True)
    assert gemini.arrived().left.wait(20)
    assert is_emptied(what)


async def test_a_client_that_does_not_wait_for_the_whole_stops_the_model_at_once(
    url: str, gemini: FakeGemini, what: LoadedAgent
) -> None:
    gemini.enqueue("Hel", Hang())
    async with httpx.AsyncClient(base_url=url) as client:
        waiting = asyncio.create_task(client.post(**raw(sent())))
        asked = await asyncio.to_thread(gemini.arrived)
        waiting.cancel()
        assert await asyncio.to_thread(asked.left.wait, 20)
    assert await asyncio.to_thread(is_emptied, what)


def test_a_length_limit_needs_no_further_words(client: OpenAI, gemini: FakeGemini) -> None:
    gemini.enqueue("Half an answer", Finish("MAX_TOKENS"))
    assert text_and_reason(ask(client)) == ("Half an answer", "length")
    gemini.enqueue("Half an answer", Finish("MAX_TOKENS"))
    assert [shape(chunk) for chunk in ask(client, stream=True)] == [
        ({"role": "assistant", "content": ""}, None),
        ({"content": "Half an answer"}, None),
        ({}, "length"),
    ]


def test_a_turn_that_fails_without_a_word_is_an_error(client: OpenAI, gemini: FakeGemini) -> None:
    gemini.enqueue(Status(503, "UNAVAILABLE", "overloaded"))
    with pytest.raises(InternalServerError) as failed:
        ask(client)
    assert failed.value.status_code == 502
    assert failed.value.body == {
        "message": BROKEN,
        "type": "api_error",
        "param": None,
        "code": None,
    }
    assert len(gemini.requests) == 1  # The client, which likes to try again, has not.


def test_a_stream_that_fails_before_its_first_word_is_told_by_its_status(
    client: OpenAI, gemini: FakeGemini
) -> None:
    gemini.enqueue(Status(503, "UNAVAILABLE", "overloaded"))
    with pytest.raises(InternalServerError) as failed:
        ask(client, stream=True)
    assert (failed.value.status_code, failed.value.type) == (502, "api_error")
    assert len(gemini.requests) == 1


def test_a_stream_that_fails_after_thoughts_is_an_error(client: OpenAI, gemini: FakeGemini) -> None:
    gemini.enqueue(Think("Hm."), Cut())
    seen: list[Any] = []
    with pytest.raises(APIError) as failed:
        seen.extend(shape(chunk) for chunk in ask(client, stream=True))
    assert (failed.value.message, failed.value.type) == (BROKE_OFF, "api_error")
    assert seen == [
        ({"role": "assistant", "content": ""}, None),
        ({"reasoning_content": "Hm."}, None),
    ]
    assert len(gemini.requests) == 1


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(("told", "wait"), [(7, "7"), (None, "60")])
def test_a_busy_model_is_429_with_the_seconds_to_wait(
    client: OpenAI, gemini: FakeGemini, stream: bool, told: int | None, wait: str
) -> None:
    gemini.enqueue(Status(429, "RESOURCE_EXHAUSTED", retry_after=told))
    with pytest.raises(RateLimitError) as busy:
        ask(client, stream=stream)
    assert busy.value.response.headers["retry-after"] == wait
    assert (busy.value.type, busy.value.code) == ("rate_limit_error", "rate_limit_exceeded")
    assert len(gemini.requests) == 1


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("end", [Blocked(), Blocked("SAFETY"), Finish("SAFETY")])
def test_what_is_declined_without_a_word_is_refused(
    client: OpenAI, gemini: FakeGemini, stream: bool, end: Any
) -> None:
    gemini.enqueue(end)
    with pytest.raises(BadRequestError) as declined:
        ask(client, stream=stream)
    assert declined.value.body == {
        "message": DECLINED,
        "type": "invalid_request_error",
        "param": None,
        "code": "content_filter",
    }
    assert len(gemini.requests) == 1


def test_a_safety_stop_is_content_filter(client: OpenAI, gemini: FakeGemini) -> None:
    said = (f"Half an answer\n\n({DECLINED})", "content_filter")
    gemini.enqueue("Half an answer", Finish("SAFETY"))
    assert text_and_reason(ask(client)) == said
    gemini.enqueue("Half an answer", Finish("SAFETY"))
    *chunks, last = ask(client, stream=True)
    assert (joined(chunks), shape(last)[1]) == said


def test_a_failure_after_words_leaves_the_words(client: OpenAI, gemini: FakeGemini) -> None:
    gemini.enqueue("Half an answer", Cut())
    assert text_and_reason(ask(client)) == (f"Half an answer\n\n({BROKE_OFF})", "length")
    gemini.enqueue("Half an answer", Cut())
    assert [shape(chunk) for chunk in ask(client, stream=True)] == [
        ({"role": "assistant", "content": ""}, None),
        ({"content": "Half an answer"}, None),
        ({"content": f"\n\n({BROKE_OFF})"}, None),
        ({}, "length"),
    ]
    assert len(gemini.requests) == 2


def test_after_a_failure_the_next_request_is_answered(client: OpenAI, gemini: FakeGemini) -> None:
    gemini.enqueue(Status(429, "RESOURCE_EXHAUSTED", retry_after=7))
    gemini.enqueue("Hello.")
    with pytest.raises(RateLimitError, match="Please wait 7 seconds, then try again"):
        ask(client)
    assert text_and_reason(ask(client)) == ("Hello.", "stop")

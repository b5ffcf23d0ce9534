"""The OpenAI-compatible API: by the official `openai` client, and by raw HTTP as an intruder."""

import asyncio
import json
import re
import threading
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from openai import (
    APIError,
    AsyncOpenAI,
    AuthenticationError,
    InternalServerError,
    NotFoundError,
    OpenAI,
)

from agent.chat.loader import LoadedAgent
from agent.core.settings import Settings
from tests.support.app_setup import launched, loaded
from tests.support.fake_gemini import (
    USAGE,
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
from tests.support.stored_sessions import is_emptied, stored

pytestmark = pytest.mark.slow

Json = dict[str, Any]

TOKEN = "the-token-of-this-host"

BROKEN = (
    "The AI service has a problem at its end. Nothing is wrong with your message: try again in a "
    "moment."
)

BROKE_OFF = "The connection to the AI service broke off. Try again for a full answer."


def look(thing: str) -> str:
    """Look at something."""
    return f"The {thing} is blue."


@pytest.fixture(scope="module")
def what() -> LoadedAgent:
    return loaded(tools=[look])


@pytest.fixture(scope="module")
def url(fake: FakeGemini, what: LoadedAgent) -> Iterator[str]:
    # So long a grace that nothing here ends only because nobody listens any more.
    with launched(what, api_token=TOKEN, request_retries=0, leave_grace=600) as address:
        yield address


@pytest.fixture(scope="module")
def ours(url: str) -> Iterator[OpenAI]:
    with OpenAI(base_url=f"{url}v1", api_key=TOKEN) as it:
        yield it


@pytest.fixture(scope="module")
def theirs(url: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=url, timeout=20) as it:
        yield it


@pytest.fixture
def client(ours: OpenAI, gemini: FakeGemini) -> OpenAI:
    return ours


@pytest.fixture
def http(theirs: httpx.Client, gemini: FakeGemini) -> httpx.Client:
    return theirs


@pytest.fixture(autouse=True)
def nothing_stays_stored(what: LoadedAgent) -> Iterator[None]:
    """Whatever a test does."""
    yield
    assert is_emptied(what)


def user(content: Any) -> Json:
    return {"role": "user", "content": content}


def ask(client: OpenAI | AsyncOpenAI, *said: Any, **options: Any) -> Any:
    """What the client makes of the answer to this conversation; a text is a user's message."""
    messages = [user(each) if isinstance(each, str) else each for each in said or ("Hi",)]
    create: Any = client.chat.completions.create
    return create(**{"model": "helper", "messages": messages, **options})


def sent(**changed: Any) -> Json:
    """A good request's body, but for this."""
    return {"model": "helper", "messages": [user("Hi")], **changed}


def raw(body: Any, token: str = TOKEN) -> Json:
    """A request for httpx, whose body need not be what the openai client would send."""
    return {
        "url": "v1/chat/completions",
        "headers": {"authorization": f"Bearer {token}", "content-type": "application/json"},
        "content": body if isinstance(body, str | bytes) else json.dumps(body),
    }


def shape(chunk: Any) -> tuple[Json, str | None]:
    """What is new in a chunk of a stream."""
    [choice] = chunk.choices
    return choice.delta.model_dump(exclude_unset=True), choice.finish_reason


def text_and_reason(completion: Any) -> tuple[str, str]:
    [choice] = completion.choices
    return choice.message.content, choice.finish_reason


def joined(chunks: list[Any], key: str = "content") -> str:
    return "".join(shape(chunk)[0].get(key, "") for chunk in chunks if chunk.choices)


def tokens(calls: int) -> Json:
    """What so many calls of the fake Gemini use."""
    prompt, answer = USAGE["promptTokenCount"], USAGE["candidatesTokenCount"]
    used = {"prompt_tokens": prompt, "completion_tokens": answer, "total_tokens": prompt + answer}
    return {name: calls * number for name, number in used.items()}


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
        lines = [line for line in response.iter_lines() if line.startswith("data: ")]
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
    assert text_and_reason(ask(client)) == ("Hello.", "stop")


def test_an_answer_for_which_a_tool_was_used(client: OpenAI, gemini: FakeGemini) -> None:
    gemini.enqueue(Call("look", {"thing": "sky"}))
    gemini.enqueue("Blue.")
    assert text_and_reason(ask(client)) == ("Blue.", "stop")
    assert gemini.requests[1].last_user_text == 'response look {"result": "The sky is blue."}'
    gemini.enqueue(Call("look", {"thing": "sky"}))
    gemini.enqueue("Blue.")
    assert [shape(chunk) for chunk in ask(client, stream=True)] == [
        ({"role": "assistant", "content": ""}, None),
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
    ask(client, {"role": "system", "content": "Be brief."}, "Hi", tools=[mine], temperature=1.5)
    plain, led = [request.body for request in gemini.requests]
    for own in ("systemInstruction", "tools", "generationConfig"):
        assert led[own] == plain[own]


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


def test_a_stream_that_fails_without_a_word_is_an_error(client: OpenAI, gemini: FakeGemini) -> None:
    gemini.enqueue(Status(503, "UNAVAILABLE", "overloaded"))
    seen: list[Any] = []
    with pytest.raises(APIError) as failed:
        seen.extend(shape(chunk) for chunk in ask(client, stream=True))
    assert (failed.value.message, failed.value.type) == (BROKEN, "api_error")
    assert seen == [({"role": "assistant", "content": ""}, None)]
    assert len(gemini.requests) == 1


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
    with pytest.raises(InternalServerError, match="Please wait 7 seconds, then try again"):
        ask(client)
    assert text_and_reason(ask(client)) == ("Hello.", "stop")


# Refusals


ROUTES = [("GET", "v1/models"), ("POST", "v1/chat/completions")]

NO_TOKENS = {
    "none": {},
    "another": {"authorization": "Bearer another"},
    "blank": {"authorization": "Bearer"},
    "a part": {"authorization": f"Bearer {TOKEN[:-1]}"},
    "more": {"authorization": f"Bearer {TOKEN}s"},
    "in capitals": {"authorization": f"Bearer {TOKEN.upper()}"},
    "no bearer": {"authorization": TOKEN},
    "as a password": {"authorization": f"Basic {TOKEN}"},
    "other letters": {"authorization": "Bearer d\u00e9j\u00e0"},
}


def error_of(response: httpx.Response) -> Json:
    """The error in OpenAI's form, which is all that there is."""
    body = response.json()
    assert list(body) == ["error"]
    return dict(body["error"])


@pytest.mark.parametrize(("method", "path"), ROUTES)
@pytest.mark.parametrize("headers", NO_TOKENS.values(), ids=NO_TOKENS.keys())
def test_nothing_is_answered_without_the_token(
    http: httpx.Client, gemini: FakeGemini, headers: dict[str, str], method: str, path: str
) -> None:
    known = httpx.Headers(headers, encoding="latin-1")
    response = http.request(method, path, headers=known, json=sent())
    assert response.status_code == 401
    assert error_of(response) == {
        "message": "This needs the token that the host of this agent has set.",
        "type": "invalid_request_error",
        "param": None,
        "code": "invalid_api_key",
    }
    assert gemini.requests == []


def test_the_openai_client_knows_a_wrong_token(client: OpenAI) -> None:
    other = client.with_options(api_key="another")
    with pytest.raises(AuthenticationError):
        other.models.list()
    with pytest.raises(AuthenticationError):
        ask(other)
    with pytest.raises(AuthenticationError):
        ask(other, stream=True)


@pytest.mark.parametrize("body", ["", "[]", {"model": 7}, {"model": "another"}])
def test_who_has_no_token_is_not_told_what_is_wrong(http: httpx.Client, body: Any) -> None:
    assert http.post(**raw(body, token="another")).status_code == 401


@pytest.mark.parametrize("token", [None, ""])
def test_without_a_token_there_is_no_such_api(fake: FakeGemini, token: str | None) -> None:
    with launched(loaded(), api_token=token) as url, httpx.Client(base_url=url) as http:
        for method, path in ROUTES:
            for shown in ("", "Bearer", "Bearer None"):
                response = http.request(method, path, headers={"authorization": shown})
                assert response.status_code == 404
        assert "v1" not in http.get("openapi.json").text


def test_another_model_is_not_found(client: OpenAI, gemini: FakeGemini) -> None:
    with pytest.raises(NotFoundError) as refused:
        ask(client, model="gpt-5")
    assert refused.value.body == {
        "message": "There is no model 'gpt-5' here, only 'helper'.",
        "type": "invalid_request_error",
        "param": None,
        "code": "model_not_found",
    }
    assert gemini.requests == []


PICTURE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
NO_PICTURES = "Only text can be sent here"
LAST = "The last message must be the user's, and may not be empty."
UNREAD = "The request cannot be read: "

WRONG: dict[str, tuple[Any, str]] = {
    "nothing": ("", UNREAD),
    "not JSON": ("not JSON", UNREAD),
    "not UTF-8": (b"\xff\xfe", UNREAD),
    "deep": ("[" * 100_000, ""),
    "a long number": (f'{{"model": "helper", "n": {"9" * 5000}}}', ""),
    "null": ("null", UNREAD),
    "a list": ([sent()], UNREAD),
    "a text": ('"Hi"', UNREAD),
    "empty": ("{}", "model: "),
    "no model": ({"messages": [user("Hi")]}, "model: "),
    "no model's name": (sent(model=None), "model: "),
    "a model's number": (sent(model=7), "model: "),
    "no messages": ({"model": "helper"}, "messages: "),
    "null messages": (sent(messages=None), "messages: "),
    "empty messages": (sent(messages=[]), "messages: "),
    "one message, not listed": (sent(messages=user("Hi")), "messages: "),
    "messages of text": (sent(messages=["Hi"]), "messages.0: "),
    "a null message": (sent(messages=[None]), "messages.0: "),
    "nobody's message": (sent(messages=[{"content": "Hi"}]), "messages.0.role: "),
    "a tool's message": (
        sent(messages=[user("Hi"), {"role": "tool", "tool_call_id": "1", "content": "Hi"}]),
        "messages.1.role: ",
    ),
    "roles": (sent(messages=[{"role": ["user"], "content": "Hi"}]), "messages.0.role: "),
    "a number": (sent(messages=[user(7)]), "messages.0.content"),
    "a dict": (sent(messages=[user({"text": "Hi"})]), "messages.0.content"),
    "listed texts": (sent(messages=[user(["Hi"])]), "messages.0.content"),
    "a picture": (sent(messages=[user([PICTURE])]), NO_PICTURES),
    "an earlier picture": (sent(messages=[user([PICTURE]), user("Hi")]), NO_PICTURES),
    "the assistant's last": (
        sent(messages=[user("Hi"), {"role": "assistant", "content": "Hi"}]),
        LAST,
    ),
    "the system's alone": (sent(messages=[{"role": "system", "content": "Be brief."}]), LAST),
    "no content": (sent(messages=[{"role": "user"}]), LAST),
    "null content": (sent(messages=[user(None)]), LAST),
    "no parts": (sent(messages=[user([])]), LAST),
    "blank": (sent(messages=[user(" \n")]), LAST),
    "blank parts": (sent(messages=[user([{"type": "text", "text": " "}])]), LAST),
    "NUL": (sent(messages=[user("\0")]), LAST),
    "two answers": (sent(n=2), "n: "),
    "no answers": (sent(n=0), "n: "),
    "n in letters": (sent(n="1"), "n: "),
    "n that is no number": (sent(n=float("nan")), "n: "),
    "maybe a stream": (sent(stream="maybe"), "stream: "),
    "streams": (sent(stream=[]), "stream: "),
    "listed options": (sent(stream_options=[]), "stream_options: "),
    "maybe usage": (
        sent(stream=True, stream_options={"include_usage": "maybe"}),
        "stream_options.include_usage: ",
    ),
    "half a character as role": (sent(messages=[{"role": "\ud800", "content": "Hi"}]), "messages"),
    "half a character as type": (
        sent(messages=[user([{"type": "\ud800", "text": "Hi"}])]),
        NO_PICTURES,
    ),
    "half a character as n": (sent(n="\ud800"), "n: "),
    "half a character as stream": (sent(stream="\ud800"), "stream: "),
    "half a character as options": (sent(stream_options="\ud800"), "stream_options: "),
    "half a character as usage": (
        sent(stream_options={"include_usage": "\ud800"}),
        "stream_options.include_usage: ",
    ),
}


@pytest.mark.parametrize(("body", "beginning"), WRONG.values(), ids=WRONG.keys())
def test_a_wrong_request_is_refused_in_a_sentence(
    client: OpenAI, http: httpx.Client, gemini: FakeGemini, body: Any, beginning: str
) -> None:
    response = http.post(**raw(body))
    assert response.status_code == 400
    error = error_of(response)
    sentence = error.pop("message")
    assert error == {"type": "invalid_request_error", "param": None, "code": None}
    assert sentence.startswith(beginning)
    assert re.fullmatch(r"[A-Za-z].{5,200}", sentence)
    assert gemini.requests == []
    works(client, gemini)


def works(client: OpenAI, gemini: FakeGemini) -> None:
    """A good request is answered."""
    gemini.enqueue("All well.")
    assert text_and_reason(ask(client, "All well?")) == ("All well.", "stop")


HALVES: dict[str, tuple[Json, list[tuple[str, str]]]] = {
    "in the message": (sent(messages=[user("a\ud800b")]), [("user", "a\ufffdb")]),
    "in a part": (
        sent(messages=[user([{"type": "text", "text": "a\udc00b"}])]),
        [("user", "a\ufffdb")],
    ),
    "before it": (
        sent(messages=[{"role": "system", "content": "\ud800"}, user("Hi")]),
        [("user", "\ufffd"), ("user", "Hi")],
    ),
    "in the agent's": (
        sent(messages=[user("Hi"), {"role": "assistant", "content": "\ud800"}, user("Hi")]),
        [("user", "Hi"), ("model", "\ufffd"), ("user", "Hi")],
    ),
    "in two pieces": (
        sent(messages=[user([{"type": "text", "text": half} for half in ("\ud83d", "\ude42")])]),
        [("user", "\U0001f642")],
    ),
    "where nobody looks": (sent(**{"\ud800": "\ud800"}), [("user", "Hi")]),
}


@pytest.mark.parametrize(("body", "conversation"), HALVES.values(), ids=HALVES.keys())
def test_half_a_character_breaks_nothing(
    http: httpx.Client, gemini: FakeGemini, body: Json, conversation: list[tuple[str, str]]
) -> None:
    gemini.enqueue("Hello.")
    response = http.post(**raw(body))
    assert response.json()["choices"][0]["message"]["content"] == "Hello."
    assert gemini.requests[0].conversation == conversation


def test_half_a_character_is_no_model(http: httpx.Client) -> None:
    response = http.post(**raw(sent(model="\ud800")))
    assert response.status_code == 404
    assert error_of(response)["code"] == "model_not_found"


OPEN = ("", "config", "openapi.json", "healthz", "readyz", "chat/plain", "gradio_api/info", "v1/no")


def test_the_token_is_in_no_response(http: httpx.Client, gemini: FakeGemini) -> None:
    gemini.always("Hello.")
    known = {"authorization": f"Bearer {TOKEN}"}
    bodies = [sent(), sent(stream=True), *(body for body, _ in WRONG.values())]
    answers = [
        *(http.get(path, headers=known) for path in OPEN),
        *(http.request(method, path, headers=known) for method, path in ROUTES),
        *(http.get("v1/models", headers=headers) for headers in ({}, {"authorization": TOKEN})),
        *(http.post(**raw(body)) for body in bodies),
    ]
    for answer in answers:
        assert TOKEN not in f"{answer.headers} {answer.text}"


def test_the_token_is_no_part_of_what_settings_print() -> None:
    settings = Settings.model_validate({"api_token": TOKEN})
    assert TOKEN not in f"{settings!r} {settings} {settings.model_dump_json()}"


def test_the_agent_is_found_by_its_name(client: OpenAI) -> None:
    assert client.models.retrieve("helper").id == "helper"
    with pytest.raises(NotFoundError, match="only 'helper'"):
        client.models.retrieve("another")

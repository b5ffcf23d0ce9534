"""Gemini's events, fewer of them: google-genai and ADK make the same of them."""

import asyncio
import gc
import gzip
import json
import threading
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from itertools import groupby
from typing import Any

import httpx
import pytest
from google.adk.models import Gemini, LlmRequest, LlmResponse
from google.genai import Client, types
from hypothesis import given
from hypothesis import strategies as st

from agent.models import batching as holding
from agent.models.coalescing import CoalescingModel, coalescing
from agent.models.gemini_request import LightGemini, light_client
from agent.models.gemini_stream import HOOKS, joined, lighten, parsed
from tests.support.fake_gemini import (
    Blocked,
    Call,
    Close,
    Cut,
    ErrorInStream,
    FakeGemini,
    Finish,
    Garbage,
    Hang,
    Image,
    Nothing,
    Script,
    Silent,
    Think,
    Until,
)

CHUNKS = st.lists(st.tuples(st.booleans(), st.text()), max_size=30)


def event(*parts: Any, **more: Any) -> str:
    content = {"parts": list(parts), "role": "model"}
    return f"data: {json.dumps({'candidates': [{'content': content, 'index': 0}], **more})}\n\n"


def words(text: str, **more: Any) -> str:
    return event({"text": text}, modelVersion="m", **more)


def light(*events: str) -> str:
    return b"".join(joined(map(parsed, events))).decode()


@given(CHUNKS)
def test_the_same_words_come_in_the_same_order_and_thoughts_stay_apart(
    chunks: list[tuple[bool, str]],
) -> None:
    runs = groupby(chunks, key=lambda chunk: chunk[0])
    expected = [("".join(text for _, text in run), kind) for kind, run in runs]
    thought = [{}, {"thought": True}]
    told = light(*(event({"text": text, **thought[kind]}) for kind, text in chunks))
    answers = [json.loads(line.removeprefix("data: ")) for line in told.split("\n\n")[:-1]]
    parts = [answer["candidates"][0]["content"]["parts"] for answer in answers]
    assert [(part["text"], part.get("thought", False)) for [part] in parts] == expected


def test_tokens_are_counted_as_by_the_latest_that_counts_them() -> None:
    few, many = {"usageMetadata": {"totalTokenCount": 1}}, {"usageMetadata": {"totalTokenCount": 9}}
    assert light(words("a", **few), words("b", **many), words("c")) == words("abc", **many)
    assert light(words("a"), words("b")) == words("ab")


OTHER = {
    "the end": event({"text": "x"}).replace('"index"', '"finishReason": "STOP", "index"'),
    "a signature": event({"text": "x", "thoughtSignature": "cw=="}, modelVersion="m"),
    "two parts": event({"text": "x"}, {"text": "y"}, modelVersion="m"),
    "no words": event({"text": None}, modelVersion="m"),
    "a tool call": event({"functionCall": {"name": "f", "args": {}}}, modelVersion="m"),
    "another model": event({"text": "x"}, modelVersion="n"),
    "nobody's answer": 'data: {"promptFeedback": {"blockReason": "OTHER"}}\n\n',
    "another's answer": event({"text": "x"}, modelVersion="m").replace("model", "tool", 1),
    "a failure": '{"error":\n{"code": 500}}\n\n',
    "a list": "data: []\n\n",
    "no JSON": 'data: {"candidates\n\n',
    "two lines": 'data: {"candidates":\ndata: []}\n\n',
    "a comment": ": still here\n\n",
    "a name": f"event: message\n{words('x')}",
}


@pytest.mark.parametrize("other", OTHER.values(), ids=OTHER.keys())
def test_whatever_is_more_than_words_stays_as_it_is_and_where_it_is(other: str) -> None:
    told = light(words("a"), words("b"), other, words("c"), words("d"))
    assert told == words("ab") + other + words("cd")


def test_what_is_signed_is_not_joined_even_by_the_same_signature() -> None:
    signed = OTHER["a signature"]
    assert light(signed, signed) == signed + signed


ANSWERS: dict[str, Script] = {
    "words": ("Hel", "lo,\n\n", "  é\ud83d\ude00\u2028\\ \"'", " you", Finish("STOP")),
    "thoughts": (Think("Hm"), Think("m."), "It ", "is.", Think("Ah."), "Yes."),
    "a tool": ("I lo", "ok. ", Call("f", {"a": [1, "b"]}, "7")),
    "two tools": (Call("f", {}, "1"), Call("g", {"b": None}, "2")),
    "a picture": ("See ", "this", Image("image/png", b"\xff\x00"), "th", "ere"),
    "no words": (Silent(),),
    "nothing": (Nothing(),),
    "a blocked one": (Blocked(),),
    "one that is cut off": ("a", "b", "c", Finish("MAX_TOKENS")),
    "one that becomes unsafe": ("a", "b", Finish("SAFETY")),
    "one that fails": ("a", "b", ErrorInStream(503, "UNAVAILABLE", "busy")),
    "one that breaks off": ("a", "b", Close()),
    "one that is no JSON": ("a", "b", Garbage()),
}


async def told(model: Any) -> AsyncGenerator[LlmResponse]:
    asked = LlmRequest(model="gemini-x", contents=[types.UserContent("Hi")])
    async with aclosing(model.generate_content_async(asked, stream=True)) as responses:
        async for response in responses:
            yield response


def text_of(response: LlmResponse) -> str | None:
    """Its words, if it is a partial with nothing but words."""
    match response.content and response.content.parts:
        case [types.Part(text=str(text))] if response.partial:
            return text
    return None


async def alone() -> None:
    """Let all that was left behind come to its end."""
    for _ in range(100):
        await asyncio.sleep(0)
    assert len(asyncio.all_tasks()) == 1


async def outcome(gemini: FakeGemini, model: Any, script: Script) -> tuple[str, list[Any], str]:
    """The words of the partials, all that is more than that, and how it failed."""
    said, whole, failed = list[str](), list[Any](), ""
    gemini.enqueue(*script)
    try:
        async for response in told(model):
            text = text_of(response)
            said.append(text or "")
            whole.extend([] if text else [response.model_dump()])
    except Exception as error:
        failed = f"{type(error).__name__}: {error}"
    gc.collect()  # google-genai lets go of a stream that has failed only as garbage.
    await alone()
    return "".join(said), whole, failed


@pytest.mark.parametrize("script", ANSWERS.values(), ids=ANSWERS.keys())
async def test_adk_makes_the_same_of_it(gemini: FakeGemini, script: Script) -> None:
    heavy, easy = Gemini(model="gemini-x"), coalescing(Gemini(model="gemini-x"))
    assert isinstance(easy, LightGemini)
    assert await outcome(gemini, easy, script) == await outcome(gemini, heavy, script)


async def test_google_genai_is_handed_fewer_events(gemini: FakeGemini) -> None:
    heavy, words = Gemini(model="gemini-x"), ["x "] * 100
    easy = Gemini(model="gemini-x", **light_client(heavy))

    async def partials(model: Gemini) -> list[str]:
        gemini.enqueue(*words)
        return [text async for response in told(model) if (text := text_of(response))]

    assert await partials(heavy) == words
    fewer = await partials(easy)
    assert len(fewer) < 50
    assert "".join(fewer) == "".join(words)


async def test_what_comes_at_once_becomes_one_event() -> None:
    body = "".join(words("x") for _ in range(100))
    assert await received(body.encode()) == words("x" * 100)


async def test_what_is_compressed_is_read_too() -> None:
    body = gzip.compress((words("a") + words("b") + words("c")).encode())
    assert await received(body, **{"content-encoding": "gzip"}) == words("abc")


async def test_what_does_not_come_in_events_is_left_alone() -> None:
    body = words("a") + words("b") + words("c")
    assert await received(body.encode(), **{"content-type": "application/json"}) == body
    await lighten(object())


async def received(body: bytes, **headers: str) -> str:
    """What httpx hands over of such a response."""

    def answer(_: httpx.Request) -> httpx.Response:
        told = {"content-type": "text/event-stream;charset=UTF-8", **headers}
        return httpx.Response(200, headers=told, stream=httpx.ByteStream(body))

    nowhere = httpx.MockTransport(answer)
    async with httpx.AsyncClient(transport=nowhere, event_hooks=HOOKS) as http:
        return (await http.get("http://localhost")).text


async def test_a_connection_that_is_reset_is_told_as_ever(gemini: FakeGemini) -> None:
    answer, seen = told(coalescing(Gemini(model="gemini-x"))), threading.Event()
    gemini.enqueue("Hello", Until(seen), Cut())
    assert text_of(await anext(answer)) == "Hello"
    seen.set()
    with pytest.raises(httpx.ReadError):
        await anext(answer)
    await alone()


@pytest.fixture
def garbage_stays() -> Iterator[None]:
    """As in a process that has little to do."""
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("garbage_stays")
@pytest.mark.parametrize("work", [holding.WORK, 0.0])
async def test_who_stops_reading_hangs_up(
    gemini: FakeGemini, monkeypatch: pytest.MonkeyPatch, work: float
) -> None:
    monkeypatch.setattr(holding, "WORK", work)  # Without it, it is at rest in that moment.

    model = coalescing(Gemini(model="gemini-x"))  # Whose client would hang up, were it gone.
    gemini.enqueue("Hello", Hang())
    answer = told(model)
    said = await anext(answer)
    await answer.aclose()
    assert await asyncio.to_thread(gemini.requests[-1].left.wait, 20)
    await alone()
    assert text_of(said) == "Hello"


@pytest.mark.parametrize(
    "model",
    [
        Gemini(client=Client(api_key="k")),
        Gemini(client_kwargs={"http_options": {"timeout": 9_000}}),
        Gemini(use_interactions_api=True),
    ],
)
def test_a_gemini_with_a_way_of_its_own_to_ask_is_merged_afterwards(model: Gemini) -> None:
    merged = coalescing(model)
    assert isinstance(merged, LightGemini)
    assert merged.client_kwargs == model.client_kwargs
    assert isinstance(merged, CoalescingModel)
    assert merged.held == holding.HOLD


def test_nothing_is_held_twice() -> None:
    merged = coalescing(Gemini(client_kwargs={"api_key": "k"}))
    assert isinstance(merged, LightGemini)
    assert (merged.client_kwargs or {})["api_key"] == "k"
    assert isinstance(merged, CoalescingModel)
    assert merged.held == 0

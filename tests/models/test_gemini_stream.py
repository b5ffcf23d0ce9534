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

from agent.models import batching
from agent.models.coalescing import CoalescingModel, coalescing
from agent.models.gemini_request import GeminiWithPlainRequests
from agent.models.gemini_stream import StreamHook, coalesce_events, parse_event
from agent.models.genai_internals import use_httpx, with_event_hook
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
    Signed,
    Silent,
    Think,
    Until,
)
from tests.support.thorough import sample

CHUNKS = st.lists(st.tuples(st.booleans(), st.text()), max_size=30)


def event(*parts: Any, **more: Any) -> str:
    content = {"parts": list(parts), "role": "model"}
    return f"data: {json.dumps({'candidates': [{'content': content, 'index': 0}], **more})}\n\n"


def words(text: str, **more: Any) -> str:
    return event({"text": text}, modelVersion="m", **more)


def coalesced(*events: str) -> str:
    return b"".join(coalesce_events(map(parse_event, events))).decode()


@given(CHUNKS)
def test_the_same_words_come_in_the_same_order_and_thoughts_stay_apart(
    chunks: list[tuple[bool, str]],
) -> None:
    runs = groupby(chunks, key=lambda chunk: chunk[0])
    expected = [("".join(text for _, text in run), kind) for kind, run in runs]
    thought = [{}, {"thought": True}]
    fewer = coalesced(*(event({"text": text, **thought[kind]}) for kind, text in chunks))
    answers = [json.loads(line.removeprefix("data: ")) for line in fewer.split("\n\n")[:-1]]
    parts = [answer["candidates"][0]["content"]["parts"] for answer in answers]
    assert [(part["text"], part.get("thought", False)) for [part] in parts] == expected


def test_tokens_are_counted_as_by_the_latest_that_counts_them() -> None:
    few, many = {"usageMetadata": {"totalTokenCount": 1}}, {"usageMetadata": {"totalTokenCount": 9}}
    assert coalesced(words("a", **few), words("b", **many), words("c")) == words("abc", **many)
    assert coalesced(words("a"), words("b")) == words("ab")


OTHER = {
    "the end": event({"text": "x"}).replace('"index"', '"finishReason": "STOP", "index"'),
    "a signature": event({"text": "x", "thoughtSignature": "cw=="}, modelVersion="m"),
    "a signature alone": event({"text": "", "thoughtSignature": "cw=="}, modelVersion="m"),
    "a signed thought": event(
        {"text": "x", "thought": True, "thoughtSignature": "cw=="}, modelVersion="m"
    ),
    "a signed call": event(
        {"functionCall": {"name": "f"}, "thoughtSignature": "cw=="}, modelVersion="m"
    ),
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
    fewer = coalesced(words("a"), words("b"), other, words("c"), words("d"))
    assert fewer == words("ab") + other + words("cd")


def test_what_is_signed_is_not_joined_even_by_the_same_signature() -> None:
    signed = OTHER["a signature"]
    assert coalesced(signed, signed) == signed + signed


ANSWERS: dict[str, Script] = {
    "words": ("Hel", "lo,\n\n", "  é\ud83d\ude00\u2028\\ \"'", " you", Finish("STOP")),
    "thoughts": (Think("Hm"), Think("m."), "It ", "is.", Think("Ah."), "Yes."),
    "a tool": ("I lo", "ok. ", Call("f", {"a": [1, "b"]}, "7")),
    "two tools": (Call("f", {}, "1"), Call("g", {"b": None}, "2")),
    "a signed tool": (
        Think("H"),
        Think("m."),
        "I lo",
        "ok. ",
        Call("f", {}, "1"),
        Call("g", {}, "2"),
    ),
    "a signature at the end": ("It ", "is ", "co", "ld.", Signed("")),
    "a signed end": ("It ", "is ", Signed("cold.")),
    "a signature in between": ("It ", "is ", Signed("co"), "l", "d", ".", Think("Hm"), Think(".")),
    "a signature alone in between": ("It ", "is ", Signed(""), "co", "ld", "."),
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


async def responses_of(model: Any) -> AsyncGenerator[LlmResponse]:
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
    gemini.reset()  # It signs the next script as it has signed the one before.
    gemini.enqueue(*script)
    try:
        async for response in responses_of(model):
            text = text_of(response)
            said.append(text or "")
            whole.extend([] if text else [response.model_dump()])
    except Exception as error:
        failed = f"{type(error).__name__}: {error}"
    gc.collect()  # google-genai lets go of a stream that has failed only as garbage.
    await alone()
    return "".join(said), whole, failed


@pytest.mark.parametrize("script", sample(ANSWERS.values()), ids=ANSWERS.keys())
async def test_adk_makes_the_same_of_it(gemini: FakeGemini, script: Script) -> None:
    own, twin = Gemini(model="gemini-x"), coalescing(Gemini(model="gemini-x"))
    use_httpx(own.api_client)  # Another library tells failures in other words.
    assert isinstance(twin, GeminiWithPlainRequests)
    assert await outcome(gemini, twin, script) == await outcome(gemini, own, script)


async def test_google_genai_is_handed_fewer_events(gemini: FakeGemini) -> None:
    own, words = Gemini(model="gemini-x"), ["x "] * 100
    hooked = Gemini(model="gemini-x", **with_event_hook(own, StreamHook()))
    use_httpx(hooked.api_client)

    async def partials(model: Gemini) -> list[str]:
        gemini.enqueue(*words)
        return [text async for response in responses_of(model) if (text := text_of(response))]

    assert await partials(own) == words
    fewer = await partials(hooked)
    assert len(fewer) < 50
    assert "".join(fewer) == "".join(words)


async def test_what_is_signed_keeps_its_signature_and_its_place(gemini: FakeGemini) -> None:
    gemini.enqueue(*["x "] * 100, Signed("and "), *["y "] * 100, Signed(""))
    answer = [response async for response in responses_of(coalescing(Gemini(model="x")))]
    [whole] = [response.content for response in answer if not response.partial]
    texts = [text for response in answer if (text := text_of(response)) is not None]
    partials, parts = texts, (whole and whole.parts) or []
    assert len(partials) < 100
    assert "and " in partials
    assert [(part.text, bool(part.thought_signature)) for part in parts] == [
        ("x " * 100 + "and " + "y " * 100, True),
        ("", True),
    ]


async def test_what_comes_at_once_becomes_one_event() -> None:
    body = "".join(words("x") for _ in range(100))
    assert await received(body.encode()) == words("x" * 100)


async def test_what_is_compressed_is_read_too() -> None:
    body = gzip.compress((words("a") + words("b") + words("c")).encode())
    assert await received(body, headers={"content-encoding": "gzip"}) == words("abc")


@pytest.mark.parametrize("end", ["\n", "\r\n"])
async def test_a_line_ends_nowhere_but_at_its_end(end: str) -> None:
    odd = "a\u2028b\x85c"  # JSON may hold these as they are.
    body = words("x") + words("").replace('"text": ""', f'"text": "{odd}"') + words("y")
    for size in (1, 7, len(body)):
        events = (await received(body.replace("\n", end).encode(), size)).split("\n\n")[:-1]
        assert "".join(parse_event(event).text for event in events) == f"x{odd}y"


async def test_what_does_not_come_in_events_is_left_alone() -> None:
    body = words("a") + words("b") + words("c")
    assert await received(body.encode(), headers={"content-type": "application/json"}) == body
    await StreamHook()(object())


async def received(body: bytes, size: int = 2**20, headers: dict[str, str] | None = None) -> str:
    """What httpx hands over of such a response, which has come in pieces of this size."""

    async def pieces() -> AsyncGenerator[bytes]:
        for start in range(0, len(body), size):
            yield body[start : start + size]

    def answer(_: httpx.Request) -> httpx.Response:
        sent = {"content-type": "text/event-stream;charset=UTF-8", **(headers or {})}
        return httpx.Response(200, headers=sent, content=pieces())

    nowhere, hooks = httpx.MockTransport(answer), dict[str, list[Any]](response=[StreamHook()])
    async with httpx.AsyncClient(transport=nowhere, event_hooks=hooks) as http:
        return (await http.get("http://localhost")).text


async def test_a_connection_that_is_reset_fails_as_ever(gemini: FakeGemini) -> None:
    answer, seen = responses_of(coalescing(Gemini(model="gemini-x"))), threading.Event()
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
@pytest.mark.parametrize("cpu_slice", [batching.CPU_SLICE, 0.0])
async def test_who_stops_reading_hangs_up(
    gemini: FakeGemini, monkeypatch: pytest.MonkeyPatch, cpu_slice: float
) -> None:
    monkeypatch.setattr(batching, "CPU_SLICE", cpu_slice)  # Without it, it pauses in that moment.

    model = coalescing(Gemini(model="gemini-x"))  # Whose client would hang up, were it gone.
    gemini.enqueue("Hello", Hang())
    answer = responses_of(model)
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
def test_a_gemini_with_a_way_of_its_own_to_ask_is_coalesced_afterwards(model: Gemini) -> None:
    twin = coalescing(model)
    assert isinstance(twin, GeminiWithPlainRequests)
    assert twin.client_kwargs == model.client_kwargs
    assert isinstance(twin, CoalescingModel)
    assert twin.stream_hook is None


def test_nothing_waits_twice() -> None:
    twin = coalescing(Gemini(client_kwargs={"api_key": "k"}))
    assert isinstance(twin, GeminiWithPlainRequests)
    assert (twin.client_kwargs or {})["api_key"] == "k"
    assert isinstance(twin, CoalescingModel)
    assert twin.stream_hook

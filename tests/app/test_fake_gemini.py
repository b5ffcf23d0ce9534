"""The fake Gemini API says and breaks what it is told to, as the real client sees it."""

import asyncio
import threading
from collections.abc import Callable, Generator
from typing import Any

import httpx
import pytest
from google.adk.utils.content_utils import SKIP_THOUGHT_SIGNATURE_VALIDATOR
from google.genai import Client
from google.genai.errors import APIError, ClientError, ServerError
from google.genai.types import Content, GenerateContentResponse, HttpOptions, Part

import tests.support.fake_gemini as fake
from tests.support.fake_gemini import (
    Call,
    Cut,
    ErrorInStream,
    FakeGemini,
    Finish,
    Hang,
    Status,
    Step,
    Think,
)

MODEL = "gemini-2.5-flash"
Chunks = Generator[GenerateContentResponse, None, None]


@pytest.fixture
def gemini() -> Generator[FakeGemini, None, None]:
    with FakeGemini() as server:
        yield server


def client(gemini: FakeGemini) -> Client:
    return Client(api_key="test", http_options=HttpOptions(base_url=gemini.url))


def streamed(gemini: FakeGemini, said: str = "Hi") -> Chunks:
    with client(gemini) as real:
        yield from real.models.generate_content_stream(model=MODEL, contents=said)


def single(gemini: FakeGemini, said: Any = "Hi") -> GenerateContentResponse:
    with client(gemini) as real:
        return real.models.generate_content(model=MODEL, contents=said)


def whole_stream(gemini: FakeGemini) -> list[GenerateContentResponse]:
    return list(streamed(gemini))


def parts(response: GenerateContentResponse) -> list[Part]:
    content = response.candidates[0].content if response.candidates else None
    return content.parts or [] if content else []


def finish(response: GenerateContentResponse) -> str | None:
    return response.candidates[0].finish_reason if response.candidates else None


def test_text_chunks_reach_the_real_client_one_by_one(gemini: FakeGemini) -> None:
    first_received = threading.Event()
    gemini.enqueue("Hel", fake.Until(first_received), "lo")
    chunks = streamed(gemini)
    assert next(chunks).text == "Hel"
    first_received.set()
    lo, last = chunks
    assert (lo.text, parts(last), finish(last)) == ("lo", [], "STOP")
    assert getattr(last.usage_metadata, "total_token_count", None) == 12


def test_a_single_reply_joins_all_steps(gemini: FakeGemini) -> None:
    gemini.enqueue(Think("hm"), "Hel", fake.Pause(0.001), "lo", Finish("MAX_TOKENS"))
    response = single(gemini)
    assert [part.text for part in parts(response)] == ["hm", "Hel", "lo"]
    assert finish(response) == "MAX_TOKENS"


def test_thoughts_calls_and_images_arrive_as_such(gemini: FakeGemini) -> None:
    gemini.enqueue(Think("hm"), Call("look", {"at": "sky"}, "c1"), fake.Image("image/png", b"P"))
    thought, call, image = [part for chunk in streamed(gemini) for part in parts(chunk)]
    assert (thought.thought, thought.text) == (True, "hm")
    assert getattr(call.function_call, "args", None) == {"at": "sky"}
    assert getattr(image.inline_data, "data", None) == b"P"


def test_a_request_tells_what_the_client_sent(gemini: FakeGemini) -> None:
    gemini.always("ok")
    call = Part.from_function_call(name="look", args={"z": 1, "at": "sky"})
    answer = Part.from_function_response(name="look", response={"seen": "sun"})
    said = [Part(text="hm", thought=True), Part(text="I'll "), Part(text="look"), call, call]
    single(gemini, [Content(role="model", parts=said), Content(role="user", parts=[answer])])
    request, called = gemini.requests[0], 'call look {"at": "sky", "z": 1}'
    assert (request.key, request.model, request.streaming) == ("test", MODEL, False)
    assert request.conversation[0] == ("model", f"I'll look\n{called}\n{called}")
    assert request.last_user_text == 'response look {"seen": "sun"}'


SKY = Call("look", {"at": "sky"})
ANSWERED = Content(
    role="user", parts=[Part.from_function_response(name="look", response={"seen": "sun"})]
)


def signatures(response: list[Part]) -> list[bool]:
    return [bool(part.thought_signature) for part in response]


@pytest.mark.parametrize("ask", [whole_stream, lambda gemini: [single(gemini)]])
def test_the_first_call_of_each_reply_is_signed_and_a_text_if_told_to(
    gemini: FakeGemini, ask: Callable[..., list[GenerateContentResponse]]
) -> None:
    gemini.always("Hm. ", SKY, SKY, fake.Signed(""))
    first, second = ([part for chunk in ask(gemini) for part in parts(chunk)] for _ in range(2))
    assert signatures(first) == signatures(second) == [False, True, False, True]
    assert len({part.thought_signature for part in first + second}) == 5
    gemini.signs = False
    assert signatures([part for chunk in ask(gemini) for part in parts(chunk)])[:3] == [False] * 3


def signed_call(gemini: FakeGemini) -> Part:
    gemini.enqueue(SKY)
    [call] = parts(single(gemini))
    return call


def follow_up(gemini: FakeGemini, *calls: Part, then: tuple[Content | str, ...] = ()) -> None:
    """Send the calls back with an answer."""
    gemini.enqueue("ok")
    single(gemini, ["Hi", Content(role="model", parts=list(calls)), ANSWERED, *then])


def test_a_call_may_come_back_with_its_signature_or_googles_stand_in(gemini: FakeGemini) -> None:
    call = signed_call(gemini)
    follow_up(gemini, call)
    follow_up(gemini, call, Part(function_call=call.function_call))  # parallel ones
    call.thought_signature = SKIP_THOUGHT_SIGNATURE_VALIDATOR
    follow_up(gemini, call)
    call.thought_signature = signed_call(gemini).thought_signature  # of the same call
    follow_up(gemini, call)


@pytest.mark.parametrize("signature", [None, b"", b"another", "a text's"])
def test_a_call_of_the_current_turn_that_comes_back_otherwise_is_refused(
    gemini: FakeGemini, signature: bytes | str | None
) -> None:
    if isinstance(signature, str):
        gemini.enqueue(fake.Signed(signature))
        [text] = parts(single(gemini))
        signature = text.thought_signature
    call = signed_call(gemini)
    call.thought_signature = signature
    with pytest.raises(ClientError, match="Function call is missing a thought_signature") as caught:
        follow_up(gemini, Part(text="Hm."), call)
    assert (caught.value.code, caught.value.status) == (400, "INVALID_ARGUMENT")


def test_a_call_of_an_earlier_turn_or_of_another_model_needs_no_signature(
    gemini: FakeGemini,
) -> None:
    call = signed_call(gemini)
    call.thought_signature = None
    follow_up(gemini, call, then=("And now?",))
    follow_up(gemini, Part.from_function_call(name="look", args={"at": "sea"}))


def test_each_visitor_gets_the_reply_meant_for_them(gemini: FakeGemini) -> None:
    gemini.reply_to("visitor 1", "one")
    gemini.reply_to("visitor 12", "twelve")
    gemini.enqueue("first")
    gemini.always("other")
    said = ["visitor 12", "Hi", "visitor 1", "visitor 12", "Hi"]
    replies = [single(gemini, text).text for text in said]
    assert replies == ["twelve", "first", "one", "twelve", "other"]


def test_an_unexpected_request_fails_and_is_remembered(gemini: FakeGemini) -> None:
    with pytest.raises(ServerError, match="no reply"):
        single(gemini)
    assert gemini.unexpected == gemini.requests


FAILURES = [
    (Status(400, "INVALID_ARGUMENT"), ClientError, "INVALID_ARGUMENT"),
    (fake.Html(502), ServerError, "Bad Gateway"),
    (ErrorInStream(503, "UNAVAILABLE"), ServerError, "UNAVAILABLE"),
]


@pytest.mark.parametrize("ask", [whole_stream, single])
@pytest.mark.parametrize(("step", "error", "status"), FAILURES)
def test_a_failure_reaches_the_client_with_its_code(
    gemini: FakeGemini, ask: Callable[..., object], step: Status, error: type[APIError], status: str
) -> None:
    gemini.enqueue(fake.Pause(0.001), step)
    with pytest.raises(error) as caught:
        ask(gemini)
    assert (caught.value.code, caught.value.status) == (step.code, status)


def test_a_failure_says_when_to_retry_and_why(gemini: FakeGemini) -> None:
    gemini.enqueue(Status(429, "RESOURCE_EXHAUSTED", "Quota", retry_after=7, reason="LIMIT"))
    with pytest.raises(ClientError, match="Quota") as caught:
        whole_stream(gemini)
    retry, info = caught.value.details["error"]["details"]
    assert (retry["retryDelay"], info["reason"]) == ("7s", "LIMIT")


BREAKS = [
    (Cut(), httpx.ReadError),
    (fake.Close(), httpx.RemoteProtocolError),
    (fake.Garbage(), ValueError),
    (ErrorInStream(503, "UNAVAILABLE"), ServerError),
]


@pytest.mark.parametrize(("step", "error"), BREAKS)
def test_a_reply_can_break_after_its_first_words(
    gemini: FakeGemini, step: Step, error: type[Exception]
) -> None:
    gemini.always("Hel", step)
    chunks = streamed(gemini)
    assert next(chunks).text == "Hel"
    with pytest.raises(error):
        next(chunks)
    with pytest.raises(error):
        single(gemini)
    assert [request.left.is_set() for request in gemini.requests] == [False, False]


@pytest.mark.parametrize("ask", [whole_stream, single])
def test_a_connection_can_end_before_any_header(
    gemini: FakeGemini, ask: Callable[..., object]
) -> None:
    gemini.enqueue(fake.Drop())
    with pytest.raises(httpx.RemoteProtocolError, match="without sending a response"):
        ask(gemini)


def test_a_reply_can_have_no_words(gemini: FakeGemini) -> None:
    for step in (fake.Blocked("SAFETY"), fake.Silent(), fake.Nothing()):
        gemini.enqueue(step)
    [blocked], [silent], nothing = [whole_stream(gemini) for _ in range(3)]
    assert getattr(blocked.prompt_feedback, "block_reason", None) == "SAFETY"
    assert (parts(silent), finish(silent), nothing) == ([], "STOP", [])


@pytest.mark.parametrize("silence", [Hang(), fake.Until(threading.Event()), fake.Pause(60)])
def test_a_client_that_leaves_a_silent_reply_is_noticed(gemini: FakeGemini, silence: Step) -> None:
    gemini.enqueue("Hel", silence)
    chunks = streamed(gemini)
    next(chunks)
    [request] = gemini.requests
    assert not request.left.is_set()
    chunks.close()
    assert request.left.wait(5)
    assert (request.left_at or 0) > request.arrived_at


async def test_an_async_client_that_gives_up_is_noticed(gemini: FakeGemini) -> None:
    real = client(gemini)
    gemini.enqueue(Hang())
    stream = await real.aio.models.generate_content_stream(model=MODEL, contents="Hi")
    waiting: asyncio.Future[Any] = asyncio.ensure_future(anext(stream))
    await asyncio.to_thread(gemini.arrived)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert gemini.requests[0].left.wait(5)


async def test_visitors_do_not_wait_for_each_other(gemini: FakeGemini) -> None:
    async def ask(said: str) -> str | None:
        return (await real.aio.models.generate_content(model=MODEL, contents=said)).text

    real, answered = client(gemini), threading.Event()
    gemini.always(fake.Until(answered), "Hello")
    gemini.reply_to("last", "Bye")
    waiting = [asyncio.create_task(ask("Hi")) for _ in range(20)]
    while len(gemini.requests) < 20:  # noqa: ASYNC110 (another thread's list)
        await asyncio.sleep(0)
    last = await ask("last")
    answered.set()
    assert [last, *await asyncio.gather(*waiting)] == ["Bye"] + ["Hello"] * 20


def test_a_closed_server_lets_its_clients_go_and_refuses_new_ones(gemini: FakeGemini) -> None:
    gemini.enqueue("Hel", Hang())
    chunks = streamed(gemini)
    next(chunks)
    gemini.close()
    with pytest.raises(httpx.RemoteProtocolError):
        next(chunks)
    with pytest.raises(httpx.ConnectError):
        single(gemini)


@pytest.mark.parametrize("script", [("Hel", Status(500, "INTERNAL")), (Cut(), "lo")])
def test_a_script_that_cannot_be_played_is_refused(gemini: FakeGemini, script: fake.Script) -> None:
    with pytest.raises(ValueError, match="order"):
        gemini.enqueue(*script)

"""Requests with a long history: the same as google-genai's own, for less."""

from typing import Any

import pytest
from google.adk.models import Gemini, LlmRequest
from google.adk.utils.content_utils import SKIP_THOUGHT_SIGNATURE_VALIDATOR
from google.genai import types

from agent.models.coalescing import coalescing
from agent.models.gemini_request import GeminiWithPlainRequests, as_plain_json
from tests.support.fake_gemini import FakeGemini
from tests.support.thorough import sample


def content(role: str, *parts: types.Part) -> types.Content:
    return types.Content(role=role, parts=list(parts))


def text(words: str, **more: Any) -> types.Part:
    return types.Part(text=words, **more)


QUESTION, ANSWER = content("user", text("How is Oslo?")), content("model", text("Cold."))

CALL = content("model", types.Part.from_function_call(name="sky", args={"city": "Oslo", "days": 2}))

RESULT = content(
    "user", types.Part.from_function_response(name="sky", response={"result": [1, {"a": None}]})
)

# Its base64 is not the same in both alphabets, and has padding.
SIGNATURE = b"\xfb\xef\xff\x00"


def signed_call(city: str, signature: bytes | None = SIGNATURE) -> types.Part:
    """A call as Gemini 3 makes it: of parallel ones, the first alone is signed."""
    call = types.FunctionCall(name="sky", args={"city": city})
    return types.Part(function_call=call, thought_signature=signature)


PLAIN: dict[str, list[types.Content]] = {
    "one question": [QUESTION],
    "a conversation": [QUESTION, ANSWER, content("user", text('\u00e9\ud83d\ude00 "\\\n'))],
    "several parts": [content("user", text("One."), text("Two.")), ANSWER, QUESTION],
    "a tool": [QUESTION, CALL, RESULT],
    "a tool with an id": [
        QUESTION,
        content("model", types.Part(function_call=types.FunctionCall(id="7", name="f", args={}))),
        content("user", types.Part(function_response=types.FunctionResponse(id="7", name="f"))),
    ],
    "a thought": [QUESTION, content("model", text("Hm.", thought=True), text("Cold.")), QUESTION],
    "a signed call": [QUESTION, content("model", signed_call("Oslo")), RESULT],
    "a signed call after a thought": [
        QUESTION,
        content("model", text("Hm.", thought=True), signed_call("Oslo")),
        RESULT,
    ],
    "signed calls in parallel": [
        QUESTION,
        content("model", signed_call("Oslo"), signed_call("Rome", None)),
        content("user", *(RESULT.parts or []), *(RESULT.parts or [])),
    ],
    "signed calls one after the other": [
        QUESTION,
        *(content("model", signed_call("Oslo", b"1")), RESULT),
        *(content("model", signed_call("Rome", b"2")), RESULT),
    ],
    "a call that Gemini has not made": [
        QUESTION,
        content("model", signed_call("Oslo", SKIP_THOUGHT_SIGNATURE_VALIDATOR)),
        RESULT,
    ],
    "a signed text": [
        QUESTION,
        content("model", text("Cold.", thought_signature=SIGNATURE)),
        QUESTION,
    ],
    "a text with a signature after it": [
        QUESTION,
        content("model", text("Cold."), text("", thought_signature=SIGNATURE)),
        QUESTION,
    ],
    "a signed thought": [
        QUESTION,
        content("model", text("Hm.", thought=True, thought_signature=SIGNATURE), text("Cold.")),
        QUESTION,
    ],
    "nothing but a signature": [
        QUESTION,
        content("model", types.Part(thought_signature=SIGNATURE), text("", thought_signature=b"")),
        QUESTION,
    ],
    "no words": [content("user", text(""))],
    "no parts": [QUESTION, types.Content(role="model"), QUESTION],
}

CODE = types.Part.from_executable_code(code="1", language=types.Language.PYTHON)

OTHER: dict[str, list[types.Content]] = {
    "a picture": [content("user", types.Part.from_bytes(data=b"\xff\x00", mime_type="image/png"))],
    "a file": [content("user", types.Part.from_uri(file_uri="gs://a/b", mime_type="image/png"))],
    "code": [QUESTION, content("model", CODE), QUESTION],
    "the model's word last": [QUESTION, ANSWER],
}


def request(contents: list[types.Content], **options: Any) -> LlmRequest:
    config = types.GenerateContentConfig(
        system_instruction="Be brief.",
        temperature=0.5,
        http_options=types.HttpOptions(timeout=5_000, **options),
    )
    return LlmRequest(model="gemini-x", contents=contents, config=config)


async def sent(gemini: FakeGemini, model: Gemini, llm_request: LlmRequest, stream: bool) -> object:
    """The body of the request that comes of it."""
    gemini.enqueue("Good.")
    async for _ in model.generate_content_async(llm_request, stream):
        pass
    return gemini.requests[-1].body


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("contents", sample((PLAIN | OTHER).values()), ids=(PLAIN | OTHER).keys())
async def test_the_request_is_the_same_as_geminis_own(
    gemini: FakeGemini, contents: list[types.Content], stream: bool
) -> None:
    own, plain = [
        await sent(gemini, kind(model="gemini-x"), request(contents), stream)
        for kind in (Gemini, GeminiWithPlainRequests)
    ]
    assert plain == own


async def test_a_signature_is_sent_as_googles_own_base64(gemini: FakeGemini) -> None:
    question = request(PLAIN["a signed call"])
    await sent(gemini, GeminiWithPlainRequests(model="gemini-x"), question, stream=True)
    [part] = gemini.requests[-1].body["contents"][1]["parts"]
    assert part["thoughtSignature"] == "--__AA=="
    assert part["functionCall"] == {"name": "sky", "args": {"city": "Oslo"}}


@pytest.mark.parametrize("contents", PLAIN.values(), ids=PLAIN.keys())
def test_a_plain_history_is_not_gone_through_by_google_genai(contents: list[types.Content]) -> None:
    llm_request = request(contents)
    assert as_plain_json(llm_request).contents == contents[-1:]
    assert llm_request.contents == contents


LEFT_ALONE = {name: request(contents) for name, contents in OTHER.items()} | {
    "a body with more in it": request([QUESTION], extra_body={"labels": {"a": "b"}}),
    "nothing": request([]),
}


@pytest.mark.parametrize("llm_request", LEFT_ALONE.values(), ids=LEFT_ALONE.keys())
def test_whatever_is_not_plain_goes_the_usual_way(llm_request: LlmRequest) -> None:
    assert as_plain_json(llm_request) is llm_request


def test_only_geminis_own_class_has_plain_requests() -> None:
    class Other(Gemini):
        """One that may change what is in a request, as ADK's Gemma does."""

    assert isinstance(coalescing(Gemini(model="gemini-x")), GeminiWithPlainRequests)
    assert not isinstance(coalescing(Other(model="gemini-x")), GeminiWithPlainRequests)
    assert type(coalescing(Gemini(model="gemini-x"))).__name__ == "Gemini"

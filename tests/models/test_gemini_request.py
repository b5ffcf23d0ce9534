"""Requests with a long history: the same to a byte, for less."""

from typing import Any

import pytest
from google.adk.models import Gemini, LlmRequest
from google.genai import types

from agent.models.coalescing import coalescing
from agent.models.gemini_request import LightGemini, light
from tests.support.fake_gemini import FakeGemini


def content(role: str, *parts: types.Part) -> types.Content:
    return types.Content(role=role, parts=list(parts))


def text(words: str, **more: Any) -> types.Part:
    return types.Part(text=words, **more)


ASKED, SAID = content("user", text("How is Oslo?")), content("model", text("Cold."))

CALL = content("model", types.Part.from_function_call(name="sky", args={"city": "Oslo", "days": 2}))

RESULT = content(
    "user", types.Part.from_function_response(name="sky", response={"result": [1, {"a": None}]})
)

PLAIN: dict[str, list[types.Content]] = {
    "one question": [ASKED],
    "a conversation": [ASKED, SAID, content("user", text('\u00e9\ud83d\ude00 "\\\n'))],
    "several parts": [content("user", text("One."), text("Two.")), SAID, ASKED],
    "a tool": [ASKED, CALL, RESULT],
    "a tool with an id": [
        ASKED,
        content("model", types.Part(function_call=types.FunctionCall(id="7", name="f", args={}))),
        content("user", types.Part(function_response=types.FunctionResponse(id="7", name="f"))),
    ],
    "a thought": [ASKED, content("model", text("Hm.", thought=True), text("Cold.")), ASKED],
    "no words": [content("user", text(""))],
    "no parts": [ASKED, types.Content(role="model"), ASKED],
}

CODE = types.Part.from_executable_code(code="1", language=types.Language.PYTHON)

OTHER: dict[str, list[types.Content]] = {
    "a picture": [content("user", types.Part.from_bytes(data=b"\xff\x00", mime_type="image/png"))],
    "a file": [content("user", types.Part.from_uri(file_uri="gs://a/b", mime_type="image/png"))],
    "a signature": [ASKED, content("model", text("Cold.", thought_signature=b"\xfb\xff")), ASKED],
    "code": [ASKED, content("model", CODE), ASKED],
    "the model's word last": [ASKED, SAID],
}


def request(contents: list[types.Content], **options: Any) -> LlmRequest:
    config = types.GenerateContentConfig(
        system_instruction="Be brief.",
        temperature=0.5,
        http_options=types.HttpOptions(timeout=5_000, **options),
    )
    return LlmRequest(model="gemini-x", contents=contents, config=config)


async def sent(gemini: FakeGemini, model: Gemini, asked: LlmRequest, stream: bool) -> object:
    """The body of the request that comes of it."""
    gemini.enqueue("Good.")
    async for _ in model.generate_content_async(asked, stream):
        pass
    return gemini.requests[-1].body


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("contents", (PLAIN | OTHER).values(), ids=(PLAIN | OTHER).keys())
async def test_the_request_is_the_same_as_geminis_own(
    gemini: FakeGemini, contents: list[types.Content], stream: bool
) -> None:
    heavy, easy = [
        await sent(gemini, kind(model="gemini-x"), request(contents), stream)
        for kind in (Gemini, LightGemini)
    ]
    assert easy == heavy


@pytest.mark.parametrize("contents", PLAIN.values(), ids=PLAIN.keys())
def test_a_plain_history_is_not_gone_through_by_google_genai(contents: list[types.Content]) -> None:
    asked = request(contents)
    assert light(asked).contents == contents[-1:]
    assert asked.contents == contents


LEFT_ALONE = {name: request(contents) for name, contents in OTHER.items()} | {
    "a body with more in it": request([ASKED], extra_body={"labels": {"a": "b"}}),
    "nothing": request([]),
}


@pytest.mark.parametrize("asked", LEFT_ALONE.values(), ids=LEFT_ALONE.keys())
def test_whatever_is_not_plain_goes_the_usual_way(asked: LlmRequest) -> None:
    assert light(asked) is asked


def test_only_geminis_own_class_is_lightened() -> None:
    class Other(Gemini):
        """One that may change what is in a request, as ADK's Gemma does."""

    assert isinstance(coalescing(Gemini(model="gemini-x")), LightGemini)
    assert not isinstance(coalescing(Other(model="gemini-x")), LightGemini)
    assert type(coalescing(Gemini(model="gemini-x"))).__name__ == "Gemini"

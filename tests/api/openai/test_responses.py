"""`/v1/responses`, by the official `openai` client."""

import threading
from typing import Any

import httpx
import pytest
from openai import APIError, BadRequestError, OpenAI, RateLimitError

from tests.support.fake_gemini import Call, Cut, FakeGemini, Finish, Hang, Status, Think, Until
from tests.support.openai_client import TOKEN

pytestmark = pytest.mark.slow


def respond(client: OpenAI, said: Any = "Hi", **options: Any) -> Any:
    create: Any = client.responses.create
    return create(**{"model": "helper", "input": said, **options})


def test_a_whole_answer(client: OpenAI, gemini: FakeGemini) -> None:
    gemini.enqueue(Think("Hm."), Call("look", {"thing": "sky"}))
    gemini.enqueue("Hel", "lo.")
    response = respond(client)
    assert (response.status, response.output_text) == ("completed", "Hello.")
    assert (response.usage.input_tokens, response.usage.total_tokens) == (14, 24)


def test_an_answer_streams_as_the_model_gives_it(client: OpenAI, gemini: FakeGemini) -> None:
    rest = threading.Event()
    gemini.enqueue("Hel", Until(rest), "lo, you.")
    seen = []
    for event in respond(client, stream=True):
        seen.append(event)
        if getattr(event, "delta", "") == "Hel":
            rest.set()
    assert [event.type.removeprefix("response.") for event in seen] == [
        "created",
        "in_progress",
        "output_item.added",
        "content_part.added",
        "output_text.delta",
        "output_text.delta",
        "output_text.done",
        "content_part.done",
        "output_item.done",
        "completed",
    ]
    assert [event.sequence_number for event in seen] == list(range(10))
    assert [event.delta for event in seen[4:6]] == ["Hel", "lo, you."]
    assert seen[-1].response.output_text == "Hello, you."


def test_the_conversation_is_what_the_client_sends(client: OpenAI, gemini: FakeGemini) -> None:
    gemini.enqueue("You.")
    said = [
        {"role": "user", "content": "I am Ann"},
        {
            "type": "message",
            "role": "assistant",
            "content": [{"type": "output_text", "text": "Hi"}],
        },
        {"type": "function_call", "call_id": "1", "name": "mine", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "1", "output": "7"},
        {"role": "user", "content": [{"type": "input_text", "text": "Who am I?"}]},
    ]
    respond(client, said, instructions="Be brief.")
    assert gemini.requests[0].conversation == [
        ("user", "Be brief."),
        ("user", "I am Ann"),
        ("model", "Hi"),
        ("user", "Who am I?"),
    ]


def test_what_the_client_wants_of_the_model_is_asked_of_it(
    client: OpenAI, gemini: FakeGemini
) -> None:
    gemini.always("{}")
    form = {"type": "json_schema", "name": "any", "schema": {"type": "object"}}
    respond(client, max_output_tokens=100, temperature=1.5, top_p=0.5, text={"format": form})
    [request] = gemini.requests
    config = request.body["generationConfig"]
    assert (config["maxOutputTokens"], config["temperature"], config["topP"]) == (100, 1.5, 0.5)
    assert "Answer with one JSON value" in str(request.body["systemInstruction"])


@pytest.mark.parametrize(
    ("end", "reason"), [("MAX_TOKENS", "max_output_tokens"), ("SAFETY", "content_filter")]
)
def test_an_answer_that_was_cut_off_says_so(
    client: OpenAI, gemini: FakeGemini, end: str, reason: str
) -> None:
    gemini.enqueue("Half an answer", Finish(end))
    response = respond(client)
    assert (response.status, response.incomplete_details.reason) == ("incomplete", reason)
    gemini.enqueue("Half an answer", Finish(end))
    *_, last = respond(client, stream=True)
    assert (last.type, last.response.incomplete_details.reason) == ("response.incomplete", reason)


@pytest.mark.parametrize("stream", [False, True])
def test_a_failure_without_a_word_is_told_by_its_status(
    client: OpenAI, gemini: FakeGemini, stream: bool
) -> None:
    gemini.enqueue(Status(429, "RESOURCE_EXHAUSTED", retry_after=7))
    with pytest.raises(RateLimitError) as busy:
        respond(client, stream=stream)
    assert busy.value.response.headers["retry-after"] == "7"


def test_a_stream_that_fails_after_thoughts_says_so(client: OpenAI, gemini: FakeGemini) -> None:
    gemini.enqueue(Think("Hm."), Cut())
    *_, last = respond(client, stream=True)
    assert last.type == "response.failed"
    assert last.response.error.message.startswith("The connection to the AI service broke off.")


def test_a_client_that_leaves_the_stream_stops_the_model_at_once(
    client: OpenAI, gemini: FakeGemini
) -> None:
    gemini.enqueue("Hel", Hang())
    stream = respond(client, stream=True)
    next(stream)
    asked = gemini.arrived()
    stream.close()
    assert asked.left.wait(20)


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "no input": ({"input": None}, "input"),
    "an empty input": ({"input": ""}, "The last message must be the user's"),
    "an empty list": ({"input": []}, "The last message must be the user's"),
    "an answer kept elsewhere": ({"previous_response_id": "resp_1"}, "Answers are not kept here"),
    "a picture": (
        {"input": [{"role": "user", "content": [{"type": "input_image", "image_url": "x"}]}]},
        "Files are not fetched from elsewhere",
    ),
}


@pytest.mark.parametrize(("wrong", "sentence"), WRONG.values(), ids=WRONG.keys())
def test_a_wrong_request_is_refused_in_a_sentence(
    client: OpenAI, gemini: FakeGemini, wrong: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(BadRequestError) as refused:
        client.post(
            "/responses", body={"model": "helper", "input": "Hi", **wrong}, cast_to=httpx.Response
        )
    assert str(refused.value.body["message"]).startswith(sentence)  # type: ignore[index]
    assert gemini.requests == []


def test_nothing_is_answered_without_the_token(http: httpx.Client) -> None:
    body = {"model": "helper", "input": "Hi"}
    assert http.post("v1/responses", json=body).status_code == 401
    known = {"authorization": f"Bearer {TOKEN}"}
    assert http.get("v1/responses/resp_1", headers=known).json()["error"]["code"] == "unknown_url"


def test_another_model_is_not_found(client: OpenAI) -> None:
    with pytest.raises(APIError, match="only 'helper'"):
        respond(client, model="gpt-5")

"""Whom the OpenAI-compatible API refuses, and what: by raw HTTP as an intruder."""

import re
from typing import Any

import httpx
import pytest
from openai import AuthenticationError, NotFoundError, OpenAI

from agent.api.security_headers import TOO_LONG
from agent.core.settings import Settings
from tests.support.app_setup import launched, loaded
from tests.support.fake_gemini import FakeGemini
from tests.support.openai_client import TOKEN, Json, ask, raw, sent, text_and_reason, user

pytestmark = pytest.mark.slow


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


def picture(address: str) -> Json:
    return {"type": "image_url", "image_url": {"url": address}}


WRONG_KIND = "This kind of file cannot be sent here. What can be sent: pictures (PNG, JPEG, WebP)"
NOT_FETCHED = "Files are not fetched from elsewhere"
UNKNOWN = "A part of this type cannot be sent here: "
LAST = "The last message must be the user's, and may not be empty."
UNREAD = "The request cannot be read: "

WRONG: dict[str, tuple[Any, str]] = {
    "nothing": ("", UNREAD),
    "not JSON": ("not JSON", UNREAD),
    "not UTF-8": (b"\xff\xfe", UNREAD),
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
    "a tool's message as the last": (
        sent(messages=[user("Hi"), {"role": "tool", "tool_call_id": "1", "content": "Hi"}]),
        LAST,
    ),
    "a robot's message": (sent(messages=[{"role": "robot", "content": "Hi"}]), "messages.0.role: "),
    "no tokens": (sent(max_tokens=0), "max_tokens: "),
    "half a token": (sent(max_completion_tokens=0.5), "max_completion_tokens: "),
    "too hot": (sent(temperature=2.1), "temperature: "),
    "a temperature that is no number": (sent(temperature=float("nan")), "temperature: "),
    "more than all": (sent(top_p=1.1), "top_p: "),
    "a huge seed": (sent(seed=2**40), "seed: "),
    "an empty stop": (sent(stop=""), "stop"),
    "five stops": (sent(stop=["a"] * 5), "stop"),
    "another format": (sent(response_format={"type": "xml"}), "response_format.type: "),
    "no schema": (
        sent(response_format={"type": "json_schema", "json_schema": {"schema": 7}}),
        "response_format.json_schema.schema: ",
    ),
    "roles": (sent(messages=[{"role": ["user"], "content": "Hi"}]), "messages.0.role: "),
    "a number": (sent(messages=[user(7)]), "messages.0.content"),
    "a dict": (sent(messages=[user({"text": "Hi"})]), "messages.0.content"),
    "listed texts": (sent(messages=[user(["Hi"])]), "messages.0.content"),
    "no picture": (sent(messages=[user([picture("data:image/png;base64,AAAA")])]), WRONG_KIND),
    "a picture elsewhere": (sent(messages=[user([picture("https://a.example")])]), NOT_FETCHED),
    "a file by its id": (
        sent(messages=[user([{"type": "file", "file": {"file_id": "file-1"}}])]),
        NOT_FETCHED,
    ),
    "a picture without one": (sent(messages=[user([{"type": "image_url"}])]), UNKNOWN),
    "an earlier one that is none": (
        sent(messages=[user([picture("data:image/png;base64,AAAA")]), user("Hi")]),
        WRONG_KIND,
    ),
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
        UNKNOWN,
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


TOLERATED: dict[str, tuple[Any, list[tuple[str, str]]]] = {
    "calls and results of the client's own tools": (
        [
            user("Sky?"),
            {"role": "assistant", "content": None, "tool_calls": [{"id": "1", "type": "function"}]},
            {"role": "tool", "tool_call_id": "1", "content": "blue"},
            {"role": "assistant", "content": "It is blue."},
            user("Hi"),
        ],
        [("user", "Sky?"), ("model", "It is blue."), ("user", "Hi")],
    ),
    "parts of the newer API": (
        [user([{"type": "input_text", "text": "Hi"}])],
        [("user", "Hi")],
    ),
}


@pytest.mark.parametrize(("messages", "conversation"), TOLERATED.values(), ids=TOLERATED.keys())
def test_what_other_models_have_left_in_a_conversation_is_no_hindrance(
    client: OpenAI, gemini: FakeGemini, messages: Any, conversation: list[tuple[str, str]]
) -> None:
    gemini.enqueue("Hello.")
    assert text_and_reason(ask(client, *messages)) == ("Hello.", "stop")
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


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("POST", "v1/embeddings", 404, "unknown_url"),
        ("GET", "v1/no/such/thing", 404, "unknown_url"),
        ("POST", "v1/models", 405, None),
        ("DELETE", "v1/models/helper", 405, None),
        ("GET", "v1/chat/completions", 405, None),
    ],
)
def test_every_address_below_v1_answers_in_openais_form(
    http: httpx.Client, method: str, path: str, status: int, code: str | None
) -> None:
    strange = http.request(method, path)
    assert (strange.status_code, error_of(strange)["code"]) == (401, "invalid_api_key")
    known = http.request(method, path, headers={"authorization": f"Bearer {TOKEN}"})
    assert (known.status_code, error_of(known)["code"]) == (status, code)


@pytest.mark.parametrize("path", ["v1/chat/completions", "v1/responses", "v1/no"])
def test_what_no_route_has_seen_is_refused_in_openais_form_too(
    http: httpx.Client, path: str
) -> None:
    known = {"authorization": f"Bearer {TOKEN}"}
    response = http.post(path, headers=known, content=b'{"data": ["' + b"a" * 50_000_000 + b'"]}')
    assert (response.status_code, error_of(response)) == (
        413,
        {"message": TOO_LONG, "type": "invalid_request_error", "param": None, "code": None},
    )


def test_the_agent_is_found_by_its_name(client: OpenAI) -> None:
    assert client.models.retrieve("helper").id == "helper"
    with pytest.raises(NotFoundError, match="only 'helper'"):
        client.models.retrieve("another")

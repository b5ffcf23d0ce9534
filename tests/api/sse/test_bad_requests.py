"""What `/chat/stream` cannot read."""

import re
from typing import Any
from unittest.mock import ANY

import httpx
import pytest

from tests.support.fake_gemini import FakeGemini
from tests.support.sse_client import answer, ask, events

pytestmark = pytest.mark.slow


def post(
    content: str | bytes, path: str = "chat/stream", kind: str = "application/json"
) -> dict[str, Any]:
    return {"method": "POST", "path": path, "content": content, "headers": {"content-type": kind}}


def get(path: str, **headers: str) -> dict[str, Any]:
    return {"method": "GET", "path": path, "headers": headers}


WRONG: dict[str, tuple[int, dict[str, Any]]] = {
    "no body": (422, {"method": "POST", "path": "chat/stream"}),
    "an empty body": (422, post("")),
    "not JSON": (422, post("What is 12*7?")),
    "half of it": (422, post('{"query": "Hi')),
    "an array": (422, post('["Hi"]')),
    "a text": (422, post('"Hi"')),
    "null": (422, post("null")),
    "an empty object": (422, post("{}")),
    "a null query": (422, post('{"query": null}')),
    "a number as query": (422, post('{"query": 7}')),
    "a list as query": (422, post('{"query": ["Hi"]}')),
    "no number as query": (422, post('{"query": NaN}')),
    "half a character in a list": (422, post(r'{"query": ["\ud800"]}')),
    "half a character as a name": (422, post(r'{"\ud800": "\ud800"}')),
    "a number as session": (422, post('{"query": "Hi", "session_id": 7}')),
    "half a character as session": (404, post(r'{"query": "Hi", "session_id": "\ud800"}')),
    "half a character in no session": (422, post(r'{"query": "Hi", "session_id": ["\ud800"]}')),
    "NUL as session": (404, post(r'{"query": "Hi", "session_id": "\u0000"}')),
    "a raw NUL": (422, post('{"query": "a\0b"}')),
    "not UTF-8": (400, post(b'{"query": "\xff"}')),
    "deep": (422, post('{"query":' + "[" * 900 + "]" * 900 + "}")),
    "too deep": (400, post("[" * 100_000)),
    "a huge number": (400, post('{"query":' + "9" * 5_000 + "}")),
    "a wrong name in the address": (422, post("", "chat/stream?question=Hi")),
    "1 MB of nothing": (400, post('{"query": [' + "null," * 200_000 + "null]}")),
    "plain text": (422, post('{"query": "Hi"}', kind="text/plain")),
    "a form": (422, post("query=Hi", kind="application/x-www-form-urlencoded")),
    "no query": (422, get("chat/stream")),
    "a wrong name": (422, get("chat/stream?question=Hi")),
    "a session not UTF-8": (404, get("chat/stream?query=Hi&session_id=%ff")),
    "a script's address": (403, get("chat/stream?query=Hi", **{"sec-fetch-dest": "script"})),
    "a link's address": (403, get("chat/stream?query=Hi", **{"sec-fetch-dest": "document"})),
    "PUT": (405, {"method": "PUT", "path": "chat/stream"}),
    "DELETE": (405, {"method": "DELETE", "path": "chat/stream"}),
    "GET of stop": (405, get("chat/stop")),
    "stop of nothing": (422, post("", "chat/stop")),
    "stop of a number": (422, post('{"session_id": 7}', "chat/stop")),
    "stop of a text": (422, post('"Hi"', "chat/stop")),
    "stop of half a character": (404, post(r'{"session_id": "\ud800"}', "chat/stop")),
    "stop of a list with half a character": (
        422,
        post(r'{"session_id": ["\ud800"]}', "chat/stop"),
    ),
}


@pytest.mark.parametrize(("status", "wrong"), WRONG.values(), ids=WRONG.keys())
def test_what_cannot_be_read_is_refused_in_a_sentence(
    url: str, gemini: FakeGemini, status: int, wrong: dict[str, Any]
) -> None:
    path, rest = wrong["path"], {key: wrong[key] for key in wrong if key != "path"}
    response = httpx.request(url=url + path, timeout=20, **rest)
    assert (response.status_code, response.json()) == (status, {"detail": ANY})
    # Words alone: nothing of what was sent, and no traceback.
    assert re.fullmatch(r"[\w ,.:]{9,200}", response.json()["detail"])
    assert gemini.requests == []
    gemini.enqueue("All well.")
    assert answer(ask(url, "All well?")) == "All well."


@pytest.mark.parametrize(
    ("escaped", "reaches"),
    [(r"a\ud800b", "a\ufffdb"), (r"a\udfff", "a\ufffd"), (r"a\u0000b", "ab")],
    ids=["half a character", "the other half", "NUL"],
)
def test_what_no_model_can_read_is_left_out_of_a_question(
    url: str, gemini: FakeGemini, escaped: str, reaches: str
) -> None:
    gemini.enqueue("One.")
    gemini.enqueue("Two.")
    content, headers = f'{{"query": "{escaped}"}}', {"content-type": "application/json"}
    first = httpx.post(f"{url}chat/stream", content=content, headers=headers)
    session = next(events(first)).session
    assert answer(ask(url, "And now?", session)) == "Two."
    assert gemini.requests[1].conversation == [
        ("user", reaches),
        ("model", "One."),
        ("user", "And now?"),
    ]

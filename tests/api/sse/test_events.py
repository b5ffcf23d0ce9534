"""`/chat/stream` by real HTTP: every event of a stream, to the letter."""

import re
import shutil
import subprocess
import threading
from unittest.mock import ANY

import httpx
import pytest
from httpx_sse import connect_sse

from tests.support.fake_gemini import Cut, FakeGemini, Status, Until
from tests.support.hard_texts import HARD_STREAM_TEXTS
from tests.support.sse_client import (
    EVERYTHING,
    answer,
    ask,
    asked,
    blocks,
    enqueue_everything,
    request,
    said,
    stepped,
)

pytestmark = pytest.mark.slow


def test_an_answer_comes_word_by_word_as_the_model_says_it(url: str, gemini: FakeGemini) -> None:
    gates = [threading.Event(), threading.Event()]
    gemini.enqueue("Hel", Until(gates[0]), "lo,", Until(gates[1]), " you.")
    with asked(url) as stream:
        assert said(list(stepped(stream, gates))) == [
            ("session", {"session_id": ANY}),
            ("message", {"text": "Hel"}),
            ("message", {"text": "lo,"}),
            ("message", {"text": " you."}),
            ("message", "[DONE]"),
        ]


def test_thoughts_tools_and_files_are_events_of_their_own(url: str, gemini: FakeGemini) -> None:
    gates = enqueue_everything(gemini)
    with asked(url, "Sky?") as stream:
        assert said(list(stepped(stream, gates))) == EVERYTHING


def test_each_event_has_an_id_that_tells_its_place(url: str, gemini: FakeGemini) -> None:
    gates = enqueue_everything(gemini)
    with asked(url, "Sky?") as stream:
        whole = list(stepped(stream, gates))
    session = whole[0].session
    assert [event.id for event in whole] == [*(f"{session}.1.{i}" for i in range(9)), "end"]


def test_a_failure_comes_after_what_was_said(url: str, gemini: FakeGemini) -> None:
    heard_it = threading.Event()
    gemini.enqueue("Half", Until(heard_it), Cut())
    with asked(url) as stream:
        assert said(list(stepped(stream, [heard_it]))) == [
            ("session", {"session_id": ANY}),
            ("message", {"text": "Half"}),
            (
                "failure",
                {
                    "text": "The connection to the AI service broke off. Try again for a full "
                    "answer."
                },
            ),
            ("message", "[DONE]"),
        ]


def test_a_failing_turn_is_reported_and_the_next_one_works(url: str, gemini: FakeGemini) -> None:
    gemini.enqueue(Status(503, "UNAVAILABLE", "overloaded"))
    gemini.enqueue("Hello.")
    failed = ask(url)
    assert said(failed) == [
        ("session", {"session_id": ANY}),
        (
            "failure",
            {
                "text": "The AI service has a problem at its end. Nothing is wrong with your "
                "message: try again in a moment."
            },
        ),
        ("message", "[DONE]"),
    ]
    assert answer(ask(url, "Hi again", failed[0].session)) == "Hello."


def test_an_empty_question_is_reported_and_reaches_no_model(url: str, gemini: FakeGemini) -> None:
    assert said(ask(url, " \n")) == [
        ("session", {"session_id": ANY}),
        ("failure", {"text": "Please type a message first."}),
        ("message", "[DONE]"),
    ]
    assert gemini.requests == []


@pytest.mark.parametrize("text", HARD_STREAM_TEXTS.values(), ids=HARD_STREAM_TEXTS.keys())
def test_the_very_text(url: str, gemini: FakeGemini, text: str) -> None:
    gemini.enqueue(*text[:9], text[9:])
    assert answer(ask(url)) == text


@pytest.mark.parametrize("text", HARD_STREAM_TEXTS.values(), ids=HARD_STREAM_TEXTS.keys())
def test_the_very_question(url: str, gemini: FakeGemini, text: str) -> None:
    gemini.enqueue("Noted.")
    ask(url, text)
    assert gemini.requests[0].conversation == [("user", text)]


def test_a_silent_model_is_waited_for_with_comments(url: str, gemini: FakeGemini) -> None:
    rest = threading.Event()
    gemini.enqueue(Until(rest), "At last.")
    with httpx.stream("POST", **request(url, "Hi", None, None)) as response:
        stream = blocks(response)
        first, *comments = (next(stream) for _ in range(4))
        rest.set()
        rest_of_it = [block.split("\n")[0] for block in stream if not block.startswith(":")]
    assert first.startswith("event: session\n")
    assert [re.sub(r"\d+", "N", comment) for comment in comments] == [": N s"] * 3
    assert rest_of_it == ['data: {"text": "At last."}', "data: [DONE]"]


def test_httpx_sse_makes_no_event_of_a_comment(url: str, gemini: FakeGemini) -> None:
    gate = threading.Event()
    gemini.enqueue("One", Until(gate), ", two.")
    with httpx.Client(timeout=20) as client:
        question = request(url, "Hi", None, None)
        del question["timeout"]
        with connect_sse(client, "POST", question.pop("url"), **question) as source:
            received = []
            threading.Timer(2.5, gate.set).start()  # So long that comments come.
            for event in source.iter_sse():
                received.append((event.event, event.data))
    session, *rest = received
    assert session[0] == "session"
    assert rest == [
        ("message", '{"text": "One"}'),
        ("message", '{"text": ", two."}'),
        ("message", "[DONE]"),
    ]


def test_no_proxy_may_keep_the_stream_back(url: str, gemini: FakeGemini) -> None:
    gemini.enqueue("Hello.")
    response = httpx.post(f"{url}chat/stream", json={"query": "Hi"})
    kind, cache, buffering = map(
        response.headers.get, ("content-type", "cache-control", "x-accel-buffering")
    )
    assert (kind, cache, buffering) == ("text/event-stream; charset=utf-8", "no-cache", "no")


# curl

ON_THE_WIRE = """\
event: session
data: {"session_id": "SESSION"}
id: SESSION.1.0
retry: 1000

data: {"text": "Hel"}
id: SESSION.1.1

data: {"text": "lo \\u2028 \\ud83d\\ude42"}
id: SESSION.1.2

data: [DONE]
id: end

"""


@pytest.mark.skipif(not shutil.which("curl"), reason="There is no curl")
@pytest.mark.parametrize(
    ("path", "options"),
    [
        ("chat/stream", ["--json", '{"query": "What is 12*7?"}']),
        ("chat/stream?query=What+is+12*7%3F", []),
        ("chat/stream?query=What+is+12*7%3F", ["-X", "POST"]),
    ],
    ids=["POST", "GET", "POST with the question in the address"],
)
def test_curl_prints_the_words_as_they_come(
    url: str, gemini: FakeGemini, path: str, options: list[str]
) -> None:
    rest = threading.Event()
    gemini.enqueue("Hel", Until(rest), "lo \u2028 🙂")
    with subprocess.Popen(
        ["curl", "-sSN", url + path, *options], stdout=subprocess.PIPE, text=True
    ) as curl:
        printed = ""
        for line in curl.stdout or ():
            printed += line
            if "Hel" in line:
                rest.set()
    assert re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4,12}){4}", "SESSION", printed) == ON_THE_WIRE
    assert curl.returncode == 0
    assert gemini.requests[0].conversation == [("user", "What is 12*7?")]


# The description


def test_the_apis_are_described_and_none_of_gradios_routes(url: str) -> None:
    described = httpx.get(f"{url}openapi.json").json()
    assert (described["info"]["title"], described["info"]["description"]) == ("Helper", "Helps.")
    assert {path: sorted(methods) for path, methods in described["paths"].items()} == {
        "/chat/stream": ["get", "post"],
        "/chat/stop": ["post"],
        "/agui": ["post"],
        "/files": ["post"],
        "/healthz": ["get"],
        "/readyz": ["get"],
    }
    asking = described["paths"]["/chat/stream"]
    assert {method: sorted(asking[method]["responses"]) for method in asking} == {
        "get": ["200", "204", "403", "404", "409", "422", "429", "503"],
        "post": ["200", "204", "404", "409", "422", "429", "503"],
    }

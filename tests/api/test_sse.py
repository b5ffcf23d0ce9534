"""`/chat/stream` by real HTTP: every event of a stream, every way in which it breaks."""

import asyncio
import json
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from typing import Any, TypeAlias
from unittest.mock import ANY

import httpx
import pytest
from google.adk.sessions import InMemorySessionService

from agent.api.sse import ANSWER_GONE, UNKNOWN_SESSION
from agent.core.notices import SENTENCES
from tests.support.app_setup import launched, loaded
from tests.support.fake_gemini import (
    Call,
    Cut,
    FakeGemini,
    Hang,
    Image,
    Request,
    Status,
    Think,
    Until,
)
from tests.support.hard_texts import HARD_STREAM_TEXTS

pytestmark = pytest.mark.slow

Said: TypeAlias = list[tuple[str, Any]]

BEGIN = ("session", {"session_id": ANY})
DONE = ("message", "[DONE]")


@dataclass(frozen=True)
class Event:
    """One event, as a browser's EventSource gives it."""

    name: str
    data: str
    id: str

    @property
    def session(self) -> str:
        """The id in the first event of a stream."""
        return str(json.loads(self.data)["session_id"])


def sky(city: str) -> dict[str, str]:
    """Tell the colour of the sky."""
    return {"colour": f"blue over {city}"}


@pytest.fixture(scope="module")
def url(fake: FakeGemini) -> Iterator[str]:
    # So much patience that nothing here ends by itself.
    with launched(
        loaded(tools=[sky]), request_retries=0, leave_grace=600, gap_timeout=100
    ) as address:
        yield address


# How one asks


@contextmanager
def asked(
    url: str, query: str = "Hi", session: str | None = None, last: str | None = None
) -> Iterator[Iterator[Event]]:
    """The events of an answer, as they come; whoever goes out before the end has left."""
    with httpx.stream("POST", **request(url, query, session, last)) as response:
        assert response.status_code == 200, response.read()
        yield events(response)


def ask(
    url: str, query: str = "Hi", session: str | None = None, last: str | None = None
) -> list[Event]:
    """The events of an answer, to its end."""
    with asked(url, query, session, last) as stream:
        return list(stream)


def request(url: str, query: str, session: str | None, last: str | None) -> dict[str, Any]:
    return {
        "url": f"{url}chat/stream",
        "json": {"query": query} | ({"session_id": session} if session else {}),
        "headers": {} if last is None else {"Last-Event-ID": last},
        "timeout": 20,
    }


def ask_once_free(url: str, query: str, session: str) -> list[Event]:
    """Ask as soon as the server has noticed that whoever asked before has left."""
    for _ in range(2_000):
        with httpx.stream("POST", **request(url, query, session, None)) as response:
            if response.status_code != 409:
                return list(events(response))
    raise AssertionError("It never noticed.")


def stop(url: str, session: str) -> httpx.Response:
    return httpx.post(f"{url}chat/stop", json={"session_id": session}, timeout=20)


def events(response: httpx.Response) -> Iterator[Event]:
    """The stream's events, without its comments."""
    for block in blocks(response):
        fields = dict(line.split(": ", 1) for line in block.split("\n"))
        if "data" in fields:
            yield Event(fields.get("event", "message"), fields["data"], fields.get("id", ""))


def blocks(response: httpx.Response) -> Iterator[str]:
    rest = b""
    for chunk in response.iter_bytes():
        *whole, rest = (rest + chunk).split(b"\n\n")
        yield from (block.decode() for block in whole)
    assert not rest


def said(stream: list[Event]) -> Said:
    """The events without their ids."""
    return [(e.name, e.data if e.data == "[DONE]" else json.loads(e.data)) for e in stream]


def joined(stream: Said) -> Said:
    """The same with neighbouring words in one piece: how they were cut does not matter."""
    folded: Said = []
    for (name, is_text), group in groupby(stream, key=lambda e: (e[0], list(e[1]) == ["text"])):
        pieces = [data for _, data in group]
        text = [{"text": "".join(piece["text"] for piece in pieces)}] if is_text else pieces
        folded += [(name, data) for data in text]
    return folded


def answer(stream: list[Event]) -> str:
    """All words of the answer."""
    words = [data["text"] for name, data in said(stream) if name == "message" and data != DONE[1]]
    return "".join(words)


def read_to(stream: Iterator[Event], what: str) -> Event:
    """Read on to the event that holds this."""
    return next(event for event in stream if what in event.data)


def stepped(stream: Iterator[Event], gates: list[threading.Event]) -> Iterator[Event]:
    """The same stream; after each of its words or thoughts the model is let go one step on."""
    for event in stream:
        yield event
        if gates and event.name in ("message", "thought"):
            gates.pop(0).set()


# What comes


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


PNG = b"\x89PNG\r\n\x1a\n"


def enqueue_everything(gemini: FakeGemini) -> list[threading.Event]:
    """A turn with all that a model can do; the gates between its steps."""
    gates = [threading.Event() for _ in range(4)]
    first, second, third, fourth = map(Until, gates)
    look = Call("sky", {"city": "Oslo"}, "call-1")
    gemini.enqueue(Think("Hm."), first, "Let me", second, " see. ", third, look)
    gemini.enqueue("It is ", fourth, "blue.", Image("image/png", PNG))
    return gates


EVERYTHING: Said = [
    ("session", {"session_id": ANY}),
    ("thought", {"text": "Hm."}),
    ("message", {"text": "Let me"}),
    ("message", {"text": " see. "}),
    ("tool_call", {"id": "call-1", "name": "sky", "args": {"city": "Oslo"}}),
    (
        "tool_result",
        {"id": "call-1", "name": "sky", "result": {"colour": "blue over Oslo"}, "seconds": ANY},
    ),
    ("message", {"text": "It is "}),
    ("message", {"text": "blue."}),
    ("file", {"mime_type": "image/png", "data": "iVBORw0KGgo="}),
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
    ],
    ids=["POST", "GET"],
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
    without_comments = re.sub(r"(?m)^: \d+ s\n\n", "", printed)
    assert re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4,12}){4}", "SESSION", without_comments) == ON_THE_WIRE
    assert curl.returncode == 0
    assert gemini.requests[0].conversation == [("user", "What is 12*7?")]


# Sessions


def test_a_session_goes_on(url: str, gemini: FakeGemini) -> None:
    gemini.enqueue("Hello, Ann.")
    gemini.enqueue("Ann.")
    session = ask(url, "I am Ann")[0].session
    again = ask(url, "Who am I?", session)
    assert (again[0].session, answer(again)) == (session, "Ann.")
    assert [event.id for event in again] == [f"{session}.2.0", f"{session}.2.1", "end"]
    assert gemini.requests[1].conversation == [
        ("user", "I am Ann"),
        ("model", "Hello, Ann."),
        ("user", "Who am I?"),
    ]


def test_get_goes_on_with_a_session_too(url: str, gemini: FakeGemini) -> None:
    gemini.enqueue("Hello, Ann.")
    gemini.enqueue("Ann.")
    session = ask(url, "I am Ann")[0].session
    httpx.get(f"{url}chat/stream", params={"query": "Who am I?", "session_id": session})
    assert gemini.requests[1].conversation == [
        ("user", "I am Ann"),
        ("model", "Hello, Ann."),
        ("user", "Who am I?"),
    ]


def test_two_sessions_are_apart(url: str, gemini: FakeGemini) -> None:
    both = threading.Event()
    gemini.reply_to("Here is Ann", "Dear Ann", Until(both), "!")
    gemini.reply_to("Here is Bob", "Dear Bob", Until(both), "!")
    with asked(url, "Here is Ann") as to_ann, asked(url, "Here is Bob") as to_bob:
        assert next(to_ann).session != next(to_bob).session
        read_to(to_ann, "Dear Ann")
        read_to(to_bob, "Dear Bob")
        both.set()
        assert said([*to_ann]) == said([*to_bob]) == [("message", {"text": "!"}), DONE]
    conversations = [request.conversation for request in gemini.requests]
    assert sorted(conversations) == [[("user", "Here is Ann")], [("user", "Here is Bob")]]


def test_an_unknown_session_is_refused_in_a_sentence(url: str, gemini: FakeGemini) -> None:
    response = httpx.post(**request(url, "Hi", "no-such-session", None))
    assert (response.status_code, response.json()) == (404, {"detail": UNKNOWN_SESSION})
    assert gemini.requests == []


def test_a_question_while_an_answer_streams_is_refused_and_the_answer_goes_on(
    url: str, gemini: FakeGemini
) -> None:
    rest = threading.Event()
    gemini.enqueue("Half", Until(rest), " and half")
    with asked(url) as stream:
        session = next(stream).session
        read_to(stream, "Half")
        response = httpx.post(**request(url, "And now?", session, None))
        rest.set()
        assert (response.status_code, response.json()) == (409, {"detail": SENTENCES["busy"]})
        assert said(list(stream)) == [("message", {"text": " and half"}), DONE]
    assert len(gemini.requests) == 1


def test_a_question_after_its_client_has_left_takes_the_place_of_the_one_before(
    url: str, gemini: FakeGemini
) -> None:
    gemini.enqueue("Half", Hang())
    gemini.enqueue("Whole.")
    with asked(url) as stream:
        session = next(stream).session
        read_to(stream, "Half")
    assert answer(ask_once_free(url, "And now?", session)) == "Whole."
    assert gemini.requests[0].left.wait(20)
    assert gemini.requests[1].conversation == [
        ("user", "Hi"),
        ("model", "Half"),
        ("user", "And now?"),
    ]


def test_of_two_questions_after_a_client_has_left_one_is_answered_and_one_refused(
    url: str, gemini: FakeGemini
) -> None:
    rest = threading.Event()
    gemini.enqueue("Half", Hang())
    gemini.enqueue("Whole", Until(rest), ".")
    with asked(url) as stream:
        session = next(stream).session
        read_to(stream, "Half")
    with httpx.Client(timeout=20) as client:
        ann = begin(client, url, session)
        while ann.status_code == 409:  # The server has not noticed yet that its client has left.
            ann = begin(client, url, session)
        bob = begin(client, url, session)
        rest.set()
        assert (answer(list(events(ann))), bob.status_code) == ("Whole.", 409)
    assert len(gemini.requests) == 2


def begin(client: httpx.Client, url: str, session: str) -> httpx.Response:
    """Send a question; the answer's begin."""
    asked = request(url, "And now?", session, None)
    return client.send(client.build_request("POST", **asked), stream=True)


# Stop


def test_stop_ends_the_answer_and_what_was_said_is_remembered(url: str, gemini: FakeGemini) -> None:
    gemini.enqueue("Half", Hang())
    gemini.enqueue("Noted.")
    with asked(url) as stream:
        session = next(stream).session
        read_to(stream, "Half")
        response = stop(url, session)
        assert (response.status_code, response.content) == (204, b"")
        assert said(list(stream)) == [("failure", {"text": "Stopped."}), DONE]
    assert gemini.requests[0].left.wait(20)
    assert answer(ask(url, "And now?", session)) == "Noted."
    assert gemini.requests[1].conversation == [
        ("user", "Hi"),
        ("model", "Half"),
        ("user", "And now?"),
    ]


def test_stop_before_the_first_word(url: str, gemini: FakeGemini) -> None:
    gemini.enqueue(Hang())
    with asked(url) as stream:
        session = next(stream).session
        gemini.arrived()
        stop(url, session)
        assert said(list(stream)) == [("failure", {"text": "Stopped."}), DONE]
    assert gemini.requests[0].left.wait(20)


def test_stop_leaves_other_sessions_alone(url: str, gemini: FakeGemini) -> None:
    rest = threading.Event()
    gemini.reply_to("I am Cem", "Dear Cem", Hang())
    gemini.reply_to("I am Dan", "Dear Dan", Until(rest), "!")
    with asked(url, "I am Cem") as to_cem, asked(url, "I am Dan") as to_dan:
        stop(url, next(to_cem).session)
        list(to_cem)
        read_to(to_dan, "Dear Dan")
        rest.set()
        assert said(list(to_dan)) == [("message", {"text": "!"}), DONE]


def test_stop_with_nothing_running_does_nothing(url: str, gemini: FakeGemini) -> None:
    gemini.enqueue("Hello.")
    session = ask(url)[0].session
    assert stop(url, session).status_code == 204


def test_stop_of_an_unknown_session_is_refused_in_a_sentence(url: str) -> None:
    response = stop(url, "no-such-session")
    assert (response.status_code, response.json()) == (404, {"detail": UNKNOWN_SESSION})


# Who leaves


def test_the_model_is_left_once_the_grace_time_is_over_and_not_before(gemini: FakeGemini) -> None:
    with launched(loaded(), leave_grace=2) as patient, launched(loaded(), leave_grace=0) as hasty:
        left_first = leave(patient, gemini)
        left_second = leave(hasty, gemini)
        for request in (left_first, left_second):
            assert request.left.wait(20)
    assert (left_second.left_at or 0) < (left_first.left_at or 0)


def leave(url: str, gemini: FakeGemini) -> Request:
    """Go in the middle of an answer; the model's side of it."""
    number = len(gemini.requests)
    gemini.enqueue("Half", Hang())
    with asked(url) as stream:
        read_to(stream, "Half")
    return gemini.requests[number]


def test_whoever_is_back_within_the_grace_time_keeps_the_answer_alive(gemini: FakeGemini) -> None:
    with launched(loaded(), leave_grace=3) as url:
        rest = threading.Event()
        gemini.enqueue("Half", Until(rest), " and half")
        with asked(url) as stream:
            last = read_to(stream, "Half").id
        with httpx.stream("POST", **request(url, "Hi", None, last)) as response:
            again = blocks(response)
            for _ in range(6):  # Longer than the grace time, to see that it is over.
                next(again)
            rest.set()
            assert any(" and half" in block for block in again)
    assert not gemini.requests[0].left.is_set()


# A broken connection


@pytest.mark.parametrize("place", range(9))
@pytest.mark.parametrize("meanwhile", [False, True], ids=["the model waits", "the model goes on"])
def test_a_stream_that_broke_is_taken_up_where_it_broke(
    url: str, gemini: FakeGemini, place: int, meanwhile: bool
) -> None:
    gates = enqueue_everything(gemini)
    with asked(url, "Sky?") as stream:
        steps = stepped(stream, gates)
        before = [next(steps) for _ in range(place + 1)]
    for gate in gates if meanwhile else ():
        gate.set()
    with asked(url, "Sky?", last=before[-1].id) as stream:
        begin, *after = stepped(stream, let_go(before, gates))
    assert (begin.name, begin.data, begin.id) == ("session", before[0].data, before[-1].id)
    assert joined(said([*before, *after])) == joined(EVERYTHING)
    assert [request.last_user_text[:12] for request in gemini.requests] == ["Sky?", "response sky"]


def let_go(before: list[Event], gates: list[threading.Event]) -> list[threading.Event]:
    """The gates, with the one opened that the last event before the break would have opened."""
    if gates and before[-1].name in ("message", "thought"):
        gates.pop(0).set()
    return gates


def test_after_the_end_one_gets_only_the_rest(url: str, gemini: FakeGemini) -> None:
    gates = enqueue_everything(gemini)
    with asked(url, "Sky?") as stream:
        whole = list(stepped(stream, gates))
    for place, event in enumerate(whole[:-1]):
        _, *rest = ask(url, "Sky?", last=event.id)
        assert rest == whole[place + 1 :]
    assert len(gemini.requests) == 2


def test_after_a_failure_one_gets_only_the_rest(url: str, gemini: FakeGemini) -> None:
    gemini.enqueue("Half", Cut())
    whole = ask(url)
    for place, event in enumerate(whole[:-1]):
        _, *rest = ask(url, last=event.id)
        assert rest == whole[place + 1 :]
    assert len(gemini.requests) == 1


def test_get_takes_a_broken_stream_up_too(url: str, gemini: FakeGemini) -> None:
    gemini.enqueue("Hello.")
    whole = ask(url)
    last = {"Last-Event-ID": whole[0].id}
    with httpx.stream("GET", f"{url}chat/stream?query=Hi", headers=last) as response:
        assert list(events(response)) == whole
    assert len(gemini.requests) == 1


def test_two_may_take_it_up_at_once(url: str, gemini: FakeGemini) -> None:
    gates = enqueue_everything(gemini)
    with asked(url, "Sky?") as stream:
        begin = next(stream)
    with asked(url, last=begin.id) as first, asked(url, last=begin.id) as second:
        pairs = list(zip(stepped(first, gates), second, strict=True))
    assert [a for a, _ in pairs] == [b for _, b in pairs]
    assert joined(said([a for a, _ in pairs])) == joined(EVERYTHING)


def test_whoever_has_had_the_end_is_not_to_reconnect(url: str, gemini: FakeGemini) -> None:
    posted = httpx.post(**request(url, "Hi", None, "end"))
    got = httpx.get(f"{url}chat/stream?query=Hi", headers={"Last-Event-ID": "end"})
    assert [(r.status_code, r.content) for r in (posted, got)] == [(204, b"")] * 2
    assert gemini.requests == []


CANNOT_GO_ON = [("failure", {"text": ANSWER_GONE}), DONE]

WRONG_PLACES = {
    "empty": "",
    "a word": "begin",
    "an unknown session": "5e55104e-0000-4000-8000-000000000000.1.1",
    "a session alone": "{session}",
    "a session and dots": "{session}..",
    "a turn alone": "{session}.1",
    "a turn to come": "{session}.2.0",
    "a turn before all": "{session}.0.0",
    "a place to come": "{session}.1.9",
    "a negative place": "{session}.1.-1",
    "a place too large for a number": "{session}.1." + "9" * 100,
    "half of a number": "{session}.1.0.5",
    "other digits": "{session}.1.\u0661",
    "not ASCII": "ünknown",
    "very long": "{session}" * 1_000,
    "many dots": "1." * 20_000,
}


@pytest.mark.parametrize("wrong", WRONG_PLACES.values(), ids=WRONG_PLACES.keys())
def test_a_wrong_place_is_reported_and_reaches_no_model(
    url: str, gemini: FakeGemini, wrong: str
) -> None:
    gemini.enqueue("Hello.")
    session = ask(url)[0].session
    last: Any = wrong.replace("{session}", session).encode()
    assert said(ask(url, "Hi", last=last)) == CANNOT_GO_ON
    assert said(ask(url, "Hi", session, last=last)) == CANNOT_GO_ON
    assert len(gemini.requests) == 1


def test_a_place_in_another_session_is_reported_and_reaches_no_model(
    url: str, gemini: FakeGemini
) -> None:
    gemini.enqueue("Hello, Ann.")
    gemini.enqueue("Hello, Bob.")
    ann, bob = ask(url, "I am Ann"), ask(url, "I am Bob")
    assert said(ask(url, "I am Bob", bob[0].session, last=ann[0].id)) == CANNOT_GO_ON
    assert len(gemini.requests) == 2


def test_an_answer_cannot_be_taken_up_once_the_next_question_was_asked(
    url: str, gemini: FakeGemini
) -> None:
    gemini.enqueue("One.")
    gemini.enqueue("Two.")
    first = ask(url)
    ask(url, "And now?", first[0].session)
    assert said(ask(url, last=first[0].id)) == CANNOT_GO_ON
    assert len(gemini.requests) == 2


def test_an_answer_that_is_still_being_read_keeps_its_ids_while_the_next_one_runs(
    url: str, gemini: FakeGemini
) -> None:
    looks = [Call("sky", {"city": str(i)}, f"call-{i}") for i in range(6)]
    gemini.enqueue("x" * 8_000_000, *looks)  # More than a connection holds that nobody reads.
    gemini.enqueue("Done.")
    gemini.enqueue("Two.")
    with asked(url) as stream:
        session = next(stream).session
        gemini.arrived(2)
        ask_once_free(url, "And now?", session)
        ids = [event.id for event in stream]
    assert ids == [*(f"{session}.1.{i}" for i in range(1, 15)), "end"]


# What cannot be read


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
    "1 MB of nothing": (422, post('{"query": [' + "null," * 200_000 + "null]}")),
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


# The description


def test_the_apis_are_described_and_none_of_gradios_routes(url: str) -> None:
    described = httpx.get(f"{url}openapi.json").json()
    assert (described["info"]["title"], described["info"]["description"]) == ("Helper", "Helps.")
    assert {path: sorted(methods) for path, methods in described["paths"].items()} == {
        "/chat/stream": ["get", "post"],
        "/chat/stop": ["post"],
        "/healthz": ["get"],
        "/readyz": ["get"],
    }
    asking = described["paths"]["/chat/stream"]
    assert {method: sorted(asking[method]["responses"]) for method in asking} == {
        "get": ["200", "204", "403", "404", "409", "422", "429", "503"],
        "post": ["200", "204", "404", "409", "422", "429", "503"],
    }


# Idle sessions


class Store(InMemorySessionService):
    """A store that says when a session was deleted."""

    def __init__(self) -> None:
        super().__init__()
        self.deleted = threading.Event()

    async def delete_session(self, **session: Any) -> None:
        await super().delete_session(**session)
        self.deleted.set()


@contextmanager
def forgetful(idle: float) -> Iterator[tuple[str, Store]]:
    """A server that forgets soon, and its store."""
    what, store = loaded(), Store()
    what.runner.session_service = store
    with launched(what, session_idle=idle, leave_grace=600) as url:
        yield url, store


def test_an_idle_session_is_forgotten(gemini: FakeGemini) -> None:
    gemini.enqueue("Hello.")
    with forgetful(idle=0.3) as (url, store):
        first = ask(url)
        assert store.deleted.wait(20)
        assert asyncio.run(store.list_sessions(app_name="test")).sessions == []
        refused = httpx.post(**request(url, "And now?", first[0].session, None))
        assert (refused.status_code, refused.json()) == (404, {"detail": UNKNOWN_SESSION})
        assert said(ask(url, last=first[0].id)) == CANNOT_GO_ON
    assert len(gemini.requests) == 1


def test_a_session_is_not_idle_while_its_answer_is_being_read(gemini: FakeGemini) -> None:
    rest = threading.Event()
    gemini.enqueue("Half", Until(rest), " and half")
    with (
        forgetful(idle=0.5) as (url, _),
        httpx.stream("POST", **request(url, "Hi", None, None)) as response,
    ):
        stream = blocks(response)
        while not next(stream).startswith((": 1", ": 2", "event: failure")):
            pass  # Longer than the idle time, to see that it is over.
        rest.set()
        assert [block.split("\n")[0] for block in stream if not block.startswith(":")] == [
            'data: {"text": " and half"}',
            "data: [DONE]",
        ]

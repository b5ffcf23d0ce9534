"""Streams of `/chat/stream` that break, and how they are taken up again."""

import threading
from typing import Any

import httpx
import pytest

from tests.support.app_setup import launched, loaded
from tests.support.fake_gemini import Call, Cut, FakeGemini, Hang, Request, Until
from tests.support.sse_client import (
    CANNOT_GO_ON,
    EVERYTHING,
    Event,
    ask,
    ask_once_free,
    asked,
    blocks,
    enqueue_everything,
    events,
    joined,
    read_to,
    request,
    said,
    stepped,
)

pytestmark = pytest.mark.slow


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
    "very long": "{session}" * 400,
    "many dots": "1." * 7_000,
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

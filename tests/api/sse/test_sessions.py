"""Sessions of `/chat/stream`: they go on, are stopped, and are forgotten."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from google.adk.sessions import InMemorySessionService

from agent.api.sessions import UNKNOWN_SESSION
from agent.core.notices import SENTENCES
from tests.support.app_setup import launched, loaded
from tests.support.fake_gemini import FakeGemini, Hang, Until
from tests.support.sse_client import (
    CANNOT_GO_ON,
    DONE,
    answer,
    ask,
    ask_once_free,
    asked,
    blocks,
    events,
    read_to,
    request,
    said,
    stop,
)

pytestmark = pytest.mark.slow


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


def test_post_goes_on_with_a_session_in_the_address(url: str, gemini: FakeGemini) -> None:
    gemini.enqueue("Hello, Ann.")
    gemini.enqueue("Ann.")
    session = ask(url, "I am Ann")[0].session
    asked = {"query": "Who am I?", "session_id": session}
    assert httpx.post(f"{url}chat/stream", params=asked).status_code == 200
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

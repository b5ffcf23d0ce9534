"""An agent that waits for a person, by `/chat/stream`: what is asked, and the replies."""

import json
from collections.abc import Iterator
from typing import Any
from unittest.mock import ANY

import httpx
import pytest

from agent.core.notices import SENTENCES
from tests.support.app_setup import GEMINI, launched, loaded_root
from tests.support.fake_gemini import Call, FakeGemini
from tests.support.sse_client import (
    CANNOT_GO_ON,
    DONE,
    Event,
    answer_pauses,
    ask,
    events,
    said,
)
from tests.support.waiting_agents import DONE as TOOLS_DONE
from tests.support.waiting_agents import GEMINI_PAYS, SECRET, TOOLS, agent, reviewer

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("nothing_done")]


YES, NO = {"approved": True}, {"approved": False}


@pytest.fixture(scope="module")
def url(fake: FakeGemini) -> Iterator[str]:
    everything = agent(GEMINI, *TOOLS)
    with launched(loaded_root(everything), request_retries=0, max_message_length=2_000) as address:
        yield address


def asked_to_pay(url: str, gemini: FakeGemini, *then: Any) -> tuple[str, str, list[Event]]:
    """A session in which a payment has to be approved, with the model's answer to the reply; the
    id of what is asked; the events until then."""
    gemini.enqueue("I am about to pay.", GEMINI_PAYS)
    gemini.enqueue(*then)
    stream = ask(url, "Pay Ann")
    return stream[0].session, id_of(stream), stream


def id_of(stream: list[Event]) -> str:
    (asked,) = (data["id"] for name, data in said(stream) if name == "pause")
    return str(asked)


def replied(url: str, session: str, replies: Any, last: str | None = None) -> list[Event]:
    response = answer_pauses(url, session, replies, last)
    assert response.status_code == 200, response.text
    return list(events(response))


def refused(url: str, session: str, replies: Any) -> tuple[int, str]:
    response = answer_pauses(url, session, replies)
    return response.status_code, response.json()["detail"]


def test_what_has_to_be_approved_is_an_event_and_no_failure(url: str, gemini: FakeGemini) -> None:
    gemini.enqueue("I am about to pay.", GEMINI_PAYS)
    assert said(ask(url, "Pay Ann")) == [
        ("session", {"session_id": ANY}),
        ("message", {"text": "I am about to pay."}),
        ("tool_call", {"id": "call-1", "name": "pay", "args": {"amount": 1, "to": "Ann"}}),
        (
            "pause",
            {
                "id": ANY,
                "kind": "approval",
                "text": 'The agent asks for approval to use “pay” (amount: 1, to: "Ann").',
                "tool": "pay",
                "args": {"amount": 1, "to": "Ann"},
            },
        ),
        DONE,
    ]
    assert TOOLS_DONE == []


def test_an_approval_goes_on_with_the_answer_and_repeats_nothing(
    url: str, gemini: FakeGemini
) -> None:
    session, asked, _ = asked_to_pay(url, gemini, "Paid.")
    stream = replied(url, session, {asked: YES})
    assert said(stream) == [
        ("session", {"session_id": session}),
        (
            "reply",
            {
                "id": asked,
                "text": 'You approved the use of “pay” (amount: 1, to: "Ann").',
                "approved": True,
            },
        ),
        (
            "tool_result",
            {"id": "call-1", "name": "pay", "result": {"status": "paid 1 to Ann"}, "seconds": ANY},
        ),
        ("message", {"text": "Paid."}),
        DONE,
    ]
    assert [event.id for event in stream] == [*(f"{session}.2.{i}" for i in range(4)), "end"]
    assert TOOLS_DONE == [("pay", 1, "Ann")]


@pytest.mark.parametrize("place", range(4))
def test_a_stream_that_broke_after_a_reply_is_taken_up_and_nothing_is_done_twice(
    url: str, gemini: FakeGemini, place: int
) -> None:
    session, asked, _ = asked_to_pay(url, gemini, "Paid.")
    whole = replied(url, session, {asked: YES})
    _, *rest = replied(url, session, {asked: YES}, last=whole[place].id)
    assert rest == whole[place + 1 :]
    _, *rest = ask(url, last=whole[place].id)
    assert rest == whole[place + 1 :]
    assert TOOLS_DONE == [("pay", 1, "Ann")]


def test_what_is_declined_is_never_done(url: str, gemini: FakeGemini) -> None:
    session, asked, _ = asked_to_pay(url, gemini, "All right.")
    _, reply, *_, words, _ = said(replied(url, session, {asked: NO}))
    assert reply == ("reply", {"id": asked, "text": ANY, "approved": False})
    assert (words, TOOLS_DONE) == (("message", {"text": "All right."}), [])


def test_what_may_be_changed_with_an_approval_is_told_and_taken(
    url: str, gemini: FakeGemini
) -> None:
    gemini.enqueue(Call("book", {"place": "Rome"}, "call-1"))
    gemini.enqueue("Booked.")
    stream = ask(url, "Book it")
    _, asked = said(stream)[-2]
    assert (asked["message"], asked["payload"]) == ("Shall it be booked?", {"nights": 2})
    reply = {"approved": True, "value": {"nights": 5}}
    _, told, *_ = said(replied(url, stream[0].session, {asked["id"]: reply}))
    assert (told[1]["value"], TOOLS_DONE) == ({"nights": 5}, [("book", "Rome", 5)])


def test_arguments_that_a_person_has_changed_are_those_that_the_tool_gets(
    url: str, gemini: FakeGemini
) -> None:
    session, asked, _ = asked_to_pay(url, gemini, "Paid.")
    reply = {"approved": True, "args": {"amount": 2, "to": "Bob"}}
    told = replied(url, session, {asked: reply})
    assert [data["text"] for name, data in said(told) if name == "reply"][-1] == (
        'You approved the use of “pay” (amount: 2, to: "Bob"), which you had changed.'
    )
    assert TOOLS_DONE == [("pay", 2, "Bob")]


def test_what_has_lapsed_is_not_done(gemini: FakeGemini) -> None:
    with launched(loaded_root(agent(GEMINI, "pay")), reply_timeout=0.01) as url:
        session, asked, _ = asked_to_pay(url, gemini, "Paid.")
        assert refused(url, session, {asked: YES}) == (409, SENTENCES["lapsed"])
    assert TOOLS_DONE == []


def test_a_choice_tells_its_options(url: str, gemini: FakeGemini) -> None:
    gemini.enqueue(Call("get_user_choice", {"options": ["red", "blue"]}, "call-1"))
    gemini.enqueue("Blue it is.")
    stream = ask(url, "Which?")
    assert said(stream)[1:] == [
        (
            "pause",
            {
                "id": "call-1",
                "kind": "choice",
                "text": "The agent asks to choose one of these: red, blue.",
                "options": ["red", "blue"],
            },
        ),
        DONE,
    ]
    assert refused(url, stream[0].session, {"call-1": {"approved": True, "value": "green"}}) == (
        422,
        "That is not what was asked for: The agent asks to choose one of these: red, blue.. "
        "Nothing was sent. Please correct it and try again.",
    )
    reply = {"approved": True, "value": "blue"}
    assert said(replied(url, stream[0].session, {"call-1": reply}))[1:] == [
        (
            "reply",
            {"id": "call-1", "text": "You chose: “blue”.", "approved": True, "value": "blue"},
        ),
        ("message", {"text": "Blue it is."}),
        DONE,
    ]


def test_a_workflow_tells_the_form_that_it_asks_for() -> None:
    with launched(loaded_root(reviewer())) as url:
        stream = ask(url, "cats")
        (asked,) = (data for name, data in said(stream) if name == "pause")
        assert (asked["kind"], asked["message"]) == ("input", "Who shall get «Draft about cats»?")
        assert asked["schema"]["required"] == ["to"]
        session = stream[0].session
        status, _ = refused(url, session, {asked["id"]: {"approved": True, "value": {"to": 1}}})
        assert (status, TOOLS_DONE) == (422, [])
        letter = {"to": "Zoe", "copies": 2}
        told = said(replied(url, session, {asked["id"]: {"approved": True, "value": letter}}))
    assert [data for name, data in told if name in ("reply", "message")] == [
        {"id": asked["id"], "text": ANY, "approved": True, "value": letter},
        {"text": "Sent to Zoe"},
        DONE[1],
    ]


def test_of_a_sign_in_only_the_link_is_told(url: str, gemini: FakeGemini) -> None:
    gemini.enqueue(Call("next_meeting", {}, "call-1"))
    stream = ask(url, "When?")
    _, call, (name, asked), done = said(stream)
    assert (call[0], name, done) == ("tool_call", "pause", DONE)
    assert asked.pop("link").startswith("https://login.example.com/authorize?")
    assert asked == {"id": ANY, "kind": "sign_in", "text": SENTENCES["asks_sign_in"]}
    assert SECRET not in repr(stream)
    told = replied(url, stream[0].session, {asked["id"]: NO})
    assert said(told)[1] == (
        "reply",
        {"id": asked["id"], "text": SENTENCES["not_signed_in"], "approved": False},
    )
    assert SECRET not in repr(told)
    assert [name for name, _ in said(told)] == ["session", "reply", "tool_result", "message"]


def test_where_a_sign_in_has_led_goes_to_the_agent_alone(url: str, gemini: FakeGemini) -> None:
    gemini.enqueue(Call("next_meeting", {}, "call-1"))
    gemini.enqueue("At ten.")
    stream = ask(url, "When?")
    reply = {"approved": True, "value": "https://back.example.com/?code=CODE-canary&state=x"}
    told = replied(url, stream[0].session, {id_of(stream): reply})
    assert said(told)[1][1] == {
        "id": ANY,
        "text": SENTENCES["signed_in"],
        "approved": True,
    }
    assert said(told)[-2] == ("message", {"text": "At ten."})
    assert not [canary for canary in (SECRET, "CODE-canary") if canary in repr(told)]


def test_a_ticket_is_told_to_be_one(url: str, gemini: FakeGemini) -> None:
    gemini.enqueue(Call("ask_boss", {"amount": 5}, "call-1"))
    gemini.enqueue("I have asked.")
    called = {"id": "call-1", "name": "ask_boss", "waits": True}
    assert said(ask(url, "Ask"))[1:] == [
        ("tool_call", {**called, "args": {"amount": 5}}),
        (
            "tool_result",
            {**called, "result": {"status": "pending", "ticket": "T-1"}, "seconds": ANY},
        ),
        ("message", {"text": "I have asked."}),
        DONE,
    ]


# Replies that are not taken


def test_what_is_answered_twice_is_done_once(url: str, gemini: FakeGemini) -> None:
    session, asked, _ = asked_to_pay(url, gemini, "Paid.")
    whole = replied(url, session, {asked: YES})
    assert refused(url, session, {asked: YES}) == (409, SENTENCES["answered_already"])
    assert ask(url, last=whole[1].id)[1:] == whole[2:]  # It can still be taken up.
    assert TOOLS_DONE == [("pay", 1, "Ann")]


def test_replies_that_leave_one_out_are_not_taken(url: str, gemini: FakeGemini) -> None:
    gemini.enqueue(GEMINI_PAYS, Call("pay", {"amount": 2, "to": "Bob"}, "call-2"))
    gemini.enqueue("Ann has hers.")
    stream = ask(url, "Pay both")
    first, second = (data["id"] for name, data in said(stream) if name == "pause")
    status, sentence = refused(url, stream[0].session, {first: YES})
    assert (status, TOOLS_DONE) == (422, [])
    assert 'The agent asks for approval to use “pay” (amount: 2, to: "Bob").' in sentence
    replied(url, stream[0].session, {first: YES, second: NO})
    assert TOOLS_DONE == [("pay", 1, "Ann")]


def test_a_message_declines_what_is_open(url: str, gemini: FakeGemini) -> None:
    session, asked, first = asked_to_pay(url, gemini, "Hello.")
    assert said(ask(url, "Hi", session))[1:] == [("message", {"text": "Hello."}), DONE]
    assert refused(url, session, {asked: YES}) == (409, SENTENCES["answered_already"])
    assert said(ask(url, last=first[1].id)) == CANNOT_GO_ON
    assert (TOOLS_DONE, len(gemini.requests)) == ([], 2)


WRONG: dict[str, Any] = {
    "nothing": {},
    "a list": [],
    "a word": "yes",
    "a word as the reply": {"PAUSE": "yes"},
    "an empty reply": {"PAUSE": {}},
    "no word of approval": {"PAUSE": {"value": 1}},
    "a text as approval": {"PAUSE": {"approved": "true"}},
    "a number as approval": {"PAUSE": {"approved": 1}},
    "null as approval": {"PAUSE": {"approved": None}},
    "a value too deep": {"PAUSE": {"approved": True, "value": json.loads("[" * 200 + "]" * 200)}},
    "a value too long": {"PAUSE": {"approved": True, "value": "x" * 2_000}},
    "a number too large": {"PAUSE": {"approved": True, "value": 10**30}},
    "half a character as a name": {"\ud800": {}},
}


@pytest.mark.parametrize("replies", WRONG.values(), ids=WRONG.keys())
def test_replies_that_cannot_be_read_are_refused_and_nothing_is_lost(
    url: str, gemini: FakeGemini, replies: Any
) -> None:
    session, asked, _ = asked_to_pay(url, gemini, "Paid.")
    wrong = json.loads(json.dumps(replies).replace("PAUSE", asked))
    status, sentence = refused(url, session, wrong)
    assert (status, asked in sentence, TOOLS_DONE) == (422, False, [])
    assert said(replied(url, session, {asked: YES}))[-2] == ("message", {"text": "Paid."})


def test_either_a_message_or_replies_are_sent_and_these_in_a_session(
    url: str, gemini: FakeGemini
) -> None:
    session, asked, _ = asked_to_pay(url, gemini, "Paid.")
    replies = {asked: YES}
    bodies: list[dict[str, Any]] = [
        {"query": "Hi", "session_id": session, "replies": replies},
        {"query": "Hi", "replies": replies},
        {"replies": replies},
        {"session_id": session},
        {"session_id": session, "replies": None},
        {"session_id": "5e55104e-0000-4000-8000-000000000000", "replies": replies},
    ]
    answers = [httpx.post(f"{url}chat/stream", json=body, timeout=20) for body in bodies]
    assert [response.status_code for response in answers] == [422, 422, 422, 422, 422, 404]
    in_address = {"session_id": session, "replies": json.dumps(replies)}
    assert httpx.get(f"{url}chat/stream", params=in_address).status_code == 422
    assert httpx.post(f"{url}chat/stream", params=in_address).status_code == 422
    assert TOOLS_DONE == []
    replied(url, session, replies)
    assert TOOLS_DONE == [("pay", 1, "Ann")]


def test_a_reply_is_taken_after_a_restart(gemini: FakeGemini) -> None:
    what = loaded_root(agent(GEMINI, "pay"))
    with launched(what) as url:
        session, asked, first = asked_to_pay(url, gemini, "Paid.")
    with launched(what) as url:  # With the same store.
        assert said(ask(url, last=first[1].id)) == CANNOT_GO_ON
        assert said(replied(url, session, {asked: YES}))[-2] == ("message", {"text": "Paid."})
    assert TOOLS_DONE == [("pay", 1, "Ann")]

"""Threads by AG-UI: what a client still shows is what the agent remembers; and what is refused."""

import base64
import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from agent.api.agui_files import NOT_FETCHED
from agent.api.agui_request import LAST_MESSAGE
from agent.api.body_filter import UNREADABLE
from agent.core.notices import SENTENCES
from tests.support.agui_client import Json, Thread
from tests.support.app_setup import launched, loaded
from tests.support.fake_gemini import FakeGemini, Status
from tests.support.file_agents import PNG

pytestmark = pytest.mark.slow

TOKEN = "the-token-of-this-host"


def told(gemini: FakeGemini) -> list[tuple[str, str]]:
    """What the model was told last."""
    return gemini.requests[-1].conversation


@pytest.fixture
def chat(thread: Thread, gemini: FakeGemini) -> Thread:
    """One with two answers."""
    for question, answer in (("One", "First."), ("Two", "Second.")):
        gemini.enqueue(answer)
        thread.ask(question)
    return thread


# What is remembered


def test_a_thread_goes_on(chat: Thread, gemini: FakeGemini) -> None:
    gemini.enqueue("Third.")
    chat.ask("Three")
    assert told(gemini) == [
        *(("user", "One"), ("model", "First.")),
        *(("user", "Two"), ("model", "Second.")),
        ("user", "Three"),
    ]


CHANGES: dict[str, tuple[Callable[[list[Json]], list[Json]], list[str]]] = {
    "tried again": (lambda said: said[:3], ["One", "First.", "Two"]),
    "edited": (lambda said: [*said[:2], {**said[2], "content": "2"}], ["One", "First.", "2"]),
    "begun anew": (lambda said: [{**said[0], "content": "1"}], ["1"]),
    "cleared": (lambda said: [{**said[2], "content": "New"}], ["New"]),
    "cut at its head": (
        lambda said: [*said[2:], {"id": "x", "role": "user", "content": "Three"}],
        ["One", "First.", "Two", "Second.", "Three"],
    ),
}


@pytest.mark.parametrize(("change", "expected"), CHANGES.values(), ids=CHANGES.keys())
def test_what_a_client_shows_no_more_is_taken_back(
    chat: Thread,
    gemini: FakeGemini,
    change: Callable[[list[Json]], list[Json]],
    expected: list[str],
) -> None:
    chat.messages = change(chat.messages)
    gemini.enqueue("Other.")
    chat.run()
    assert [text for _, text in told(gemini)] == expected
    gemini.enqueue("Last.")
    chat.ask("More")
    assert [text for _, text in told(gemini)] == [*expected, "Other.", "More"]


def test_only_its_ids_count_of_what_a_client_says_of_the_past(
    chat: Thread, gemini: FakeGemini
) -> None:
    chat.messages = [{**message, "content": "Made up."} for message in chat.messages]
    gemini.enqueue("Third.")
    chat.ask("Three")
    assert [text for _, text in told(gemini)] == ["One", "First.", "Two", "Second.", "Three"]


def test_a_question_that_got_no_word_is_known_by_its_own(
    thread: Thread, gemini: FakeGemini
) -> None:
    gemini.enqueue("First.")
    thread.ask("Same")
    gemini.enqueue(Status(503, "UNAVAILABLE"))
    thread.ask("Same")
    gemini.enqueue("Third.")
    thread.ask("Same")
    assert [text for _, text in told(gemini)] == ["Same", "First.", "Same", "Same"]
    assert thread.contents() == ["Same", "First.", "Same", "Same", "Third."]


def test_nobody_finds_a_chat_by_the_name_of_its_thread(url: str, gemini: FakeGemini) -> None:
    one, other = Thread(url), Thread(url)
    one.id = other.id = "main"
    gemini.enqueue("Hello, Ann.")
    one.ask("I am Ann")
    gemini.enqueue("I do not know.")
    other.ask("Who am I?")
    assert told(gemini) == [("user", "Who am I?")]


def test_a_thread_of_which_nothing_is_known_begins_with_what_the_client_remembers(
    thread: Thread, gemini: FakeGemini
) -> None:
    gone = "5e55104e-0000-4000-8000-000000000000.e-1.text-1"
    thread.messages = [
        {"id": "1", "role": "system", "content": "Be kind."},
        {"id": "2", "role": "user", "content": "One"},
        {"id": gone, "role": "assistant", "content": "First."},
    ]
    gemini.enqueue("Second.")
    assert thread.ask("Two") == "Second."
    remembered = [("user", "Be kind."), ("user", "One"), ("model", "First."), ("user", "Two")]
    assert told(gemini) == remembered
    gemini.enqueue("Third.")
    thread.ask("Three")
    assert told(gemini) == [*remembered, ("model", "Second."), ("user", "Three")]


def test_a_thread_goes_on_after_a_restart(gemini: FakeGemini) -> None:
    what = loaded()
    gemini.enqueue("First.")
    gemini.enqueue("Second.")
    with launched(what) as url:
        thread = Thread(url)
        thread.ask("One")
    with launched(what) as url:  # With the same store.
        thread.url = f"{url}agui"
        thread.ask("Two")
    assert [text for _, text in told(gemini)] == ["One", "First.", "Two"]


# Files


def picture(**source: str) -> list[Json]:
    part = {"type": "image", "source": source, "metadata": {"filename": "cat.png"}}
    return [{"type": "text", "text": "What is this?"}, part]


def test_files_are_sent_as_data_or_beforehand(url: str, gemini: FakeGemini) -> None:
    data = base64.b64encode(PNG).decode()
    kept = httpx.post(f"{url}files?name=cat.png", content=PNG).json()["file"]
    for source in (
        {"type": "data", "value": data, "mimeType": "image/png"},
        {"type": "url", "value": f"data:image/png;base64,{data}"},
        {"type": "url", "value": f"{url}{kept}"},
    ):
        gemini.enqueue("A cat.")
        thread = Thread(url)
        assert thread.ask(picture(**source)) == "A cat."
        text, sent = gemini.requests[-1].body["contents"][0]["parts"]
        assert text == {"text": "What is this?"}
        assert base64.urlsafe_b64decode(sent["inlineData"]["data"]) == PNG


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ({"type": "url", "value": "https://example.org/cat.png"}, NOT_FETCHED),
        ({"type": "file", "value": "file-1"}, NOT_FETCHED),
        (
            {"type": "url", "value": f"files/{'0' * 32}.png/cat.png"},
            SENTENCES["file_gone"].format(name="cat.png"),
        ),
    ],
    ids=["elsewhere", "a provider's", "gone"],
)
def test_nothing_is_fetched(thread: Thread, source: dict[str, str], sentence: str) -> None:
    thread.ask(picture(**source))
    assert (thread.end["type"], thread.end["message"]) == ("RUN_ERROR", sentence)


# What is refused


BODIES: dict[str, tuple[Any, int]] = {
    "nothing": (b"", 422),
    "no JSON": (b"Hello", 400),
    "a list": (b"[]", 422),
    "no messages": (json.dumps({"threadId": "1", "runId": "2"}).encode(), 422),
    "an unknown role": (
        json.dumps({"threadId": "1", "runId": "2", "messages": [{"role": "x"}]}).encode(),
        422,
    ),
    "too deep": (b"[" * 200 + b"]" * 200, 400),
    "NaN": (b'{"threadId": NaN}', 400),
}


@pytest.mark.parametrize(("body", "status"), BODIES.values(), ids=BODIES.keys())
def test_what_is_no_request_is_refused_in_a_sentence(url: str, body: bytes, status: int) -> None:
    headers = {"Content-Type": "application/json"}
    refused = httpx.post(f"{url}agui", content=body, headers=headers)
    assert refused.status_code == status
    assert isinstance(refused.json()["detail"], str)
    assert (status == 400) == (refused.json()["detail"] == UNREADABLE)


@pytest.mark.parametrize("role", ["assistant", "system", None])
def test_the_last_message_is_the_users(thread: Thread, role: str | None) -> None:
    thread.messages = [{"id": "1", "role": role, "content": "Hi"}] if role else []
    thread.run()
    assert thread.end == {"type": "RUN_ERROR", "message": LAST_MESSAGE, "code": "http_422"}


def test_an_empty_message_is_not_answered(thread: Thread) -> None:
    thread.ask(" ")
    assert thread.end["message"] == SENTENCES["no_message"]


def test_an_agent_that_is_not_there_is_refused(url: str) -> None:
    thread = Thread(url, "?agent=nobody")
    thread.ask("Hi")
    assert thread.end["message"].startswith("agent: There is no agent called “nobody” here.")


def test_the_limits_are_those_of_all_and_their_sentences_are_shown(gemini: FakeGemini) -> None:
    gemini.always("Hello.")
    limits: dict[str, Any] = {"address_per_minute": 2, "max_message_length": 20}
    with launched(loaded(), **limits, max_chat_turns=3, api_token=SecretStr(TOKEN)) as url:
        thread = Thread(url)
        thread.ask("x" * 21)
        assert thread.end["message"].startswith("This message has 21 characters")
        thread.messages = []
        assert [Thread(url).ask("Hi") for _ in range(2)] == ["Hello."] * 2
        thread.ask("Hi")
        assert thread.end["code"] == "http_429"
        assert thread.end["message"].startswith("That was a lot of messages")
        assert 0 < thread.end["metadata"]["retryAfter"] <= 60
        # Who has the token may have many users behind one address.
        thread.headers["Authorization"] = f"Bearer {TOKEN}"
        thread.messages = []
        assert [thread.ask("Hi") for _ in range(3)] == ["Hello."] * 3
        thread.ask("Hi")
        assert thread.end["message"].startswith("This chat has had its 3 messages.")
        thread.messages, thread.input["context"] = [], [{"description": "x", "value": "x" * 70}]
        thread.ask("Hi")
        assert thread.end["message"].startswith("These messages have")


def test_a_long_thread_may_be_sent_and_a_longer_one_by_the_hosts_programs(
    gemini: FakeGemini,
) -> None:
    gemini.always("Hello.")
    with launched(loaded(), max_message_length=4_000, api_token=SecretStr(TOKEN)) as url:
        long = Thread(url, state="x" * 500_000)
        assert long.ask("Hi") == "Hello."
        long.input["state"] = "x" * 1_100_000
        with long.posted() as response:
            assert response.status_code == 413
        long.headers["Authorization"] = f"Bearer {TOKEN}"
        assert long.ask("Hi") == "Hello."

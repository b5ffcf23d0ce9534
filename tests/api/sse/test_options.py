"""How an answer is to be given, as a client of `/chat/stream` wishes, and on which key."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from agent.core.notices import SENTENCES
from tests.support.app_setup import launched, loaded
from tests.support.fake_gemini import FakeGemini, Status
from tests.support.sse_client import answer, events

pytestmark = pytest.mark.slow

KEY = "AIzaSyD-sentinel-key-of-a-program"

PRO = "gemini-3.1-pro-preview"


@pytest.fixture(scope="module")
def open_url(fake: FakeGemini) -> Iterator[str]:
    """A page whose host lets all of it be chosen, and takes keys."""
    chosen: dict[str, Any] = {
        "visitor_settings": "model temperature max_output_tokens thinking",
        "models": PRO,
    }
    with launched(
        loaded(), visitor_keys=True, max_output_tokens=1000, request_retries=0, **chosen
    ) as address:
        yield address


def ask(url: str, key: str = "", **about: Any) -> httpx.Response:
    headers = {"X-Gemini-Api-Key": key} if key else {}
    question = {"query": "Hi", **about}
    return httpx.post(f"{url}chat/stream", json=question, headers=headers, timeout=20)


def test_options_reach_the_model(open_url: str, gemini: FakeGemini) -> None:
    gemini.enqueue("Hello.")
    options = {"model": PRO, "temperature": 0.5, "max_output_tokens": 5000, "thinking": "low"}
    response = ask(open_url, options={**options, "streaming": False})
    assert answer(list(events(response))) == "Hello."
    (request,) = gemini.requests
    config = request.body["generationConfig"]
    assert (request.model, request.streaming, config["temperature"]) == (PRO, False, 0.5)
    assert config["maxOutputTokens"] == 1000
    assert config["thinkingConfig"] == {"thinking_level": "LOW"}


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"temperature": 3}, "options.temperature: "),
        ({"temperature": "hot"}, "options.temperature: "),
        ({"tempreature": 1}, "options.tempreature: "),
        ({"model": "gemini-dear"}, f"options: This model cannot be chosen here. These can: {PRO}."),
        ({"streaming": "perhaps"}, "options.streaming: "),
    ],
)
def test_what_cannot_be_is_refused(
    open_url: str, gemini: FakeGemini, options: dict[str, Any], sentence: str
) -> None:
    response = ask(open_url, options=options)
    assert (response.status_code, gemini.requests) == (422, [])
    assert response.json()["detail"].startswith(sentence)


def test_what_the_host_does_not_let_be_chosen_is_refused(url: str, gemini: FakeGemini) -> None:
    response = ask(url, options={"thinking": "high"})
    assert (response.status_code, gemini.requests) == (422, [])
    assert "does not let thinking be chosen" in response.json()["detail"]


def test_a_key_of_its_own_goes_to_google_and_comes_back_in_nothing(
    open_url: str, gemini: FakeGemini
) -> None:
    gemini.enqueue("Hello.")
    gemini.enqueue(Status(403, "PERMISSION_DENIED", f"{KEY} was reported as leaked."))
    gemini.enqueue("Hello again.")
    first = ask(open_url, KEY)
    session = next(events(first)).session
    second = ask(open_url, KEY, session_id=session)
    third = ask(open_url, session_id=session)
    assert answer(list(events(first))) == "Hello."
    assert SENTENCES["own_key_leaked"] in second.text
    assert KEY not in first.text + second.text + third.text
    assert [request.key for request in gemini.requests] == [KEY, KEY, "test-key-of-nobody"]


def test_a_key_that_is_none_or_that_is_not_wanted_is_refused(
    url: str, open_url: str, gemini: FakeGemini
) -> None:
    for response, code in (
        (ask(open_url, "short"), "no_key_form"),
        (ask(url, KEY), "keys_not_taken"),
    ):
        assert (response.status_code, response.json()["detail"]) == (422, SENTENCES[code])
    assert gemini.requests == []

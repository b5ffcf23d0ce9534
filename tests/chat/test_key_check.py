"""A wrong key is told to the host at the start, in plain words; nobody waits for it."""

import logging
from typing import Any

import pytest
from google.adk.agents import Agent
from google.adk.models import Gemini

from agent.chat.key_check import check_keys
from agent.core.notices import SENTENCES
from agent.models.coalescing import coalescing
from agent.models.offline import OfflineModel
from tests.support.app_process import App
from tests.support.app_setup import GEMINI, loaded
from tests.support.fake_gemini import FakeGemini, Status

WRONG = Status(400, "INVALID_ARGUMENT", "API key not valid.", reason="API_KEY_INVALID")


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        (WRONG, "bad_key"),
        (Status(401, "UNAUTHENTICATED"), "bad_key"),
        (Status(403, "PERMISSION_DENIED", "This key was reported as leaked."), "key_not_allowed"),
        (Status(404, "NOT_FOUND"), "no_such_model"),
        (Status(400, "FAILED_PRECONDITION"), "not_offered"),
    ],
)
def test_what_is_wrong_is_told_in_a_sentence(
    gemini: FakeGemini, caplog: pytest.LogCaptureFixture, reply: Status, code: str
) -> None:
    gemini.look_up_reply = reply
    check_keys(loaded())
    assert caplog.messages == [f"The AI model {GEMINI} does not answer: {SENTENCES[code]}"]
    assert "test-key-of-nobody" not in caplog.text


@pytest.mark.parametrize("reply", [None, Status(429, "RESOURCE_EXHAUSTED"), Status(503, "BUSY")])
def test_nothing_is_told_of_what_is_well_or_passes(
    gemini: FakeGemini, caplog: pytest.LogCaptureFixture, reply: Status | None
) -> None:
    gemini.look_up_reply = reply
    check_keys(loaded())
    assert caplog.messages == []
    assert [request.key for request in gemini.looked_up] == ["test-key-of-nobody"]
    assert gemini.requests == []  # Which would have cost something.


def test_an_ai_that_cannot_be_reached_is_told(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOOGLE_GEMINI_BASE_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("GOOGLE_API_KEY", "a-key")
    check_keys(loaded())
    assert caplog.messages == [f"The AI model {GEMINI} does not answer: {SENTENCES['unreachable']}"]


def test_each_model_is_looked_up_once(gemini: FakeGemini) -> None:
    inner: list[Any] = [
        Agent(name=name, model=model)
        for name, model in {"a": GEMINI, "b": "gemini-2.5-pro", "c": GEMINI}.items()
    ]
    check_keys(loaded(coalescing(Gemini(model=GEMINI)), sub_agents=inner))
    assert sorted(request.model for request in gemini.looked_up) == ["gemini-2.5-pro", GEMINI]


def test_a_key_of_an_agents_own_is_the_one_that_is_looked_up(gemini: FakeGemini) -> None:
    check_keys(loaded(Gemini(model=GEMINI, client_kwargs={"api_key": "my-own"})))
    assert [request.key for request in gemini.looked_up] == ["my-own"]


def test_offline_nothing_is_sent(gemini: FakeGemini, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        check_keys(loaded(OfflineModel()))
    assert (gemini.looked_up, caplog.messages) == ([], [])


@pytest.mark.slow
def test_a_host_reads_it_after_the_address_and_the_page_answers_meanwhile(
    gemini: FakeGemini,
) -> None:
    gemini.look_up_reply = WRONG
    app = App()
    assert "Running on" in app.said[-1]
    assert app.program.stdout
    line = next(line for line in app.program.stdout if "does not answer" in line)
    assert line == f"The AI model {GEMINI} does not answer: {SENTENCES['bad_key']}\n"
    assert app.end() == 0

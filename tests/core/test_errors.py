"""Every failure in plain words: real exceptions and error codes, and the sentence for each."""

import re
import socket
from typing import Any

import httpx
import pytest
from google.adk.agents.invocation_context import LlmCallsLimitExceededError
from google.adk.errors.session_not_found_error import SessionNotFoundError
from google.adk.models import LLMRegistry
from google.adk.models.google_llm import _ResourceExhaustedError
from google.auth.exceptions import DefaultCredentialsError, RefreshError
from google.genai import Client, types
from google.genai.errors import APIError, ClientError, ServerError, UnknownApiResponseError

from agent.core.errors import LIMITS, TABLE, UNKNOWN, PlainError, explain, limits_behind
from agent.core.notices import SENTENCES, Notice
from agent.core.settings import Settings
from agent.models.offline import AskedToFail

SECRET = "AIza-secret in /srv/app.py, see https://example.org"

BLOCKED = "The AI declined to answer this. Try to ask in a different way."
BROKEN = "The connection to the AI service broke off. Try again for a full answer."
BUSY = "The AI service is busy, or its free limit is used up. Please wait {}, then try again."
EMPTY = "The AI returned an empty answer. Try again, or ask in another way."
MISUSED = (
    "The AI tried to use a tool in a way that does not work. Try again, or say it in other words."
)
NEEDS_KEY = (
    "The AI service needs a key or a login, and none was found. The owner of this page needs to "
    "add one."
)
NO_MODEL = "The chosen AI model is not available. The owner of this page needs to pick another one."
SLOW = "The AI service took too long. Your message was not lost: try again."
THEIRS = (
    "The AI service has a problem at its end. Nothing is wrong with your message: try again in "
    "a moment."
)
TOO_MANY = SENTENCES["too_many_calls"]
UNREACHED = (
    "The AI service cannot be reached. Try again in a moment; if it happens again, the owner of "
    "this page should check its internet connection."
)
UNREAD = "The AI service could not read that message. Try to say it in other words, or shorter."
WRONG_KEY = (
    "The API key was not accepted. The owner of this page should check that it was copied "
    "completely, or remove it to use the built-in offline model."
)

STATUSES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}


def api_error(code: int, *details: dict[str, Any], status: str = "") -> APIError:
    """What google-genai raises for an answer of the Gemini API."""
    status = status or STATUSES.get(code, "UNKNOWN")
    body = {"code": code, "message": SECRET, "status": status, "details": list(details)}
    kind = ClientError if code < 500 else ServerError
    return kind(code, {"error": body})


def page_error(code: int, reason: str) -> APIError:
    """What google-genai raises for an answer that is no JSON, from a proxy say."""
    kind = ClientError if code < 500 else ServerError
    return kind(code, {"message": f"<html>{SECRET}</html>", "status": reason})


def reason(name: str) -> dict[str, Any]:
    return {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": name,
        "domain": "googleapis.com",
        "metadata": {"service": SECRET},
    }


def exhausted(*details: dict[str, Any]) -> APIError:
    """What ADK makes of a 429."""
    error = api_error(429, *details)
    assert isinstance(error, ClientError)
    return _ResourceExhaustedError(error)


def retry_in(delay: str) -> dict[str, Any]:
    return {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": delay}


def raised_by_genai_without_a_key() -> Exception:
    """The library's own words, so that the test fails when they change."""
    with pytest.raises(ValueError, match="key") as caught:
        Client(api_key=None, vertexai=False)
    return caught.value


def raised_by_adk_for(model: str) -> Exception:
    with pytest.raises(ValueError, match="not found") as caught:
        LLMRegistry.new_llm(model)
    return caught.value


# aiohttp's tree (aiohttp/client_exceptions.py), which google-genai uses where it finds it.
Aio = type("ClientError", (Exception,), {})
AioConnection = type("ClientConnectionError", (Aio,), {})
AioOs = type("ClientOSError", (AioConnection, OSError), {})
AioConnector = type("ClientConnectorError", (AioOs,), {})
AioServer = type("ServerConnectionError", (AioConnection,), {})
AioDisconnected = type("ServerDisconnectedError", (AioServer,), {})
AioTimeout = type("ServerTimeoutError", (AioServer, TimeoutError), {})
AioPayload = type("ClientPayloadError", (Aio,), {})

FAILURES: list[tuple[BaseException, str]] = [
    (api_error(400), UNREAD),
    (api_error(400, reason("API_KEY_INVALID")), WRONG_KEY),
    (
        api_error(400, status="FAILED_PRECONDITION"),
        "The AI service does not answer here: it may not be offered in this country, or need "
        "billing to be switched on.",
    ),
    (api_error(401), WRONG_KEY),
    (
        api_error(403),
        "This API key is not allowed to use the AI service: it may be restricted, or reported as "
        "leaked. Create a new key in Google AI Studio.",
    ),
    (api_error(404), NO_MODEL),
    (api_error(408), SLOW),
    (page_error(413, "Request Entity Too Large"), UNREAD),
    (api_error(429), BUSY.format("a minute")),
    (exhausted(), BUSY.format("a minute")),
    (exhausted(reason("RATE_LIMIT_EXCEEDED"), retry_in("37s")), BUSY.format("37 seconds")),
    (exhausted(retry_in("6.2s")), BUSY.format("7 seconds")),
    (exhausted(retry_in("1s")), BUSY.format("1 second")),
    (exhausted(retry_in("soon")), BUSY.format("a minute")),
    (exhausted(retry_in("9" * 400 + "s")), BUSY.format("a minute")),
    (exhausted(retry_in("1.2.3s")), BUSY.format("a minute")),
    (api_error(500), THEIRS),
    (page_error(502, "Bad Gateway"), THEIRS),
    (api_error(503), THEIRS),
    (api_error(504), SLOW),
    (UnknownApiResponseError(f"Failed to parse response as JSON. {SECRET}"), THEIRS),
    (httpx.ReadTimeout(SECRET), SLOW),
    (httpx.ConnectTimeout(SECRET), SLOW),
    (TimeoutError(SECRET), SLOW),
    (AioTimeout(SECRET), SLOW),
    (httpx.ConnectError(SECRET), UNREACHED),
    (ConnectionRefusedError(SECRET), UNREACHED),
    (socket.gaierror(SECRET), UNREACHED),
    (AioConnector(SECRET), UNREACHED),
    (httpx.RemoteProtocolError(SECRET), BROKEN),
    (httpx.ReadError(SECRET), BROKEN),
    (ConnectionResetError(SECRET), BROKEN),
    (AioDisconnected(SECRET), BROKEN),
    (AioPayload(SECRET), BROKEN),
    (raised_by_genai_without_a_key(), NEEDS_KEY),
    (DefaultCredentialsError(SECRET), NEEDS_KEY),  # type: ignore[no-untyped-call]
    (RefreshError(SECRET), NEEDS_KEY),  # type: ignore[no-untyped-call]
    (raised_by_adk_for("gemeni-3"), NO_MODEL),
    (raised_by_adk_for("openai/gpt-4o"), NO_MODEL),
    (
        SessionNotFoundError(SECRET),
        "This conversation is no longer in memory. A new one has begun: please say it again.",
    ),
    (LlmCallsLimitExceededError(SECRET), TOO_MANY),
    (
        AskedToFail(),
        "This failure is the one you asked for with /fail. What was said before it stays, and the "
        "next message works as usual.",
    ),
    (KeyError(SECRET), SENTENCES["agent_failed"]),
    (ValueError(SECRET), SENTENCES["agent_failed"]),
    (ZeroDivisionError(), SENTENCES["agent_failed"]),
]


def name(value: object) -> str | None:
    return type(value).__name__ if isinstance(value, BaseException) else ""


@pytest.mark.parametrize(("failure", "sentence"), FAILURES, ids=name)
def test_each_failure_has_its_sentence(failure: BaseException, sentence: str) -> None:
    assert explain(failure).text == sentence


@pytest.mark.parametrize(("failure", "_"), FAILURES, ids=name)
def test_no_sentence_repeats_what_the_error_says(failure: BaseException, _: str) -> None:
    sentence = explain(failure).text
    assert not any(secret in sentence for secret in ("AIza", "/srv", "example.org", "{", "}"))


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        ("MAX_TOKENS", 'The answer reached its length limit. Say "continue" to read on.'),
        ("MAX_TOKENS_BEFORE_WORDS", SENTENCES["max_tokens_before_words"]),
        ("DAILY_TOKENS_SPENT", SENTENCES["budget_ran_out"]),
        ("SAFETY", BLOCKED),
        ("RECITATION", BLOCKED),
        ("PROHIBITED_CONTENT", BLOCKED),
        ("EMPTY", EMPTY),
        ("MODEL_RETURNED_NO_CONTENT", EMPTY),
        ("MALFORMED_FUNCTION_CALL", MISUSED),
        ("TOO_MANY_TOOL_CALLS", TOO_MANY),
        ("A_WORD_OF_NEXT_YEAR", SENTENCES["ended_oddly"]),
        ("", SENTENCES["ended_oddly"]),
    ],
)
def test_each_error_code_has_its_sentence(code: str, sentence: str) -> None:
    assert explain(code).text == sentence


@pytest.mark.parametrize("code", [*types.FinishReason, *types.BlockedReason])
def test_geminis_own_reasons_are_all_in_the_table(code: types.FinishReason) -> None:
    normal = {types.FinishReason.STOP, types.FinishReason.CONTINUATION}
    assert (explain(code).code == "ended_oddly") == (code in normal)


def test_an_error_of_the_apps_own_speaks_for_itself() -> None:
    assert explain(PlainError("stopped")) == Notice("stopped")
    timeout = explain(PlainError("turn_timeout", limit=0.5))
    assert timeout == Notice("turn_timeout", {"limit": 0.5})
    assert "longer than 0.5 seconds and" in timeout.text


def raises(self: object) -> str:
    raise RuntimeError(SECRET)


ODD: list[dict[str, Any]] = [
    {"code": "x"},
    {"code": True},
    {"status": 7},
    {"details": "x"},
    {"details": lambda: 1},
    {"details": {"error": "x"}},
    {"details": {"error": {"details": ["x", {"retryDelay": None}]}}},
    {"__str__": raises},
]


@pytest.mark.parametrize("attributes", ODD, ids=", ".join)
def test_an_error_may_have_any_attributes(attributes: dict[str, Any]) -> None:
    assert explain(type("Odd", (Exception,), attributes)()).code == "agent_failed"


CODES = [*(code for _, code in TABLE), UNKNOWN, "ended_oddly"]


@pytest.mark.parametrize("code", CODES)
def test_a_sentence_says_what_to_do_next(code: str) -> None:
    steps = "press retry|try |say |ask |check |create |wait |the owner |next message|need billing"
    assert re.search(steps, SENTENCES[code].lower())


def test_the_log_names_the_settings_behind_a_limit() -> None:
    limits = Settings(turn_timeout=0.5, leave_grace=0, visitor_per_minute=0)
    assert limits_behind(Notice("turn_timeout"), limits) == "TURN_TIMEOUT=0.5"
    assert limits_behind(Notice("unwatched"), limits) == "LEAVE_GRACE=0.0"
    assert limits_behind(Notice("too_many_messages_in_minute"), limits) == "ADDRESS_PER_MINUTE=30"
    assert limits_behind(Notice("too_many_messages_in_day"), limits) == (
        "VISITOR_PER_DAY=100, ADDRESS_PER_DAY=300"
    )
    assert limits_behind(Notice("stopped"), limits) == ""


def test_each_limit_is_a_notice_and_a_setting() -> None:
    assert LIMITS.keys() <= SENTENCES.keys()
    assert {name for names in LIMITS.values() for name in names} <= Settings.model_fields.keys()


def test_no_two_rows_claim_the_same_mark() -> None:
    marks = [mark for row, _ in TABLE for mark in row]
    assert sorted(marks) == sorted(set(marks))

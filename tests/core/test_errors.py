"""Every failure in plain words: real exceptions and error codes, and the sentence for each."""

import asyncio
import re
import socket
import sqlite3
from collections.abc import Callable
from typing import Any, cast

import httpx
import pytest
from google.adk.agents.invocation_context import LlmCallsLimitExceededError
from google.adk.errors.session_not_found_error import SessionNotFoundError
from google.adk.models import LLMRegistry, LlmRequest
from google.adk.models.google_llm import _ResourceExhaustedError
from google.adk.sessions import InMemorySessionService, Session
from google.adk.tools import FunctionTool, ToolContext
from google.auth.exceptions import DefaultCredentialsError, RefreshError
from google.genai import Client, types
from google.genai.errors import APIError, ClientError, ServerError, UnknownApiResponseError

from agent.core.errors import (
    ADK_ERRORS,
    LIMITS,
    MODEL_ERRORS,
    NAMED,
    STORE_ERRORS,
    UNKNOWN,
    PlainError,
    Table,
    explain,
    limits_behind,
)
from agent.core.notices import SENTENCES, Notice
from agent.core.settings import Settings
from agent.models.offline import AskedToFail
from tests.support.scripted_model import ScriptedModel

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
        "leaked. The owner of this page should create a new one where it came from.",
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


def raised_by(call: Callable[[], object]) -> BaseException:
    """What this call raises, with the traceback by which one sees who it was."""
    try:
        call()
    except BaseException as error:
        return error
    raise AssertionError


def raised_by_a_model(error: BaseException) -> BaseException:
    async def ask() -> None:
        error.with_traceback(None)  # Of another test.
        async for _ in ScriptedModel(scripts=[[error]]).generate_content_async(LlmRequest()):
            pass

    return raised_by(lambda: asyncio.run(ask()))


def raised_by_a_tool(error: BaseException) -> BaseException:
    def ask_crm() -> None:
        raise error.with_traceback(None)

    run = FunctionTool(ask_crm).run_async(args={}, tool_context=cast(ToolContext, None))
    return raised_by(lambda: asyncio.run(run))


def raised_by_a_store(error: BaseException) -> BaseException:
    class Broken(InMemorySessionService):
        async def get_session(self, **session: Any) -> Session | None:
            raise error

    store = Broken().get_session(app_name="a", user_id="u", session_id="s")
    return raised_by(lambda: asyncio.run(store))


@pytest.mark.parametrize(("failure", "sentence"), FAILURES, ids=name)
def test_each_failure_of_a_model_has_its_sentence(failure: BaseException, sentence: str) -> None:
    assert explain(raised_by_a_model(failure)).text == sentence


@pytest.mark.parametrize(("failure", "_"), FAILURES, ids=name)
def test_no_sentence_repeats_what_the_error_says(failure: BaseException, _: str) -> None:
    for raised in (failure, raised_by_a_model(failure), raised_by_a_tool(failure)):
        sentence = explain(raised).text
        assert not any(secret in sentence for secret in ("AIza", "/srv", "example.org", "{", "}"))


@pytest.mark.parametrize(("failure", "_"), FAILURES, ids=name)
def test_the_same_error_of_a_tool_names_the_tool(failure: BaseException, _: str) -> None:
    assert explain(raised_by_a_tool(failure)) == Notice("tool_failed", {"tool": "ask_crm"})


@pytest.mark.parametrize(("failure", "_"), FAILURES, ids=name)
def test_the_same_error_of_the_agents_own_code_is_the_agents(
    failure: BaseException, _: str
) -> None:
    def callback() -> None:
        raise failure.with_traceback(None)

    assert explain(raised_by(callback)) == Notice("agent_failed")


@pytest.mark.parametrize(
    ("failure", "sentence"),
    [
        (SessionNotFoundError(SECRET), SENTENCES["session_gone"]),
        (LlmCallsLimitExceededError(SECRET), TOO_MANY),
    ],
    ids=name,
)
def test_what_adk_raises_of_a_run_has_its_sentence_wherever_it_does(
    failure: BaseException, sentence: str
) -> None:
    assert explain(failure).text == explain(raised_by_a_tool(failure)).text == sentence


def test_only_a_store_fails_as_a_store() -> None:
    assert explain(raised_by_a_store(sqlite3.OperationalError())).code == "store_failed"
    assert explain(raised_by_a_tool(sqlite3.OperationalError())).code == "tool_failed"
    assert explain(raised_by_a_model(sqlite3.OperationalError())).code == "agent_failed"
    assert explain(sqlite3.OperationalError()).code == "agent_failed"


def test_of_several_failures_at_once_the_first_is_told() -> None:
    several = [raised_by_a_tool(ValueError()), raised_by_a_model(api_error(429))]
    assert explain(BaseExceptionGroup("", several)).code == "tool_failed"
    assert explain(BaseExceptionGroup("", several[::-1])).code == "model_busy"


def test_a_group_that_a_tool_raises_is_the_tools() -> None:
    group = ExceptionGroup("", [ConnectionRefusedError()])
    assert explain(raised_by_a_tool(group)) == Notice("tool_failed", {"tool": "ask_crm"})


def test_an_unknown_model_is_told_though_no_model_was_called() -> None:
    assert explain(raised_by_adk_for("gemeni-3")).text == NO_MODEL


@pytest.mark.parametrize(
    ("status_code", "code"),
    [(401, "bad_key"), (404, "no_such_model"), (429, "model_busy"), (529, "model_busy")],
)
def test_other_models_than_gemini_name_the_status_in_their_own_way(
    status_code: int, code: str
) -> None:
    kind = type("RateLimitError", (Exception,), {"status_code": status_code, "code": None})
    assert explain(raised_by_a_model(kind())).code == code


def test_what_fails_in_the_middle_of_anthropics_stream_has_no_code_but_a_kind() -> None:
    body = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
    kind = type("APIStatusError", (Exception,), {"status_code": 200, "body": body})
    assert explain(raised_by_a_model(kind())).code == "model_busy"


def test_the_class_of_a_failed_step_is_no_word_of_the_models() -> None:
    assert explain("ConnectionRefusedError").code == "agent_failed"


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        ("MAX_TOKENS", "The answer reached its length limit. Say “Continue” to have the rest."),
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
    {"code": property(raises), "status": property(raises), "details": property(raises)},
]


@pytest.mark.parametrize("attributes", ODD, ids=", ".join)
def test_an_error_may_have_any_attributes(attributes: dict[str, Any]) -> None:
    assert (
        explain(raised_by_a_model(type("Odd", (Exception,), attributes)())).code == "agent_failed"
    )


TABLES = (MODEL_ERRORS, STORE_ERRORS, ADK_ERRORS)

CODES = {code for table in TABLES for _, code in table} | {UNKNOWN, "ended_oddly"}
CODES |= {code for code, _ in NAMED.values()}


@pytest.mark.parametrize("code", sorted(CODES))
def test_a_sentence_says_what_to_do_next(code: str) -> None:
    steps = "press retry|try |say |ask |begin|check |create |wait |owner |next message|need billing"
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


@pytest.mark.parametrize("table", TABLES)
def test_no_two_rows_claim_the_same_mark(table: Table) -> None:
    marks = [mark for row, _ in table for mark in row]
    assert sorted(marks) == sorted(set(marks))

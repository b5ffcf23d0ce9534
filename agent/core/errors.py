"""Every failure in plain words: one table, most specific first.

A failure reaches us as an exception, or as an ADK event's `error_code` with no exception at all
(a safety stop, say). Either way it is reduced to its *marks*: class names, error codes, "HTTP
429", the reason Google gives. The first row of the table that shares a mark gives the notice.
Class names rather than classes, because google-genai raises the errors of whichever HTTP library
it finds: httpx, httpx2 or aiohttp.
"""

import math
import re
from collections.abc import Iterator
from typing import Any

from agent.core.notices import Notice, PlainError

# Marks, and the code of the notice in agent/core/notices.py.
TABLE: tuple[tuple[set[str], str], ...] = (
    ({"AskedToFail"}, "asked_to_fail"),
    ({"NoStandIn"}, "no_stand_in"),
    ({"NO_STATE_VALUE"}, "no_state_value"),
    ({"SessionNotFoundError"}, "session_gone"),
    ({"StaleSessionError"}, "elsewhere"),
    # The roots of Python's database drivers' errors, and of SQLAlchemy's.
    ({"DatabaseError", "SQLAlchemyError"}, "store_failed"),
    (
        {"LlmCallsLimitExceededError", "TOO_MANY_LLM_CALLS", "TOO_MANY_TOOL_CALLS"},
        "too_many_calls",
    ),
    ({"MAX_TOKENS"}, "max_tokens"),
    (
        {"MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL", "MALFORMED_RESPONSE"},
        "bad_tool_call",
    ),
    (
        {"SAFETY", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "LANGUAGE"}
        | {"JAILBREAK", "MODEL_ARMOR", "BLOCKED_REASON_UNSPECIFIED"}
        | {"IMAGE_SAFETY", "IMAGE_PROHIBITED_CONTENT", "IMAGE_RECITATION"},
        "declined",
    ),
    (
        {"EMPTY", "MODEL_RETURNED_NO_CONTENT", "NO_IMAGE", "IMAGE_OTHER", "OTHER"}
        | {"FINISH_REASON_UNSPECIFIED"},
        "empty",
    ),
    # The last is HTTP's refusal to send a key with a line break in it.
    ({"API_KEY_INVALID", "HTTP 401", "LocalProtocolError"}, "bad_key"),
    ({"NO_API_KEY", "DefaultCredentialsError", "RefreshError"}, "no_key"),
    ({"HTTP 403"}, "key_not_allowed"),
    ({"HTTP 404", "NO_SUCH_MODEL"}, "no_such_model"),
    ({"HTTP 429"}, "model_busy"),
    ({"FAILED_PRECONDITION"}, "not_offered"),
    ({"HTTP 408", "HTTP 504", "TimeoutException", "TimeoutError"}, "model_slow"),
    ({"HTTP 4xx"}, "bad_request"),
    ({"HTTP 5xx", "UnknownApiResponseError"}, "model_failed"),
    (
        {"ConnectError", "ClientConnectorError", "gaierror", "ConnectionRefusedError"},
        "unreachable",
    ),
    # The roots of httpx's and of aiohttp's trees; genai's own ClientError is HTTP 4xx above.
    ({"TransportError", "ClientError", "ConnectionError"}, "connection_broken"),
)

# What an exception is that the table does not know: only the agent's owner can look into it.
UNKNOWN = "agent_failed"


def explain(failure: BaseException | str) -> Notice:
    """What to tell the visitor of an exception, or of an ADK event's error code."""
    if isinstance(failure, PlainError):
        return failure.notice
    if isinstance(failure, str):
        return Notice(_look_up({failure}, "ended_oddly"))
    code = _look_up(set(_marks(failure)), UNKNOWN)
    if code == "model_busy" and (seconds := _retry_delay(failure)):
        return Notice("model_busy_for", {"wait": seconds})
    return Notice(code)


def _look_up(marks: set[str], otherwise: str) -> str:
    return next((code for row, code in TABLE if row & marks), otherwise)


def _marks(error: BaseException) -> Iterator[str]:
    yield from (kind.__name__ for kind in type(error).__mro__)
    if isinstance(code := getattr(error, "code", None), int):
        yield from (f"HTTP {code}", f"HTTP {code // 100}xx")
    yield str(getattr(error, "status", ""))
    yield from (str(detail.get("reason")) for detail in _details(error))
    # google-genai and ADK raise a bare ValueError for these two (genai/_api_client.py,
    # adk/models/registry.py): only their words tell them apart.
    words = str(error) if type(error) is ValueError else ""
    if "No API key was provided" in words:
        yield "NO_API_KEY"
    if re.match(r"Model \S+ not found", words):
        yield "NO_SUCH_MODEL"
    # And a KeyError for an instruction's value (adk/flows/llm_flows/prompt/_instructions_utils.py).
    if isinstance(error, KeyError) and "Context variable not found" in str(error):
        yield "NO_STATE_VALUE"


def _details(error: BaseException) -> list[dict[str, Any]]:
    """The `google.rpc` details of an API error (genai/errors.py), or nothing."""
    body = getattr(error, "details", None)
    inner = body.get("error", body) if isinstance(body, dict) else {}
    details = inner.get("details", []) if isinstance(inner, dict) else []
    return [detail for detail in details if isinstance(detail, dict)]


def _retry_delay(failure: BaseException) -> int | None:
    """For how many seconds the service asks to wait (RetryInfo's "7s"), if it says so."""
    for detail in _details(failure):
        if delay := re.fullmatch(r"(\d{1,9}(?:\.\d+)?)s", str(detail.get("retryDelay", ""))):
            return math.ceil(float(delay[1]))
    return None

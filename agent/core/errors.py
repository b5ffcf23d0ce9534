"""Every failure in plain words: one table, most specific first.

A failure reaches us as an exception, or as an ADK event's `error_code` with no exception at all
(a safety stop, say). Either way it is reduced to its *marks*: class names, error codes, "HTTP
429", the reason Google gives. The first row of the table that shares a mark gives the sentence.
Class names rather than classes, because google-genai raises the errors of whichever HTTP library
it finds: httpx, httpx2 or aiohttp. No sentence quotes the error itself, whose text may hold a key,
a path, or a whole JSON document.
"""

import math
import re
from collections.abc import Iterator
from typing import Any


class PlainError(Exception):
    """An error of this app's own; its text is displayed to the visitor."""


LOST = (
    "The messages above are no longer remembered: the conversation was idle for too long, or was "
    "cleared in another window. This is a new conversation."
)

TABLE: tuple[tuple[set[str], str], ...] = (
    (
        {"AskedToFail"},
        "This failure is the one you asked for with /fail. What was said before it stays, and "
        "the next message works as usual.",
    ),
    (
        {"SessionNotFoundError"},
        "This conversation is no longer in memory. A new one has begun: please say it again.",
    ),
    (
        {"StaleSessionError"},
        "This conversation is also being answered somewhere else. Try again in a moment.",
    ),
    (
        # The roots of Python's database drivers' errors, and of SQLAlchemy's.
        {"DatabaseError", "SQLAlchemyError"},
        "The conversation could not be stored. Try again in a moment; if it happens again, the "
        "owner of this page should look after the database.",
    ),
    (
        {"LlmCallsLimitExceededError", "TOO_MANY_LLM_CALLS", "TOO_MANY_TOOL_CALLS"},
        "The agent went round in circles and was stopped. Try a simpler question, or ask one "
        "thing at a time.",
    ),
    (
        {"MAX_TOKENS"},
        'The answer reached its length limit. Say "continue" to read on.',
    ),
    (
        {"MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL", "MALFORMED_RESPONSE"},
        "The AI tried to use a tool in a way that does not work. Try again, or say it in other "
        "words.",
    ),
    (
        {"SAFETY", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "LANGUAGE"}
        | {"JAILBREAK", "MODEL_ARMOR", "BLOCKED_REASON_UNSPECIFIED"}
        | {"IMAGE_SAFETY", "IMAGE_PROHIBITED_CONTENT", "IMAGE_RECITATION"},
        "The AI declined to answer this. Try to ask in a different way.",
    ),
    (
        {"EMPTY", "MODEL_RETURNED_NO_CONTENT", "NO_IMAGE", "IMAGE_OTHER", "OTHER"}
        | {"FINISH_REASON_UNSPECIFIED"},
        "The AI returned an empty answer. Try again, or ask in another way.",
    ),
    (
        # The last is HTTP's refusal to send a key with a line break in it.
        {"API_KEY_INVALID", "HTTP 401", "LocalProtocolError"},
        "The API key was not accepted. The owner of this page should check that it was copied "
        "completely, or remove it to use the built-in offline model.",
    ),
    (
        {"NO_API_KEY", "DefaultCredentialsError", "RefreshError"},
        "The AI service needs a key or a login, and none was found. The owner of this page needs "
        "to add one.",
    ),
    (
        {"HTTP 403"},
        "This API key is not allowed to use the AI service: it may be restricted, or reported as "
        "leaked. Create a new key in Google AI Studio.",
    ),
    (
        {"HTTP 404", "NO_SUCH_MODEL"},
        "The chosen AI model is not available. The owner of this page needs to pick another one.",
    ),
    (
        {"HTTP 429"},
        "The AI service is busy, or its free limit is used up. Please wait {wait}, then try again.",
    ),
    (
        {"FAILED_PRECONDITION"},
        "The AI service does not answer here: it may not be offered in this country, or need "
        "billing to be switched on.",
    ),
    (
        {"HTTP 408", "HTTP 504", "TimeoutException", "TimeoutError"},
        "The AI service took too long. Your message was not lost: try again.",
    ),
    (
        {"HTTP 4xx"},
        "The AI service could not read that message. Try to say it in other words, or shorter.",
    ),
    (
        {"HTTP 5xx", "UnknownApiResponseError"},
        "The AI service has a problem at its end. Nothing is wrong with your message: try "
        "again in a moment.",
    ),
    (
        {"ConnectError", "ClientConnectorError", "gaierror", "ConnectionRefusedError"},
        "The AI service cannot be reached. Try again in a moment; if it happens again, the "
        "owner of this page should check its internet connection.",
    ),
    (
        # The roots of httpx's and of aiohttp's trees; genai's own ClientError is HTTP 4xx above.
        {"TransportError", "ClientError", "ConnectionError"},
        "The connection to the AI service broke off. Try again for a full answer.",
    ),
)

OTHERWISE = (
    "Something in the agent itself failed, so it could not finish. Try again; if it happens "
    "again, tell the owner of this page."
)

ENDED_ODDLY = "The AI ended its answer in an unexpected way. Try again for another one."


def explain(failure: BaseException | str) -> str:
    """The sentence for an exception, or for an ADK event's error code."""
    if isinstance(failure, PlainError):
        return str(failure)
    if isinstance(failure, str):
        return _look_up({failure}, ENDED_ODDLY)
    return _look_up(set(_marks(failure)), OTHERWISE).format(wait=_wait(failure))


def _look_up(marks: set[str], otherwise: str) -> str:
    return next((sentence for row, sentence in TABLE if row & marks), otherwise)


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


def _details(error: BaseException) -> list[dict[str, Any]]:
    """The `google.rpc` details of an API error (genai/errors.py), or nothing."""
    body = getattr(error, "details", None)
    inner = body.get("error", body) if isinstance(body, dict) else {}
    details = inner.get("details", []) if isinstance(inner, dict) else []
    return [detail for detail in details if isinstance(detail, dict)]


def _wait(failure: BaseException) -> str:
    """How long the service asks to wait (RetryInfo's "7s"); a minute where it says nothing."""
    for detail in _details(failure):
        if delay := re.fullmatch(r"(\d{1,9}(?:\.\d+)?)s", str(detail.get("retryDelay", ""))):
            seconds = math.ceil(float(delay[1]))
            return f"{seconds} second" + "s" * (seconds != 1)
    return "a minute"

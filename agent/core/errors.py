"""Every failure in plain words: who failed, and of a model what, by tables.

A failure reaches us as an exception, or as an ADK event's `error_code` with no exception at all
(a safety stop, say). An exception of a tool's names the tool. What a model has raised or said is
reduced to its *marks*: class names, error codes, "HTTP 429", the reason Google gives. The first row
of a table that shares a mark gives the notice. Class names rather than classes, because
google-genai raises the errors of whichever HTTP library it finds: httpx, httpx2 or aiohttp.
"""

import logging
import math
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any, TypeAlias

from agent.core.containment import describe
from agent.core.notices import Notice, PlainError
from agent.core.origin import Kind, Origin, innermost, origin
from agent.core.settings import Settings

# The attribute of an exception that has come of a call on the visitor's own key.
OF_OWN_KEY = "adk_chat_page_own_key"

# How many characters of a tool's name a sentence has.
MAX_NAME_LENGTH = 80

# Rows of marks, each with the code of its notice in agent/core/notices.py.
Table: TypeAlias = tuple[tuple[set[str], str], ...]

# The codes of an answer that has reached its length limit (Gemini's), and of one that has done so
# before its first word.
MAX_TOKENS, MAX_TOKENS_BEFORE_WORDS = "MAX_TOKENS", "MAX_TOKENS_BEFORE_WORDS"

# The codes in place of a call of a model that may not be made (agent/limits/budget.py).
TOO_MANY_CALLS, BUDGET_SPENT = "TOO_MANY_LLM_CALLS", "DAILY_TOKENS_SPENT"

# The code in place of a call of a model that cannot be made on the visitor's own key
# (agent/chat/model_options.py).
KEY_NOT_USED = "OWN_KEY_NOT_USED"

# What a model says of its own answer, and ADK of a run.
CODES: Table = (
    ({"AskedToFail"}, "asked_to_fail"),
    ({"NoStandIn"}, "no_stand_in"),
    ({"NOT_RECORDED"}, "not_recorded"),
    (
        {"LlmCallsLimitExceededError", TOO_MANY_CALLS, "TOO_MANY_TOOL_CALLS"},
        "too_many_calls",
    ),
    ({BUDGET_SPENT}, "budget_ran_out"),
    ({KEY_NOT_USED}, "own_key_not_used"),
    ({MAX_TOKENS}, "max_tokens"),
    ({MAX_TOKENS_BEFORE_WORDS}, "max_tokens_before_words"),
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
    ({"NO_ANSWER"}, "no_answer"),
)

# What comes out of a call of a model; most specific first.
MODEL_ERRORS: Table = (
    *CODES,
    ({"ContentPolicyViolationError"}, "declined"),  # LiteLLM's, which is also an HTTP 400.
    # LiteLLM's too: what was streaming has broken off.
    ({"MidStreamFallbackError"}, "connection_broken"),
    # The last is HTTP's refusal to send a key with a line break in it.
    ({"API_KEY_INVALID", "HTTP 401", "LocalProtocolError"}, "bad_key"),
    ({"NO_API_KEY", "DefaultCredentialsError", "RefreshError"}, "no_key"),
    ({"HTTP 403"}, "key_not_allowed"),
    ({"HTTP 404", "NO_SUCH_MODEL"}, "no_such_model"),
    # The last two are Anthropic's; in the middle of a stream it has no code.
    ({"HTTP 429", "HTTP 529", "overloaded_error"}, "model_busy"),
    ({"FAILED_PRECONDITION"}, "not_offered"),
    (
        {"HTTP 408", "HTTP 504", "TimeoutException", "TimeoutError", "APITimeoutError"},
        "model_slow",
    ),
    ({"HTTP 4xx"}, "bad_request"),
    (
        {"ConnectError", "ClientConnectorError", "gaierror", "ConnectionRefusedError"}
        # Of the OpenAI, Anthropic and LiteLLM clients; LiteLLM says that it is an HTTP 500.
        | {"APIConnectionError"},
        "unreachable",
    ),
    ({"HTTP 5xx", "UnknownApiResponseError", "api_error"}, "model_failed"),
    # The roots of httpx's and of aiohttp's trees; genai's own ClientError is HTTP 4xx above.
    ({"TransportError", "ClientError", "ConnectionError"}, "connection_broken"),
)

# What a failure of a model is called where it was asked on the visitor's own key, who then has to
# see to that; a reported leak is known by Google's words alone.
ON_OWN_KEY = {
    "bad_key": "own_key_wrong",
    "no_key": "own_key_wrong",
    "key_not_allowed": "own_key_not_allowed",
    "no_such_model": "own_key_no_model",
    "model_busy": "own_key_exhausted",
    "model_busy_for": "own_key_exhausted_for",
    "not_offered": "own_key_not_offered",
}

# What comes out of the session store: the last are the roots of Python's database drivers' errors,
# and of SQLAlchemy's.
STORE_ERRORS: Table = (({"DatabaseError", "SQLAlchemyError"}, "store_failed"),)

# What ADK itself raises of a session or a run, wherever it does.
ADK_ERRORS: Table = (
    ({"SessionNotFoundError"}, "session_gone"),
    ({"StaleSessionError"}, "elsewhere"),
    ({"LlmCallsLimitExceededError"}, "too_many_calls"),
)

# What ADK raises of the agent itself, before it asks a model.
AGENT_ERRORS: Table = (({"NO_STATE_VALUE"}, "no_state_value"),)

TABLES: dict[Kind, Table] = {
    "model": MODEL_ERRORS,
    "store": STORE_ERRORS,
    "agent": AGENT_ERRORS,
}

# The notice of whoever has a name, and what it is called there.
NAMED: dict[Kind, tuple[str, str]] = {
    "tool": ("tool_failed", "tool"),
    "toolset": ("tools_missing", "tools"),
}

# What an exception is that no table knows: only the agent's owner can look into it.
UNKNOWN = "agent_failed"

# The notices of what the agent's owner has to mend.
OWNERS = {UNKNOWN, *(code for code, _ in NAMED.values())}


# The settings behind the notices of limits.
LIMITS: dict[str, tuple[str, ...]] = {
    "turn_timeout": ("turn_timeout",),
    "first_token_timeout": ("first_token_timeout",),
    "gap_timeout": ("gap_timeout",),
    "unwatched": ("leave_grace",),
    "too_many_calls": ("max_llm_calls",),
    "talk_timeout": ("talk_timeout",),
    "talk_silent": ("talk_silence",),
    "talk_no_answer": ("first_token_timeout", "gap_timeout"),
    "talk_tool_timeout": ("turn_timeout",),
    "talks_full": ("max_talks",),
    # What sets an answer's length is logged where that is known (agent/limits/budget.py).
    "budget_ran_out": ("daily_tokens",),
    "message_too_long": ("max_message_length",),
    "chat_had_one": ("max_chat_turns",),
    "chat_full": ("max_chat_turns",),
    "address_busy": ("address_running",),
    "too_many_messages_in_minute": ("visitor_per_minute", "address_per_minute"),
    "too_many_messages_in_day": ("visitor_per_day", "address_per_day"),
}


def explain(failure: BaseException | str, kind: Kind | None = None) -> Notice:
    """What to tell the visitor of an exception, or of an ADK event's error code.

    Args:
        failure: That.
        kind: Who raised it; without one its traceback tells.
    """
    if isinstance(failure, str):
        # ADK also gives the name of the class that a step of an agent has raised.
        is_class = re.search("[a-z]", failure)
        return Notice(_look_up(CODES, {failure}, UNKNOWN if is_class else "ended_oddly"))
    error, who = innermost(failure), Origin(kind) if kind else origin(failure)
    if isinstance(error, PlainError):
        return error.notice
    marks = set(_marks(error))
    is_adks = type(error).__module__.startswith("google.adk.")
    if is_adks and (code := _look_up(ADK_ERRORS, marks, "")):
        return Notice(code)
    if who.kind in NAMED:
        code, argument = NAMED[who.kind]
        return Notice(code, {argument: _name(who.name)})
    code = _look_up(TABLES.get(who.kind, ()), marks, UNKNOWN)
    seconds = _retry_delay(error) if code == "model_busy" else None
    code = "model_busy_for" if seconds else code
    if who.kind == "model" and _attribute(error, OF_OWN_KEY):
        code = "own_key_leaked" if _is_leaked(code, error) else ON_OWN_KEY.get(code, code)
    return Notice(code, {"wait": seconds} if seconds else {})


def mark_own_key(error: BaseException) -> None:
    """Note that a model has raised this when it was asked on the visitor's own key."""
    with suppress(Exception):  # Its class may forbid it; then it is told as the host's.
        setattr(error, OF_OWN_KEY, True)


def _is_leaked(code: str, error: BaseException) -> bool:
    return code in ("key_not_allowed", "bad_key") and "leaked" in str(error).lower()


def limits_behind(notice: Notice, settings: Settings) -> str:
    """The settings behind a notice as the environment has them, for the log; "" where none is."""
    values = {name: getattr(settings, name) for name in LIMITS.get(notice.code, ())}
    # 0 is no limit; but by a grace time of 0 an answer ends.
    some = {name: value for name, value in values.items() if value} or values
    return ", ".join(f"{name.upper()}={value}" for name, value in some.items())


def _name(text: str) -> str:
    """A name in a sentence, where it may be taken for Markdown."""
    return re.sub(r"[^\w.\- ]", "", text)[:MAX_NAME_LENGTH]


def _look_up(table: Table, marks: set[str], otherwise: str) -> str:
    return next((code for row, code in table if row & marks), otherwise)


# What may be mended by asking for the whole answer at once: what comes of a stream that cannot be
# read, and what is refused with a word of streaming.
BROKEN_STREAM = {"connection_broken"}
REFUSED_STREAM = {"bad_request", "model_failed", UNKNOWN}


def is_about_streaming(error: BaseException) -> bool:
    """Whether the call of a model has failed because its answer was to be streamed."""
    code, marks = explain(error, "model").code, set(_marks(error))
    if code in BROKEN_STREAM or marks & {"UnknownApiResponseError", "JSONDecodeError"}:
        return True
    says_so = re.search(r"\bstream", str(error), re.IGNORECASE)
    return code in REFUSED_STREAM and bool(says_so or "NotImplementedError" in marks)


def _marks(error: BaseException) -> Iterator[str]:
    yield from _names_and_codes(error)
    # LiteLLM calls an HTTP 500 what has reached nobody: what it was raised from tells.
    if type(error).__module__ == "litellm.exceptions":
        for cause in _causes(error):
            yield from _names_and_codes(cause)
    yield str(_attribute(error, "status"))
    # Of Anthropic's client.
    match _attribute(error, "body"):
        case {"error": {"type": str(kind)}}:
            yield kind
    yield from (str(detail.get("reason")) for detail in _details(error))
    # google-genai and ADK raise a bare ValueError for these two (genai/_api_client.py,
    # adk/models/registry.py): only their words tell them apart.
    words = str(error) if type(error) is ValueError else ""
    if "No API key was provided" in words:
        yield "NO_API_KEY"
    if re.match(r"Model \S+ not found", words):
        yield "NO_SUCH_MODEL"
    yield from _of_a_line(error)
    # And a KeyError for an instruction's value (adk/flows/llm_flows/prompt/_instructions_utils.py).
    if isinstance(error, KeyError) and "Context variable not found" in str(error):
        yield "NO_STATE_VALUE"


# Why a live connection was closed or refused, which Gemini says in words alone: its codes are those
# of WebSockets, which tell little.
CLOSED_BY = {
    "api key not valid": "API_KEY_INVALID",
    "quota": "HTTP 429",
    "is not found": "NO_SUCH_MODEL",
    "not supported for bidi": "NO_SUCH_MODEL",
    "location is not supported": "FAILED_PRECONDITION",
}


def _of_a_line(error: BaseException) -> Iterator[str]:
    """What is known of a live connection that was closed or refused."""
    code = _attribute(error, "code")
    if isinstance(code, int) and 1000 <= code < 1016:
        words = describe(error).lower()
        yield from (mark for said, mark in CLOSED_BY.items() if said in words)
        yield "TransportError"
    # The handshake's (websockets/exceptions.py).
    if isinstance(status := _attribute(_attribute(error, "response"), "status_code"), int):
        yield from (f"HTTP {status}", f"HTTP {status // 100}xx")


def _names_and_codes(error: BaseException) -> Iterator[str]:
    yield from (kind.__name__ for kind in type(error).__mro__)
    # The clients of other models than Gemini call it `status_code`.
    for name in ("code", "status_code"):
        if isinstance(code := _attribute(error, name), int):
            yield from (f"HTTP {code}", f"HTTP {code // 100}xx")


def _causes(error: BaseException) -> Iterator[BaseException]:
    """What it was raised from."""
    while cause := error.__cause__ or error.__context__:
        yield cause
        error = cause


def _attribute(error: object, name: str) -> Any:
    with suppress(Exception):  # It may be a property that fails itself.
        return getattr(error, name, None)
    return None


def _details(error: BaseException) -> list[dict[str, Any]]:
    """The `google.rpc` details of an API error (genai/errors.py), or nothing."""
    body = _attribute(error, "details")
    inner = body.get("error", body) if isinstance(body, dict) else {}
    details = inner.get("details", []) if isinstance(inner, dict) else []
    return [detail for detail in details if isinstance(detail, dict)]


def _retry_delay(failure: BaseException) -> int | None:
    """For how many seconds the service asks to wait, if it says so: by Google's RetryInfo ("7s"),
    or by a header, as others do."""
    for detail in _details(failure):
        if delay := re.fullmatch(r"(\d{1,9}(?:\.\d+)?)s", str(detail.get("retryDelay", ""))):
            return math.ceil(float(delay[1]))
    # LiteLLM's own error has not the headers of the one that it was raised from.
    for raised in (failure, *_causes(failure)):
        headers = _attribute(_attribute(raised, "response"), "headers")
        after = headers.get("retry-after") if isinstance(headers, Mapping) else None
        if re.fullmatch(r"[1-9]\d{0,8}", str(after)):
            return int(str(after))
    return None


def log_failure(error: BaseException, log: logging.Logger) -> None:
    """Tell the host who failed; with a traceback where only the agent's owner can look into it."""
    notice, who = explain(error), " ".join(filter(None, origin(error)))
    is_owners = notice.code in OWNERS
    log.log(
        logging.ERROR if is_owners else logging.WARNING,
        "%s failed. %s (%s)",
        who.capitalize(),
        describe(error),
        notice.english,
        exc_info=error if is_owners else None,
    )

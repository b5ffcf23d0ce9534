"""Every way in which a turn against Gemini can go wrong, and what the visitor should then read."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from tests.support.fake_gemini import (
    Blocked,
    Call,
    Close,
    Cut,
    Drop,
    ErrorInStream,
    Finish,
    Garbage,
    Hang,
    Html,
    Nothing,
    Pause,
    Silent,
    Status,
    Step,
    Think,
)

DECLINED = "The AI declined to answer this."
EMPTY = "The AI returned an empty answer."
PROBLEM = "The AI service has a problem at its end."
BROKE_OFF = "The connection to the AI service broke off."
NOT_ALLOWED = "This API key is not allowed to use the AI service"


class Fault(NamedTuple):
    name: str
    # The fake Gemini's reply.
    script: tuple[str | Step, ...]
    # How the app's sentence begins.
    notice: str
    # The text that stays on the page.
    kept: str = ""
    # Settings under which it shows.
    limits: Mapping[str, float] = MappingProxyType({})


FAULTS = [
    Fault("a bad request", (Status(400, "INVALID_ARGUMENT"),), "The AI service could not read"),
    Fault(
        "a wrong key",
        (Status(400, "INVALID_ARGUMENT", "API key not valid.", reason="API_KEY_INVALID"),),
        "The API key was not accepted.",
    ),
    Fault("no login", (Status(401, "UNAUTHENTICATED"),), "The API key was not accepted."),
    Fault("a forbidden key", (Status(403, "PERMISSION_DENIED"),), NOT_ALLOWED),
    Fault("an unknown model", (Status(404, "NOT_FOUND"),), "The chosen AI model is not available."),
    Fault(
        "a quota with a time",
        (Status(429, "RESOURCE_EXHAUSTED", "Quota", retry_after=7),),
        "The AI service is busy, or its free limit is used up. Please wait 7 seconds",
    ),
    Fault(
        "a quota without a time",
        (Status(429, "RESOURCE_EXHAUSTED"),),
        "The AI service is busy, or its free limit is used up. Please wait a minute",
    ),
    Fault(
        "a country", (Status(400, "FAILED_PRECONDITION"),), "The AI service does not answer here"
    ),
    Fault("an error of the server", (Status(500, "INTERNAL"),), PROBLEM),
    Fault("a broken gateway", (Html(502),), PROBLEM),
    Fault("an overloaded server", (Status(503, "UNAVAILABLE"),), PROBLEM),
    Fault("a slow gateway", (Status(504, "DEADLINE_EXCEEDED"),), "The AI service took too long."),
    Fault(
        "silence before the first word",
        (Hang(),),
        "No answer came within",
        "",
        {"first_token_timeout": 1},
    ),
    Fault(
        "silence after some words",
        ("Some ", "words", Hang()),
        "The answer stood still",
        "Some words",
        {"gap_timeout": 1},
    ),
    Fault(
        "an endless answer",
        ("Un", *(Pause(0.5), "ending ") * 99),
        "The answer took longer",
        "Un",
        {"turn_timeout": 2.5},
    ),
    Fault("a reset connection", ("Some words", Cut()), BROKE_OFF, "Some words"),
    Fault("a closed connection", ("Some words", Close()), BROKE_OFF, "Some words"),
    Fault("a connection closed at once", (Drop(),), BROKE_OFF),
    Fault("a chunk that is not JSON", ("Some words", Garbage()), PROBLEM, "Some words"),
    Fault(
        "an error in the stream",
        ("Some words", ErrorInStream(503, "UNAVAILABLE")),
        PROBLEM,
        "Some words",
    ),
    Fault("an empty reply", (Nothing(),), EMPTY),
    Fault("a reply without words", (Silent(),), EMPTY),
    Fault("nothing but thoughts", (Think("Hm."),), EMPTY),
    Fault("a blocked prompt", (Blocked(),), DECLINED),
    Fault("a stop for safety", ("Some words", Finish("SAFETY")), DECLINED, "Some words"),
    Fault("a recitation", ("Some words", Finish("RECITATION")), DECLINED, "Some words"),
    Fault(
        "the length limit", ("Some words", Finish("MAX_TOKENS")), "The answer reached", "Some words"
    ),
    Fault(
        "the length limit in the thoughts",
        (Think("Hm."), Finish("MAX_TOKENS")),
        "The AI reached its length limit before its first word",
    ),
    Fault("a malformed call", (Finish("MALFORMED_FUNCTION_CALL"),), "The AI tried to use a tool"),
    Fault("a reason nobody knows", (Finish("NEW_REASON"),), "The AI ended its answer in an unex"),
    Fault("a tool again and again", (Call("go_round", {}),), "The agent took as many steps as"),
    Fault("a tool that raises", (Call("break_down", {}),), 'The tool "break_down" failed'),
]


def break_down() -> str:
    """Raise."""
    raise RuntimeError("/home/somebody/secret.py failed with key AIzaSecret")


def go_round() -> str:
    """Answer, so that the model asks again."""
    return "and again"


TOOLS = [break_down, go_round]

# One call more than a model is told of the same failure of a tool.
LIMITS: dict[str, Any] = {"max_llm_calls": 4, "request_retries": 0}

"""What a host may set: read once from the environment, checked, each with a default."""

from collections.abc import Iterator, Mapping
from difflib import get_close_matches

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError
from pydantic_core import ErrorDetails

PER_ADDRESS = ("address_per_minute", "address_per_day", "address_running")
"""What a page that only its own machine can reach starts without."""

LOOPBACK = ("", "localhost", "127.0.0.1", "::1")


class Settings(BaseModel):
    """Every time is in seconds. The environment variable is the field's name in capitals.

    A limit of 0 is none. The defaults suit a small public Space.
    """

    model_config = ConfigDict(frozen=True, allow_inf_nan=False)

    first_token_timeout: float = Field(default=30, gt=0)
    """How long a visitor waits for the first sign of an answer."""

    gap_timeout: float = Field(default=30, gt=0)
    """How long a running answer may stand still. A tool at work is not standing still."""

    turn_timeout: float = Field(default=120, gt=0)
    """How long one answer may take in all, tools included."""

    leave_grace: float = Field(default=10, ge=0)
    """How long an answer runs on when nobody is looking at it any more."""

    session_idle: float = Field(default=7 * 86_400, gt=0)
    """How long a conversation is kept after its last message."""

    max_conversations: int = Field(default=1000, ge=0)
    """How many conversations are kept; the oldest make room for new ones."""

    session_db: SecretStr | None = None
    """Where conversations are kept, as a URI that ADK knows (adk/cli/service_registry.py); without
    one, in a file beside the agent. It may hold a password."""

    artifacts: str | None = None
    """Where the files that an agent makes are kept, as a URI that ADK knows; without one, in
    memory."""

    max_llm_calls: int = Field(default=15, ge=0)
    """How often the agent may call the model in one turn."""

    max_output_tokens: int = Field(default=4096, ge=0)
    """How many tokens, thoughts included, one call of the model may give at the most."""

    max_message_length: int = Field(default=4000, ge=0)
    """How many characters a message may have."""

    max_chat_turns: int = Field(default=50, ge=0)
    """How many turns one conversation may have."""

    visitor_per_minute: int = Field(default=10, ge=0)
    """How many messages one visitor may send in a minute."""

    visitor_per_day: int = Field(default=100, ge=0)
    """And in 24 hours."""

    address_per_minute: int = Field(default=30, ge=0)
    """How many messages may come from one address in a minute, whichever visitors send them."""

    address_per_day: int = Field(default=300, ge=0)
    """And in 24 hours."""

    address_running: int = Field(default=5, ge=0)
    """How many answers may run at once for one address."""

    daily_turns: int = Field(default=500, ge=0)
    """How many turns may be answered on the host's key in 24 hours; beyond, the offline model
    answers."""

    daily_tokens: int = Field(default=2_000_000, ge=0)
    """How many tokens they may use in all, counted when each turn is over."""

    demo_paused: bool = False
    """Whether the offline model answers in any case, and nothing is spent."""

    limits_store: SecretStr | None = None
    """The Redis in which messages are counted, where several replicas have to share the counts;
    without one, in memory. It may hold a password."""

    request_retries: int = Field(default=2, ge=0, le=10)
    """How often a busy or failing Gemini is asked again before its first word."""

    history_events: int = Field(default=100, gt=0)
    """How many stored ADK events the model is shown; cut between turns, never inside one."""

    tool_threads: int = Field(default=8, gt=0, le=256)
    """How many ordinary (not async) tools may run at once, for all visitors together."""

    api_token: SecretStr | None = None
    """What programs must show at the OpenAI-compatible door; without one, it is closed."""

    page_threads: int = Field(default=200, gt=0, le=10_000)
    """How many answers may stream at once, for all visitors together."""


def read_settings(environment: Mapping[str, str]) -> Settings:
    """Settings from environment variables; a blank value counts as not set.

    Raises:
        ValueError: a line for each wrong variable, with its name, its value and what it should be.
    """
    given = {name: environment.get(name.upper(), "").strip() for name in Settings.model_fields}
    chosen = {name: value for name, value in given.items() if value}
    try:
        return Settings.model_validate(_fitting(environment) | chosen)
    except ValidationError as error:
        raise ValueError("\n".join(map(_complaint, error.errors()))) from None


def misspelled(environment: Mapping[str, str]) -> Iterator[str]:
    """A sentence for each variable that is called almost like a setting."""
    known = [name.upper() for name in Settings.model_fields]
    for name in environment.keys() - set(known):
        for meant in get_close_matches(name, known, n=1, cutoff=0.9):
            yield f"{name} is no setting, and changes nothing. Did you mean {meant}?"


def _fitting(environment: Mapping[str, str]) -> dict[str, int]:
    """Defaults that depend on who can reach the page: on a laptop, only its owner can."""
    is_local = environment.get("GRADIO_SERVER_NAME", "") in LOOPBACK
    return dict.fromkeys(PER_ADDRESS, 0) if is_local and "SPACE_ID" not in environment else {}


def _complaint(detail: ErrorDetails) -> str:
    name, wish = str(detail["loc"][0]), detail["msg"]
    is_secret = "SecretStr" in str(Settings.model_fields[name].annotation)
    given = "" if is_secret else f"={detail['input']!r}"
    return f"{name.upper()}{given} cannot be used: {wish[0].lower()}{wish[1:]}."

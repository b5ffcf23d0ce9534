"""What a host may set: read once from the environment, checked, each with a default."""

from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError
from pydantic_core import ErrorDetails


class Settings(BaseModel):
    """Every time is in seconds. The environment variable is the field's name in capitals."""

    model_config = ConfigDict(frozen=True, allow_inf_nan=False)

    first_token_timeout: float = Field(default=30, gt=0)
    """How long a visitor waits for the first sign of an answer."""

    gap_timeout: float = Field(default=30, gt=0)
    """How long a running answer may stand still. A tool at work is not standing still."""

    turn_timeout: float = Field(default=120, gt=0)
    """How long one answer may take in all, tools included."""

    leave_grace: float = Field(default=10, ge=0)
    """How long an answer runs on when nobody is looking at it any more."""

    session_idle: float = Field(default=3600, gt=0)
    """How long an idle conversation is remembered."""

    max_llm_calls: int = Field(default=15, gt=0)
    """How often the agent may call the model in one turn."""

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
    try:
        return Settings.model_validate({name: value for name, value in given.items() if value})
    except ValidationError as error:
        raise ValueError("\n".join(map(_complaint, error.errors()))) from None


def _complaint(detail: ErrorDetails) -> str:
    name, wish = str(detail["loc"][0]), detail["msg"]
    is_secret = "SecretStr" in str(Settings.model_fields[name].annotation)
    given = "" if is_secret else f"={detail['input']!r}"
    return f"{name.upper()}{given} cannot be used: {wish[0].lower()}{wish[1:]}."

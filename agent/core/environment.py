"""The host's settings as they stand in the environment, read once."""

from collections.abc import Mapping

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from agent.core.settings import Settings

# The limits that a page which only its own machine can reach starts without.
PER_ADDRESS = (
    *("address_per_minute", "address_per_day", "address_running"),
    *("address_connections", "address_uploads_per_day"),
)

# The values of `GRADIO_SERVER_NAME` for which that is so.
LOOPBACK = ("", "localhost", "127.0.0.1", "::1")


def read_settings(environment: Mapping[str, str]) -> Settings:
    """Settings from environment variables; a blank value counts as not set.

    Raises:
        ValueError: a line for each wrong variable, with its name, its value and what it should be.
    """
    values = {name: environment.get(name.upper(), "").strip() for name in Settings.model_fields}
    chosen = {name: value for name, value in values.items() if value}
    # On a laptop, only its owner can reach the page.
    is_local = environment.get("GRADIO_SERVER_NAME", "") in LOOPBACK
    is_private = is_local and "SPACE_ID" not in environment
    defaults = dict.fromkeys(PER_ADDRESS, 0) if is_private else {}
    try:
        return Settings.model_validate({**defaults, **chosen})
    except ValidationError as error:
        raise ValueError("\n".join(map(_complaint, error.errors()))) from None


def _complaint(detail: ErrorDetails) -> str:
    name, message = str(detail["loc"][0]), detail["msg"].removeprefix("Value error, ")
    is_secret = "SecretStr" in str(Settings.model_fields[name].annotation)
    value = "" if is_secret else f"={detail['input']!r}"
    return f"{name.upper()}{value} cannot be used: {message[0].lower()}{message[1:]}."

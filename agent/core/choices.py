"""What visitors and programs choose themselves of how they are answered, within what the host
allows; and what is stored and told of it.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, Literal, TypeAlias

from google.adk.events import Event
from pydantic import BaseModel, ConfigDict, Field, StrictBool, ValidationError

from agent.core.notices import PlainError
from agent.core.question import Options
from agent.core.settings import Settings
from agent.core.text import split_words

# How much a model may think, in the words that Gemini 3 and OpenAI have for it.
Thinking: TypeAlias = Literal["minimal", "low", "medium", "high"]

# The largest temperature that Gemini and OpenAI take.
MAX_TEMPERATURE = 2.0

# Under which name an event's `custom_metadata` holds what was chosen for its turn.
CHOSEN = "adk_chat_page_chosen"


class Choices(BaseModel):
    """How a question is to be answered; what is left out is as the agent has it."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    model: str | None = Field(
        None, max_length=200, description="One of the host's `MODELS`, in place of the agent's."
    )
    temperature: float | None = Field(
        None, ge=0, le=MAX_TEMPERATURE, description="How random the answer is."
    )
    max_output_tokens: int | None = Field(
        None,
        ge=1,
        le=10_000_000,
        description="Tokens of each of the model's replies, its thoughts among them; never more "
        "than the host and the agent allow.",
    )
    thinking: Thinking | None = Field(None, description="How much a Gemini thinks first.")
    streaming: StrictBool | None = Field(
        None, description="Whether the model gives its answer in pieces, or whole."
    )


class Variant(Choices):
    """Another way in which an agent may answer, named by its owner, who may also tell it something
    else; visitors cannot."""

    instruction: str | None = Field(
        None, max_length=100_000, description="What the agent is told in place of its own."
    )


def of_page(sent: object) -> Choices:
    """What a page has sent; what cannot be read of it is not chosen."""
    given = sent if isinstance(sent, Mapping) else {}
    chosen = Choices.model_validate({})
    for name in Choices.model_fields:
        with suppress(ValidationError):
            valid = Choices.model_validate({name: given.get(name)})
            chosen = chosen.model_copy(update={name: getattr(valid, name)})
    return chosen


def allowed(chosen: Choices, settings: Settings) -> Options:
    """What the host lets be chosen of that: the rest is as the agent has it."""
    fits = {
        name: value
        for name, value in chosen.model_dump(exclude_none=True).items()
        if name in settings.choices and (name != "model" or value in split_words(settings.models))
    }
    most = settings.max_output_tokens
    if most and "max_output_tokens" in fits:
        fits["max_output_tokens"] = min(fits["max_output_tokens"], most)
    return Options(**fits)


def demanded(chosen: Choices, settings: Settings) -> Options:
    """What a program has chosen, as options for its question.

    Raises:
        PlainError: for something that the host does not let be chosen.
    """
    options = allowed(chosen, settings)
    for name in chosen.model_dump(exclude_none=True):
        if getattr(options, name) is None:
            if name == "model" and name in settings.choices:
                names = ", ".join(split_words(settings.models))
                raise PlainError("no_such_choice", names=names)
            raise PlainError("not_to_be_chosen", name=name)
    return options


# What was chosen for a turn, by the names of `Options`, and with `own_key` where it was answered on
# a key of its visitor's. Never a key.
Chosen: TypeAlias = Mapping[str, Any]

# The options that are recorded with a turn. Whether it was streamed is not: one saw it.
RECORDED = ("model", "temperature", "max_output_tokens", "thinking")


def chosen_of(options: Options, has_own_key: bool) -> Chosen:
    """What is recorded with a turn of the options of its question."""
    given = {name: getattr(options, name) for name in RECORDED}
    own = {"own_key": True} if has_own_key else {}
    return {name: value for name, value in given.items() if value is not None} | own


def options_of(chosen: Chosen) -> Options:
    """The options of a question that is asked once more, by what was recorded with its turn."""
    return Options(**{name: value for name, value in chosen.items() if name in RECORDED})


def of_events(events: Sequence[Event]) -> Chosen:
    """What was chosen for a stored turn, from all its events."""
    for event in reversed(events):
        match (event.custom_metadata or {}).get(CHOSEN):
            case dict(stored):
                try:
                    known = Choices.model_validate(
                        {name: stored[name] for name in RECORDED if name in stored}
                    )
                except ValidationError:
                    return {}
                own = {"own_key": True} if stored.get("own_key") is True else {}
                return known.model_dump(exclude_none=True) | own
    return {}

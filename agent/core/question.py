"""What is asked: one value for page, APIs, terminal and library."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from google.genai import types

from agent.core.client_tools import ClientTool
from agent.core.files import File
from agent.core.pauses import Reply
from agent.core.text import clean
from agent.core.visitor import Visitor


@dataclass(frozen=True)
class Screen:
    """Which turns a page shows: `hidden` earlier ones, and then one for each message on it."""

    # The ids of the turns; None for a message that has no stored turn.
    turn_ids: tuple[str | None, ...] = ()
    hidden: int = 0
    # The ids of turns that the page showed before, until the visitor asked anew in their place.
    gone: tuple[str, ...] = ()


@dataclass(frozen=True)
class Options:
    """How a question is to be answered."""

    # Whether the model gives its answer in pieces, or whole; None is as the host has set it.
    streaming: bool | None = None
    # Another model than the agent's, of the same provider; None is the agent's own.
    model: str | None = None
    # How much it is to think: a value of `Thinking` (agent/core/choices.py).
    thinking: str | None = None
    # What the agent is told in place of its own instruction; the owner's words alone.
    instruction: str | None = None
    # For the model, as google-genai calls them; None is as the agent has it.
    max_output_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    seed: int | None = None
    # Words at which the answer ends.
    stop: tuple[str, ...] = ()
    # What the answer is to be as JSON; {} is any JSON.
    json_schema: dict[str, Any] | None = None
    # Tools that the person's application has, and what it shows at the moment.
    client_tools: tuple[ClientTool, ...] = ()
    client_context: str = ""


@dataclass(frozen=True)
class Question:
    """A message, and what the agent may remember when it reads it.

    Args:
        text: The message. What HTTP and JSON cannot carry is taken out.
        above: How many messages the visitor still sees above this one, of those on the `screen`;
            the session is cut to them first. None: all that is stored.
        screen: What the page shows.
        earlier: What was said elsewhere, for a new conversation that goes on from there.
        visitor: Who asks.
        options: How it is to be answered.
        is_checked: Whether its length has been checked, together with what was said before.
        files: What is sent with the message: each with its content, or where that is kept.
        replies: Instead of a message: what a person answers to an agent that waits, by the ids of
            its pauses. The turn that waits goes on.
        results: Instead of a message: what long-running tools have given in the end, by the ids of
            their calls. Only the host's own programs may say so; a person's application of its own
            tools, with replies too.
    """

    text: str = ""
    above: int | None = None
    screen: Screen = field(default_factory=Screen)
    earlier: Sequence[types.Content] = ()
    visitor: Visitor = field(default_factory=Visitor)
    options: Options = field(default_factory=Options)
    is_checked: bool = False
    files: Sequence[File] = ()
    replies: Mapping[str, Reply] = field(default_factory=dict)
    results: Mapping[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def resumes(self) -> bool:
        """Whether it is no message of its own: a turn that waits goes on."""
        return bool(self.replies or self.results)

    def __post_init__(self) -> None:
        object.__setattr__(self, "text", clean(self.text or ""))

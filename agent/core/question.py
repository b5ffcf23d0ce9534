"""What is asked: one value for page, APIs, terminal and library."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from google.genai import types

from agent.core.text import clean
from agent.core.visitor import Visitor


@dataclass(frozen=True)
class Screen:
    """Which turns a page shows: `hidden` earlier ones, and then one for each message on it."""

    # By their ids; None for a message of which nothing is stored.
    turn_ids: tuple[str | None, ...] = ()
    hidden: int = 0
    # The ids of turns that it showed before, and in whose place its visitor has asked anew.
    gone: tuple[str, ...] = ()


@dataclass(frozen=True)
class Options:
    """How a question is to be answered."""

    # Whether the answer comes in pieces, or whole.
    streaming: bool = True


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
    """

    text: str = ""
    above: int | None = None
    screen: Screen = field(default_factory=Screen)
    earlier: Sequence[types.Content] = ()
    visitor: Visitor = field(default_factory=Visitor)
    options: Options = field(default_factory=Options)

    def __post_init__(self) -> None:
        object.__setattr__(self, "text", clean(self.text or ""))

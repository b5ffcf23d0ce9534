"""The ids of what AG-UI's clients are told. Each holds its session and turn, so that a client that
sends one again says with it what it goes on with.

A client makes up the thread's id itself, and may call it "main"; by that nobody's chat is found.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from ag_ui.core import AssistantMessage, Message, ToolMessage

from agent.core.visitor import SESSION_ID

PATTERN = re.compile(rf"(?P<session>{SESSION_ID})\.(?P<turn>[^.\s]{{1,100}})\.(?P<own>.{{1,300}})")


class Id(NamedTuple):
    """What an id is made of."""

    session_id: str
    turn_id: str
    # The message, call or pause of the turn.
    own: str

    def __str__(self) -> str:
        """As it is sent."""
        return ".".join(self)


def parse_id(text: str) -> Id | None:
    """What an id is made of; None where it was not made here."""
    found = PATTERN.fullmatch(text)
    return Id(found["session"], found["turn"], found["own"]) if found else None


def ids_of(message: Message) -> Iterator[Id]:
    """Those that were made here, of all that a message has."""
    ids = [message.id]
    if isinstance(message, ToolMessage):
        ids.append(message.tool_call_id)
    if isinstance(message, AssistantMessage):
        ids += [call.id for call in message.tool_calls or []]
    yield from filter(None, map(parse_id, ids))

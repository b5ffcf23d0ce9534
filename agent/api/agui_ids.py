"""The ids that AG-UI's clients are given. Each holds its session and turn: a client that sends one
again says so which session it goes on with.

A client makes up the id of its thread, such as "main". So a thread's id finds no chat.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from ag_ui.core import AssistantMessage, Message, ToolMessage

from agent.core.visitor import SESSION_ID

PATTERN = re.compile(rf"(?P<session>{SESSION_ID})\.(?P<turn>[^.\s]{{1,100}})\.(?P<own>.{{1,300}})")


class Id(NamedTuple):
    """The parts of an id."""

    session_id: str
    turn_id: str
    # Names the message, call or pause within the turn.
    own: str

    def __str__(self) -> str:
        """The id as it is sent."""
        return ".".join(self)


def parse_id(text: str) -> Id | None:
    """The parts of an id; None for one that was not made here."""
    found = PATTERN.fullmatch(text)
    return Id(found["session"], found["turn"], found["own"]) if found else None


def ids_of(message: Message) -> Iterator[Id]:
    """The ids of a message that were made here: its own, and those of its calls."""
    ids = [message.id]
    if isinstance(message, ToolMessage):
        ids.append(message.tool_call_id)
    if isinstance(message, AssistantMessage):
        ids += [call.id for call in message.tool_calls or []]
    yield from filter(None, map(parse_id, ids))

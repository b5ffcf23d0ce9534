"""Tickets: each lets a page's own socket hold a talk in the conversation on that page.

The page knows its visitor by what Gradio keeps of it, which a socket beside it does not have. So a
step of the page makes a ticket, the browser shows it at the socket, and it is worth nothing more.
"""

import secrets
import time
from dataclasses import dataclass

from agent.core.visitor import SessionKey

# Seconds for which a ticket is good: a slow phone fetches the talk's scripts meanwhile.
TICKET_LIFE = 60.0

# Tickets at once, of all visitors together; the oldest goes for one more. Chosen, not measured.
MAX_TICKETS = 10_000


@dataclass(frozen=True)
class Ticket:
    """What the holder may do: talk in this conversation."""

    # The name of the agent.
    agent: str
    key: SessionKey
    # The user id of the person who has signed in and asked for it; "" of anybody else.
    person_id: str


class Tickets:
    """The tickets that are given out and not used yet: each visitor has one at the most."""

    def __init__(self) -> None:
        # By the visitor's user id: the ticket's secret, until when it is good, and the ticket.
        self._open: dict[str, tuple[str, float, Ticket]] = {}

    def give(self, ticket: Ticket) -> str:
        """A secret: who brings it takes the ticket, once."""
        secret, user_id = secrets.token_urlsafe(32), ticket.key.user_id
        self._open.pop(user_id, None)
        if len(self._open) >= MAX_TICKETS:
            del self._open[next(iter(self._open))]
        self._open[user_id] = secret, time.monotonic() + TICKET_LIFE, ticket
        return secret

    def take(self, secret: str, person_id: str) -> Ticket | None:
        """The ticket of this secret, if it is good for who comes with it; afterwards it is not."""
        for user_id, (own, until, ticket) in self._open.items():
            if secrets.compare_digest(own.encode(), secret.encode(errors="replace")):
                del self._open[user_id]
                is_good = time.monotonic() < until and ticket.person_id == person_id
                return ticket if is_good else None
        return None

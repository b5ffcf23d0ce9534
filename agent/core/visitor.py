"""Who asks, and in which session: the values by which everything is found and counted."""

import re
import uuid
from dataclasses import dataclass, field
from typing import NamedTuple

from pydantic import SecretStr

# What a session's id looks like that was made here: a random UUID.
SESSION_ID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"


class SessionKey(NamedTuple):
    """What names an ADK session. Both ids are random and made here: who knows them holds it."""

    app_name: str
    user_id: str
    session_id: str


@dataclass(frozen=True)
class Visitor:
    """Who asks: made at the border, by the page or by an API."""

    # The ADK user; "" for the conversation's own.
    user_id: str = ""
    # The network address that limits count by (agent/limits/client_address.py); None where nobody
    # counts by that.
    address: str | None = None
    # A key of the visitor's own, on which the question is to be answered; it is kept with nothing
    # else, and only as long as the answer runs.
    key: SecretStr | None = field(default=None, repr=False, compare=False)


def visitor_id(id: str | uuid.UUID) -> str:
    """The ADK user id of a visitor.

    Nobody else's begins with this prefix: `adk web` calls its own user "user" (adk/cli/browser),
    and what is done to visitors' sessions must not be done to those.
    """
    return f"visitor-{id}"


def is_session_id(session_id: str) -> bool:
    """Whether this looks like an id that was made here."""
    return bool(re.fullmatch(SESSION_ID, session_id))


def is_visitor_id(user_id: str) -> bool:
    """Whether this is a user id that `visitor_id` has made."""
    return bool(re.fullmatch(r"visitor-[0-9a-f-]{36}", user_id))

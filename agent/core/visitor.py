"""Who asks, and in which session: the values by which everything is found and counted."""

import hashlib
import re
import uuid
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from urllib.parse import quote

from pydantic import SecretStr

# Characters of a user id: ADK's databases have no room for more (`String(128)`).
MAX_USER_ID = 128

# How the user id of a person begins who has signed in.
PERSON = "signed-in-"

# What a session's id looks like that was made here: a random UUID.
SESSION_ID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"


class SessionKey(NamedTuple):
    """What names an ADK session. Both ids are random and made here, and who knows them holds it;
    but the user's is a person's where one has signed in, and holds for nobody else."""

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


class Person(NamedTuple):
    """Who has signed in."""

    # The ADK user.
    user_id: str
    # As the page tells it.
    name: str


def person_of(request: Any) -> Person | None:
    """Who has signed in, as agent/api/sign_in.py has found; None if nobody has.

    Args:
        request: Starlette's, or Gradio's around it.
    """
    found = getattr(getattr(request, "state", None), "person", None)
    return found if isinstance(found, Person) else None


def person_id(name: str) -> str:
    """The ADK user id of a person who has signed in under this name, which is any text.

    An agent's tool reads the name from it by `urllib.parse.unquote`. It is fit for a file's name:
    capital letters are written as `%41` too, since some disks take "Ann" and "ann" for the same. A
    name that is too long is there as its hash.
    """
    parts = re.split("([A-Z])", name)  # Every other one is a capital letter.
    written = "".join(
        f"%{ord(part):X}" if number % 2 else quote(part, safe="@+", errors="replace")
        for number, part in enumerate(parts)
    )
    if len(PERSON + written) > MAX_USER_ID:
        # No other name is written so: "=" is quoted.
        written = f"sha256={hashlib.sha256(name.encode(errors='replace')).hexdigest()}"
    return PERSON + written


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
    """Whether this is a user id of this app's: an anonymous visitor's, or a person's."""
    return is_anonymous_id(user_id) or is_person_id(user_id)


def is_anonymous_id(user_id: str) -> bool:
    """Whether this is a user id that `visitor_id` has made. Nothing else is believed of what a
    browser or a program says that it is."""
    return bool(re.fullmatch(r"visitor-[0-9a-f-]{36}", user_id))


def is_person_id(user_id: str) -> bool:
    """Whether this is a user id that `person_id` has made."""
    return bool(re.fullmatch(rf"{PERSON}[\w.~@+%=-]+", user_id, re.ASCII))

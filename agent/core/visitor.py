"""Who asks: a visitor of the page, or a program's session, as an ADK user."""

import re
import uuid


def visitor_id(id: str | uuid.UUID) -> str:
    """The ADK user id of a visitor.

    Nobody else's begins with this prefix: `adk web` calls its own user "user" (adk/cli/browser),
    and what is done to visitors' sessions must not be done to those.
    """
    return f"visitor-{id}"


def is_visitor_id(user_id: str) -> bool:
    """Whether this is a user id that `visitor_id` has made."""
    return bool(re.fullmatch(r"visitor-[0-9a-f-]{36}", user_id))

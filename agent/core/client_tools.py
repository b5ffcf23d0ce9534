"""Tools of the application in which a person sees the chat, such as one that fills in its form.

The application runs them itself. So such a call gets a ticket at once, and the run ends; the result
comes with the application's next request.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

# What the model reads as the result as long as there is no other.
TICKET = {"status": "The person's application has been asked to do this. It has not answered yet."}


@dataclass(frozen=True)
class ClientTool:
    """What the model is told of one."""

    name: str
    description: str = ""
    # JSON Schema of an object.
    parameters: Mapping[str, Any] = field(default_factory=dict)


def is_ticket(result: Any) -> bool:
    """Whether the result of a call only says that the application has yet to answer."""
    return bool(result == TICKET)

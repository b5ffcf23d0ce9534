"""What agents say to each other on the way to an answer, where the host does not mean it for
visitors: pages and programs are told it as they are told thoughts."""

from google.adk.events import Event

# Under which name the `custom_metadata` of such an event says so.
INNER = "adk_chat_page_inner"


def is_inner(event: Event) -> bool:
    """Whether the words of this event are for other agents."""
    return bool((event.custom_metadata or {}).get(INNER))

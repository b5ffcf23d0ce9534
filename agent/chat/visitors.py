"""Who comes: a visitor is the same for every agent on show, and so are the limits."""

from itertools import islice
from uuid import uuid4

from agent.core.settings import Settings
from agent.core.visitor import visitor_id
from agent.limits.rate_limits import Limits

# How many visitors' ids are remembered here that have not said anything yet.
MAX_NEW = 10_000


class Visitors:
    """The ids that are given out, and what their holders may do.

    Raises:
        ValueError: for settings that cannot be used, with a sentence for the host.
    """

    def __init__(self, settings: Settings) -> None:
        self.limits = Limits(settings)
        self._new: dict[str, None] = {}

    def new(self) -> str:
        """A new visitor's id, which is remembered for a while, though nothing is stored of one
        who has not said anything."""
        user_id = visitor_id(uuid4())
        self._new[user_id] = None
        for oldest in list(islice(self._new, max(0, len(self._new) - MAX_NEW))):
            del self._new[oldest]
        return user_id

    def is_new(self, user_id: str) -> bool:
        """Whether this is an id that was given here, and nothing need be stored of yet."""
        return user_id in self._new

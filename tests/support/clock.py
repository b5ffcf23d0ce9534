"""The time by which limits are counted: it stands still, and moves on when a test says so."""

import time

MINUTE, DAY = 60, 86_400


class Clock:
    """What time it is, for the counts in memory."""

    def __init__(self) -> None:
        self.now = time.time()

    def read(self) -> float:
        """The time."""
        return self.now

    def move(self, seconds: float) -> None:
        """Let so many seconds pass."""
        self.now += seconds

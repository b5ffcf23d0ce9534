"""Chunks that say when they were sent, and the answer that is made of them.

A chunk is one word of four signs and a space: the time in tenths of a millisecond, in base 36,
which begins anew after 168 seconds.
"""

import time
from dataclasses import dataclass, field

SIGNS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
WIDTH = 5
ROUND = 36**4


def stamp() -> str:
    """A chunk that is sent now."""
    tenths = round(time.time() * 10_000)
    return "".join(SIGNS[tenths // 36**place % 36] for place in (3, 2, 1, 0)) + " "


def lag(word: str, seen: float) -> float:
    """Seconds from when the word was sent until it was seen."""
    tenths = round(seen * 10_000) - int(word, 36)
    return ((tenths + ROUND // 2) % ROUND - ROUND // 2) / 10_000


@dataclass
class Answer:
    """What somebody saw of an answer. Times are in seconds."""

    asked: float = field(default_factory=time.time)
    # From the question to the first word.
    first: float = 0.0

    # Of each word, from the model to here.
    lags: list[float] = field(default_factory=list)

    # Bytes that came.
    wire: int = 0

    def see(self, text: str) -> None:
        """This is the answer so far."""
        self.see_more(text[len(self.lags) * WIDTH :])

    def see_more(self, text: str) -> None:
        """These whole words have come."""
        if words := text.split():
            now = time.time()
            self.first = self.first or now - self.asked
            self.lags += [lag(word, now) for word in words]

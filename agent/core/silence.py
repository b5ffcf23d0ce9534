"""What a reader is told while nothing comes."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Silence:
    """Nothing has come for a moment, and more is expected."""

    # Seconds since the question was asked.
    elapsed: float
    # Seconds since something came last, or since the question.
    lasts: float
    # Seconds since 1970.
    now: float

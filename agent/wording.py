"""Numbers as people say them."""

from math import ceil

UNITS = ((86_400, "day"), (3600, "hour"), (60, "minute"))


def time_told(seconds: float) -> str:
    """A time, in the unit that people would use; never less than it is."""
    for size, unit in UNITS:
        if seconds >= 2 * size:
            return counted(ceil(seconds / size), unit)
    return counted(ceil(seconds), "second")


def counted(number: int, what: str) -> str:
    """So many of something: "1 turn", "2,000 turns"."""
    return f"{number:,} {what}" + "s" * (number != 1)

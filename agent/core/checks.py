"""What a self-check has found of one thing: whether it is well, and what mends it if it is not."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

Verdict: TypeAlias = Literal["ok", "wrong", "not checked"]


@dataclass(frozen=True)
class Check:
    """One line of the list."""

    # What was checked, in a word or two.
    name: str
    verdict: Verdict
    # What was found; why, if nothing was checked.
    text: str
    # What the host can do about it: "" where all is well.
    cure: str = ""


def wrong(name: str, text: str, cure: str) -> Check:
    """Something that the host should mend."""
    return Check(name, "wrong", text, cure)


def well(name: str, text: str) -> Check:
    """Something that works."""
    return Check(name, "ok", text)


def unchecked(name: str, why: str, cure: str = "") -> Check:
    """Something of which nothing is known, and why."""
    return Check(name, "not checked", why, cure)

"""One question to two settings, side by side: what each of them is, which of the two answers a
visitor finds better (a preference, with a copy of both), and what many preferences say together.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from pydantic import TypeAdapter, ValidationError

from agent.core.choices import Choices, Variant
from agent.core.question import Options
from agent.core.text import to_json

# What a visitor may find: the first or the second one better, both good, or neither.
Better: TypeAlias = Literal["first", "second", "both", "neither"]

# Below this a result is told as one that is hardly chance: one in twenty, as is the custom.
UNLIKELY = 0.05


@dataclass(frozen=True)
class Side:
    """One of two settings."""

    # Which agent answers, by its name.
    agent: str
    # One of the owner's `VARIANTS`; "" for the agent as it is.
    variant: str = ""
    # What the visitor has chosen of `Choices`.
    chosen: Mapping[str, Any] = field(default_factory=dict)

    def options(self, variants: Mapping[str, Variant]) -> Options:
        """How the question is asked; what the visitor has chosen comes before the variant."""
        given = variants[self.variant].model_dump(exclude_none=True) if self.variant else {}
        return Options(**{**given, **self.chosen})


Sides: TypeAlias = tuple[Side, Side]


def chosen_of(options: Options) -> dict[str, Any]:
    """What of these options a visitor has chosen."""
    given = {name: getattr(options, name) for name in Choices.model_fields}
    return {name: value for name, value in given.items() if value is not None}


@dataclass(frozen=True)
class SideAnswer:
    """A copy of one of the two answers, and what it took."""

    answer: str
    # The names of the tools that were called.
    tools: tuple[str, ...] = ()
    # As the models call themselves.
    models: tuple[str, ...] = ()
    # Seconds to the first words, and in all.
    first_words: float | None = None
    seconds: float = 0.0
    tokens_read: int = 0
    tokens_written: int = 0
    # Changes when the agent's instruction, model or tools do, or the variant.
    agent_version: str = ""


@dataclass(frozen=True)
class Preference:
    """Which of two answers a visitor finds better. Its fields are stored by these names."""

    id: str
    user_id: str
    # When it was given, in seconds since 1970.
    at: float
    question: str
    sides: Sides
    answers: tuple[SideAnswer, SideAnswer]
    better: Better
    # Whether the visitor did not know which answer was whose.
    is_blind: bool
    reason: str = ""
    app_version: str = ""


_STORED = TypeAdapter(Preference)


def to_stored(preference: Preference) -> dict[str, Any]:
    """A preference as JSON."""
    return dict(_STORED.dump_python(preference, mode="json"))


def from_stored(stored: object) -> Preference | None:
    """A preference from JSON; None if another version has written it in another form."""
    try:
        return _STORED.validate_python(stored)
    except ValidationError:
        return None


@dataclass
class Tally:
    """What was found of one pair of settings, in whichever order they were asked."""

    sides: Sides
    # Of the agents, whose answers may be others since.
    versions: tuple[str, str]
    first: int = 0
    second: int = 0
    both: int = 0
    neither: int = 0
    blind: int = 0
    visitors: set[str] = field(default_factory=set)

    @property
    def total(self) -> int:
        """How many preferences there are."""
        return self.first + self.second + self.both + self.neither

    def count(self, preference: Preference) -> None:
        """Add a preference for one of these settings."""
        better: str = preference.better
        if preference.sides[0] != self.sides[0]:
            better = {"first": "second", "second": "first"}.get(better, better)
        setattr(self, better, getattr(self, better) + 1)
        self.blind += preference.is_blind
        self.visitors.add(preference.user_id)


def tallies(preferences: Iterable[Preference]) -> list[Tally]:
    """What was found of each pair of settings of the same versions; that with most comes first."""
    found: dict[frozenset[str], Tally] = {}
    for preference in preferences:
        versions = preference.answers[0].agent_version, preference.answers[1].agent_version
        parts = zip(map(_SIDE.dump_python, preference.sides), versions, strict=True)
        pair = frozenset(map(to_json, parts))
        found.setdefault(pair, Tally(preference.sides, versions)).count(preference)
    return sorted(found.values(), key=lambda tally: -tally.total)


_SIDE = TypeAdapter(Side)


def chance(first: int, second: int) -> float:
    """How often two settings that are equally good come out at least as far apart as this, one way
    or the other: the exact sign test, without those who found no difference."""
    all_, most = first + second, max(first, second)
    tail = sum(math.comb(all_, number) for number in range(most, all_ + 1))
    return min(1.0, 2 * tail / (1 << all_))

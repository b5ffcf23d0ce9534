"""What a run has measured, as a table."""

import os
from collections import defaultdict
from collections.abc import Iterator
from statistics import median

from tests.bench.goals import BESIDE, ROWS, Goal, Row
from tests.bench.measures import Figures
from tests.bench.plan import ALL

# What was measured in each round, by case and target.
Results = defaultdict[tuple[str, str], list[Figures]]

# Less than this of raw ADK's says nothing of others.
NOTHING = 0.5

OTHERS = [name for name in ALL if name != "adk"]


def table(results: Results) -> Iterator[str]:
    """Its lines: raw ADK's medians, and the others' as multiples of them, or as they are where ADK
    has none. What was not measured is told below."""
    yield line("", "raw ADK", *OTHERS, "page itself", "goal")
    verdicts = {row: verdict(row, results) for row in ROWS}
    for row, told in verdicts.items():
        if middle(row, "page", results) is None:
            continue
        own = [ratio(row, name, results) for name in OTHERS]
        plain = [amount(row, middle(row, name, results)) for name in ("adk", "page")]
        yield line(row.title, plain[0], *own, plain[1], f"{wish(row.goal):9} {told}")
    yield ""
    yield from summary(verdicts)


def summary(verdicts: dict[Row, str]) -> Iterator[str]:
    """Which goals are not reached."""
    for wanted in ("MISSED", "not measured"):
        titles = [row.title for row, told in verdicts.items() if told == wanted]
        yield f"{wanted}: {'; '.join(titles) or 'none'}"
    yield f"Medians; all sessions in memory; {os.cpu_count()} CPUs, load average {load()}"


def load() -> str:
    """How busy the machine has been in the last minute, and in the last five."""
    return " and ".join(f"{load:.1f}" for load in os.getloadavg()[:2])


def verdict(row: Row, results: Results) -> str:
    """Whether the goal is reached."""
    if row.goal is None:
        return ""
    other = BESIDE.get(type(row.goal))
    own, by = middle(row, "page", results), middle(row, other, results) if other else 1
    if own is None or by is None:
        return "not measured"
    return "ok" if own <= row.goal.most * by else "MISSED"


def middle(row: Row, target: str, results: Results) -> float | None:
    """The median of all rounds, where there were any."""
    values = [
        measured[row.figure]
        for measured in results.get((row.case, target), ())
        if row.figure in measured
    ]
    return median(values) if values else None


def ratio(row: Row, target: str, results: Results) -> str:
    """A target's figure beside raw ADK's, where that is more than next to nothing."""
    own, adk = (middle(row, name, results) for name in (target, "adk"))
    if own is None or adk is None or adk < NOTHING:
        return amount(row, own)
    return f"x{own / adk:.2f}"


def amount(row: Row, value: float | None) -> str:
    """With its unit."""
    if value is None:
        return "-"
    digits = 1 if abs(value) < 100 else 0
    return f"{value:,.{digits}f} {row.unit}".rstrip()


def wish(goal: Goal | None) -> str:
    """A goal."""
    return "" if goal is None else f"<= {'x' * (type(goal) in BESIDE)}{goal.most:g}"


def line(title: str, *cells: str) -> str:
    """A line of the table."""
    *figures, last = cells
    return f"{title:46}" + "".join(f"{figure:>12}" for figure in figures) + f"   {last}".rstrip()

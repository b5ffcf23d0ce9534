"""What is done to whom, and how often."""

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from functools import partial

from bench import measures
from bench.measures import Figures, Place

ALL = ("adk", "genai", "api_server", "plain", "page")
SERVERS = ("adk", "api_server", "plain", "page")
PAGES = ("plain", "page")
US = ("adk", "page")
"""Whom most of the goals compare."""


@dataclass(frozen=True)
class Size:
    """How thorough a run is."""

    rounds: int
    """How often all is done; what takes long, once."""

    company: bool
    """Whether those who have no goals take part in more than the first round."""

    burst: int = 2_000
    paced: int = 200
    further: int = 100
    seen: int = 50
    """Chunks."""

    crowds: tuple[tuple[int, int, int], ...] = ((10, 100, 20), (30, 100, 20), (100, 40, 100))
    """Visitors, chunks for each, and milliseconds between two chunks."""

    marks: tuple[int, ...] = (50,)
    """Turns of a long chat at which it is measured."""

    visits: int = 0


TINY = Size(1, False, 20, 10, 10, 10, ((10, 3, 20),), (10,), 6)
SHORT = Size(2, False)
FULL = Size(
    5,
    True,
    further=300,
    seen=200,
    crowds=((10, 100, 20), (30, 100, 20), (50, 40, 100), (100, 40, 100)),
    marks=(50, 200, 1_000),
    visits=300,
)


@dataclass(frozen=True)
class Case:
    """Something that is done to some targets."""

    name: str
    targets: tuple[str, ...]
    measure: Callable[[Place], Awaitable[Figures]]
    is_long: bool = False


def cases(size: Size) -> Iterator[Case]:
    """All that is done in a run."""
    yield Case("burst", ALL, partial(measures.turn, words=size.burst, apart=0))
    yield Case("paced", ALL, partial(measures.turn, words=size.paced, apart=20))
    yield Case("further", ALL, partial(measures.further, words=size.further, apart=10))
    for busy in (False, True):
        look = partial(measures.sight, words=size.seen, apart=20, busy=busy)
        yield Case("Chromium, busy" if busy else "Chromium", PAGES, look)
    yield Case("stop", ("page",), measures.stop)
    yield Case("closed tab", ("page",), measures.closed_tab)
    yield Case("start", PAGES, measures.start)
    for visitors, words, apart in size.crowds:
        ask = partial(measures.crowd, visitors=visitors, words=words, apart=apart)
        yield Case(f"{visitors} visitors", SERVERS if size.company else US, ask)
    talk = partial(measures.long_chat, marks=size.marks)
    yield Case("long chat", ("page",), talk, is_long=True)
    if size.company:
        few = partial(measures.long_chat, marks=size.marks[:2])
        yield Case("long chat", ("adk", "plain"), few, is_long=True)
    if size.visits:
        visit = partial(measures.memory, visits=size.visits)
        yield Case("memory", PAGES if size.company else ("page",), visit, is_long=True)


def schedule(size: Size) -> Iterator[tuple[Case, str]]:
    """The cases with their targets, by turns: whatever else the machine does meets them all."""
    for number in range(size.rounds):
        for case in cases(size):
            if number and case.is_long:
                continue
            for target in case.targets:
                if target in US or size.company or not number:
                    yield case, target

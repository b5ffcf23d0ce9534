"""What is done to whom, and how often."""

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from functools import partial

from tests.bench import measures
from tests.bench.measures import Figures, Place

ALL = ("adk", "genai", "api_server", "plain", "page")


@dataclass(frozen=True)
class Size:
    """How thorough a run is."""

    # Rounds of what takes a few seconds.
    quick: int

    # Rounds of the rest, but for what takes minutes.
    usual: int

    # Whether others than raw ADK and the page take part in all of it; or else in the first round of
    # what is quick.
    company: bool

    burst: int = 2_000
    paced: int = 200
    further: int = 100
    # Chunks.
    seen: int = 50

    # Visitors, chunks for each, and milliseconds between two chunks.
    crowds: tuple[tuple[int, int, int], ...] = ((10, 100, 20), (30, 100, 20), (100, 40, 100))

    # Turns of a long chat at which it is measured.
    marks: tuple[int, ...] = (50,)

    # Turns of a chat on a slow phone.
    phone: int = 0

    visits: int = 0
    # Seconds after which a conversation is forgotten.
    idle: int = 5


SIZES = {
    "tiny": Size(1, 1, False, 20, 10, 10, 10, ((10, 3, 20),), (10,), 1, 6, 1),
    "short": Size(2, 1, False),
    "full": Size(
        quick=5,
        usual=2,
        company=True,
        further=300,
        seen=200,
        crowds=((10, 100, 20), (30, 100, 20), (50, 40, 100), (100, 40, 100)),
        marks=(50, 200, 1_000),
        phone=40,
        visits=300,
    ),
}


@dataclass(frozen=True)
class Case:
    """Something that is done to some targets."""

    name: str
    rounds: int
    targets: tuple[str, ...]
    measure: Callable[[Place], Awaitable[Figures]]


def cases(size: Size) -> Iterator[Case]:
    """All that is done in a run."""
    quick, usual = size.quick, size.usual
    us = ALL if size.company else ("adk", "page")
    servers = tuple(name for name in us if name != "genai")
    pages = tuple(name for name in us if name in ("plain", "page"))
    yield Case("burst", quick, ALL, partial(measures.turn, words=size.burst, apart=0))
    yield Case("further", quick, ALL, partial(measures.further, words=size.further, apart=10))
    yield Case("idle", usual, us, measures.idle)
    yield Case("first", quick, ALL, measures.first)
    yield Case("paced", usual, us, partial(measures.turn, words=size.paced, apart=20))
    look = partial(measures.sight, words=size.seen, apart=20)
    yield Case("Chromium", quick, ("plain", "page"), look)
    yield Case("Chromium, busy", usual, pages, partial(look, busy=True))
    yield Case("first load", quick, ("plain", "page"), measures.load)
    if size.phone:
        far = partial(measures.phone, turns=size.phone, words=size.seen, apart=20)
        yield Case("slow phone", 1, pages, far)
    yield Case("stop", quick, ("page",), measures.stop)
    yield Case("closed tab", usual, ("page",), measures.closed_tab)
    yield Case("start", usual, pages, measures.start)
    for visitors, words, apart in size.crowds:
        ask = partial(measures.crowd, visitors=visitors, words=words, apart=apart)
        yield Case(f"{visitors} visitors", usual, servers, ask)
    yield Case("long chat", 1, ("page",), partial(measures.long_chat, marks=size.marks))
    if size.company:
        few = partial(measures.long_chat, marks=size.marks[:2])
        yield Case("long chat", 1, ("adk", "plain"), few)
    signed = partial(measures.signed_chat, turns=size.marks[0])
    yield Case("signed chat", 1, ("page",), signed)
    if size.visits:
        visit = partial(measures.memory, visits=size.visits, idle=size.idle)
        yield Case("memory", 1, pages, visit)


def schedule(size: Size) -> Iterator[tuple[Case, str]]:
    """The cases with their targets, by turns: whatever else the machine does meets them all."""
    for number in range(size.quick):
        for case in cases(size):
            for target in case.targets if number < case.rounds else ():
                if size.company or not number or target in ("adk", "page"):
                    yield case, target

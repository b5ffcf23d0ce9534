"""What has been asked and answered in this process, hour by hour: counts and times alone, with
nothing of what was said and no visitor's id. Its size is bounded, and a restart empties it."""

from bisect import bisect_left
from collections import Counter, OrderedDict
from dataclasses import dataclass, field
from time import time

# Hours that are kept: a week.
MAX_HOURS = 7 * 24

# Visitors of one hour that are told apart: with eight bytes of a hash and a place in a set each, a
# week of such hours takes about 10 MB.
MAX_VISITORS = 1_000

# Seconds, as ADK's own measures of agents have them (adk/telemetry/_metrics.py).
BOUNDS = (0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 25.6, 51.2, 102.4, 204.8)

# The outcome of a turn that came to its end, on the agent's own model and on the offline one.
ANSWERED, OFFLINE = "answered", "answered_offline"

# How turns end that have not failed: these, and those that their visitors have stopped.
WELL = {ANSWERED, OFFLINE, "stopped"}


@dataclass
class Times:
    """How many seconds something took, each time: how often up to each of the bounds."""

    counts: list[int] = field(default_factory=lambda: [0] * (len(BOUNDS) + 1))
    sum: float = 0.0

    def add(self, seconds: float) -> None:
        """Count one."""
        self.counts[bisect_left(BOUNDS, seconds)] += 1
        self.sum += seconds

    def quantile(self, share: float) -> float | None:
        """The bound within which so many of all were, from 0 to 1; None of none, and infinite where
        it is above the last."""
        total, so_far = sum(self.counts), 0
        for bound, count in zip((*BOUNDS, float("inf")), self.counts, strict=True):
            so_far += count
            if total and so_far >= share * total:
                return bound
        return None


@dataclass
class Tally:
    """What was counted in some time."""

    # How turns ended: `ANSWERED`, `OFFLINE`, or the code of a notice (agent/core/notices.py).
    outcomes: Counter[str] = field(default_factory=Counter)
    # Hashes of their ids, by which nobody is found.
    visitors: set[int] = field(default_factory=set)
    # Of models that may cost something.
    tokens_in: int = 0
    tokens_out: int = 0
    # Until the first word, and until the end.
    first_word: Times = field(default_factory=Times)
    whole: Times = field(default_factory=Times)

    @property
    def turns(self) -> int:
        """How many there were."""
        return self.outcomes.total()

    @property
    def failures(self) -> dict[str, int]:
        """How often what has failed, the most frequent first."""
        return {code: n for code, n in self.outcomes.most_common() if code not in WELL}

    def add(self, other: "Tally") -> None:
        """Count what the other has counted."""
        self.outcomes += other.outcomes
        self.visitors |= other.visitors
        self.tokens_in += other.tokens_in
        self.tokens_out += other.tokens_out
        for mine, its in ((self.first_word, other.first_word), (self.whole, other.whole)):
            mine.counts = [a + b for a, b in zip(mine.counts, its.counts, strict=True)]
            mine.sum += its.sum


class UsageLog:
    """Counts each turn when it is over."""

    def __init__(self) -> None:
        # In seconds since 1970.
        self.since = time()
        # Of all time, but for the visitors.
        self.total = Tally()
        # By the hour, in hours since 1970.
        self._hours: OrderedDict[int, Tally] = OrderedDict()

    def record(
        self,
        user_id: str,
        outcome: str,
        tokens: tuple[int, int] = (0, 0),
        first_word: float | None = None,
        seconds: float | None = None,
    ) -> None:
        """Count a turn that is over.

        Args:
            user_id: Whose it was.
            outcome: How it ended.
            tokens: How many the models have read, and written.
            first_word: Seconds until that; None without one.
            seconds: Those until its end; None of one that was refused.
        """
        tally = Tally(Counter([outcome]), set(), *tokens)
        if first_word is not None:
            tally.first_word.add(first_word)
        if seconds is not None:
            tally.whole.add(seconds)
        self.total.add(tally)
        hour = self._hours.setdefault(_hour(), Tally())
        if len(hour.visitors) < MAX_VISITORS:
            tally.visitors.add(hash(user_id))
        hour.add(tally)
        while len(self._hours) > MAX_HOURS:
            self._hours.popitem(last=False)

    def latest(self, hours: int) -> list[Tally]:
        """What was counted in each of the last so many hours, the running one last."""
        now = _hour()
        return [self._hours.get(hour, Tally()) for hour in range(now - hours + 1, now + 1)]

    def together(self, hours: int) -> Tally:
        """What was counted in the last so many hours, added up."""
        whole = Tally()
        for tally in self.latest(hours):
            whole.add(tally)
        return whole


def _hour() -> int:
    return int(time() // 3600)

"""What is counted for the host: by the hour, within bounds."""

import pytest

from agent.core import usage_log
from agent.core.usage_log import ANSWERED, MAX_HOURS, MAX_VISITORS, OFFLINE, UsageLog

HOUR = 3600.0


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> UsageLog:
    """An empty one; the time is what a test says."""
    monkeypatch.setattr(usage_log, "time", lambda: Now.at)
    Now.at = 1_000 * HOUR
    return UsageLog()


class Now:
    """The time, in seconds."""

    at = 0.0


def test_each_hour_is_counted_by_itself_and_all_together(log: UsageLog) -> None:
    log.record("ann", ANSWERED, (10, 4), 0.3, 2.0)
    log.record("bob", OFFLINE)
    Now.at += HOUR
    log.record("ann", "model_failed", (5, 0), None, 0.1)
    assert [tally.turns for tally in log.latest(3)] == [0, 2, 1]
    whole = log.together(24)
    assert (whole.turns, len(whole.visitors), whole.failures) == (3, 2, {"model_failed": 1})
    assert (whole.tokens_in, whole.tokens_out) == (15, 4)
    assert (whole.first_word.quantile(0.5), whole.whole.quantile(1.0)) == (0.4, 3.2)
    assert log.together(1).first_word.quantile(0.5) is None


def test_what_is_older_than_a_week_is_dropped_but_for_the_sum_of_all(log: UsageLog) -> None:
    for _ in range(MAX_HOURS + 50):
        log.record("ann", ANSWERED)
        Now.at += HOUR
    assert len(log._hours) == MAX_HOURS
    assert log.together(2 * MAX_HOURS).turns == MAX_HOURS
    assert log.total.turns == MAX_HOURS + 50


def test_of_many_visitors_only_so_many_are_told_apart(log: UsageLog) -> None:
    for number in range(MAX_VISITORS + 50):
        log.record(f"visitor {number}", ANSWERED)
    assert len(log.together(1).visitors) == MAX_VISITORS
    assert log.total.visitors == set()
    assert log.together(1).turns == MAX_VISITORS + 50


def test_what_takes_longer_than_the_last_bound_is_longer_than_any(log: UsageLog) -> None:
    log.record("ann", ANSWERED, seconds=1_000)
    assert log.total.whole.quantile(0.5) == float("inf")

"""`/metrics` for Prometheus, by its own client library: the counts of this process
(agent/core/usage_log.py). No label holds a visitor, or a word of one."""

from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any

from fastapi import APIRouter, Depends, Response

from agent.api.host_token import Guard
from agent.chat.agents import Agents
from agent.core.usage_log import BOUNDS, Times


def has_prometheus() -> bool:
    """Whether the library is installed, without which there is no such route."""
    return find_spec("prometheus_client") is not None


def router(agents: Agents, may_enter: Guard) -> APIRouter:
    """`/metrics`, behind the check `may_enter`. It needs the library `prometheus_client`."""
    from prometheus_client import CollectorRegistry, exposition

    registry = CollectorRegistry()
    registry.register(TurnsCollector(agents))
    routes = APIRouter(include_in_schema=False, dependencies=[Depends(may_enter)])

    @routes.get("/metrics")
    async def metrics() -> Response:
        """What Prometheus reads."""
        return Response(
            exposition.generate_latest(registry),
            headers={"Cache-Control": "no-store"},
            media_type=exposition.CONTENT_TYPE_LATEST,
        )

    return routes


class TurnsCollector:
    """Gives Prometheus the counts of the app's own usage log."""

    def __init__(self, agents: Agents) -> None:
        self._agents = agents

    def collect(self) -> Iterator[Any]:
        """The metrics, as they are now."""
        from prometheus_client.core import (
            CounterMetricFamily,
            GaugeMetricFamily,
            HistogramMetricFamily,
        )

        limits = self._agents.limits
        total = limits.usage.total
        turns = CounterMetricFamily("adk_chat_turns", "Turns, by how they ended", labels=["end"])
        for end, times in sorted(total.outcomes.items()):
            turns.add_metric([end], times)
        yield turns
        tokens = CounterMetricFamily("adk_chat_tokens", "Tokens of models", labels=["direction"])
        tokens.add_metric(["read"], total.tokens_in)
        tokens.add_metric(["written"], total.tokens_out)
        yield tokens
        first, whole = total.first_word, total.whole
        yield HistogramMetricFamily(
            "adk_chat_first_word_seconds",
            "From a question to the first word",
            buckets=_buckets(first),
            sum_value=first.sum,
        )
        yield HistogramMetricFamily(
            "adk_chat_answer_seconds",
            "From a question to the end of its answer",
            buckets=_buckets(whole),
            sum_value=whole.sum,
        )
        yield GaugeMetricFamily("adk_chat_running", "Answers that run", limits.running)


def _buckets(times: Times) -> list[tuple[str, float]]:
    """Cumulative buckets, as Prometheus counts: each holds the smaller ones, too."""
    so_far, buckets = 0, []
    for bound, count in zip((*map(str, BOUNDS), "+Inf"), times.counts, strict=True):
        so_far += count
        buckets.append((bound, float(so_far)))
    return buckets

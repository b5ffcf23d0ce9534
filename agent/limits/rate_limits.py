"""How much of the agent one visitor, one address, and all of them together may have.

Messages are counted per minute and per day, each count from its first message on; in memory the
counts begin anew when the app starts. Answers that run are counted by each process for itself.
"""

from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from limits import RateLimitItem, RateLimitItemPerDay, RateLimitItemPerMinute

from agent.core.errors import PlainError
from agent.core.settings import Settings
from agent.core.text import duration, plural
from agent.limits.counters import Counters

ALL = "all"
"""Whose the day's budget is."""


class LimitExceeded(PlainError):
    """A message is not answered, because somebody has had enough; the text says until when."""

    def __init__(self, sentence: str, wait: int | None = None) -> None:
        super().__init__(sentence)
        self.wait = wait
        """Seconds until the message may be sent again; None where waiting does not help."""


PAUSED = (
    "The owner of this page has paused the AI. In its place the built-in offline model answers, "
    "which is not an AI."
)


class Limits:
    """What holds for all doors of one app together.

    Args:
        settings: The host's.
        costs: Whether the agent's own model costs anybody anything.

    Raises:
        ValueError: for a `limits_store` that cannot be used, with a sentence for the host.
    """

    def __init__(self, settings: Settings, costs: bool = True) -> None:
        self._most = settings
        self._costs = costs
        self._is_closed = False
        self._counts = Counters(settings.limits_store)
        self._running: Counter[str] = Counter()

    @asynccontextmanager
    async def admit(
        self, user_id: str, address: str | None, message: str, turns: int
    ) -> AsyncIterator[None]:
        """Let one turn run inside: its conversation has had `turns` before.

        Raises:
            LimitExceeded: when a limit is reached.
        """
        if self._is_closed:
            raise LimitExceeded("The app is being shut down. Send this again in a minute.", wait=60)
        self._measure(message, turns)
        with self._one_more(address):
            await self._count(user_id, address)
            yield

    def close(self) -> None:
        """Admit nobody any more."""
        self._is_closed = True

    def _measure(self, message: str, turns: int) -> None:
        longest, most = self._most.max_message_length, self._most.max_chat_turns
        if longest and len(message) > longest:
            raise LimitExceeded(
                f"This message has {len(message):,} characters, and at most {longest:,} can be "
                "sent here. Please send a shorter one, or the text in parts."
            )
        if most and turns >= most:
            had = "its one message" if most == 1 else f"its {most:,} messages"
            raise LimitExceeded(f"This chat has had {had}. Please begin a new one.")

    @contextmanager
    def _one_more(self, address: str | None) -> Iterator[None]:
        """Count an answer that runs for this address, as long as it does."""
        most = self._most.address_running
        if address and most and self._running[address] >= most:
            raise LimitExceeded(
                f"Your network address has {plural(most, 'answer')} running, and can have no "
                "more at once. Please send this message again as soon as one has ended.",
                wait=1,
            )
        self._running.update([address or ""])
        try:
            yield
        finally:
            self._running -= Counter([address or ""])  # And drops those that come to zero.

    async def _count(self, user_id: str, address: str | None) -> None:
        for whose, limit in self._rates(user_id, address):
            if not await self._counts.hit(limit, whose):
                wait = await self._counts.wait(limit, whose)
                raise LimitExceeded(
                    f"That was a lot of messages: {limit.amount:,} a {limit.GRANULARITY.name} can "
                    f"be sent here. Please send this one again in {duration(wait)}.",
                    wait,
                )

    def _rates(self, user_id: str, address: str | None) -> Iterator[tuple[str, RateLimitItem]]:
        """Minutes first: what is refused by them takes nothing from the day."""
        most, who, where = self._most, f"visitor {user_id}", f"address {address}"
        yield who, RateLimitItemPerMinute(most.visitor_per_minute)
        if address:
            yield where, RateLimitItemPerMinute(most.address_per_minute)
        yield who, RateLimitItemPerDay(most.visitor_per_day)
        if address:
            yield where, RateLimitItemPerDay(most.address_per_day)

    async def why_offline(self) -> str | None:
        """Why the host's key is not to be used for a turn, in a sentence that a page displays; or
        None, and the turn is counted."""
        if not self._costs:
            return None
        if self._most.demo_paused:
            return PAUSED
        turns, tokens = self._budget()
        if await self._counts.is_reached(tokens, ALL):
            return await self._used_up(tokens)
        return None if await self._counts.hit(turns, ALL) else await self._used_up(turns)

    async def spend(self, tokens: int) -> None:
        """Count what a turn has cost."""
        if tokens:
            await self._counts.hit(self._budget()[1], ALL, cost=tokens)

    def _budget(self) -> tuple[RateLimitItem, RateLimitItem]:
        return (
            RateLimitItemPerDay(self._most.daily_turns, namespace="turns"),
            RateLimitItemPerDay(self._most.daily_tokens, namespace="tokens"),
        )

    async def _used_up(self, limit: RateLimitItem) -> str:
        wait = duration(await self._counts.wait(limit, ALL))
        return (
            "Today's budget for the AI is used up. In its place the built-in offline model "
            f"answers, which is not an AI. The AI is back in {wait}."
        )

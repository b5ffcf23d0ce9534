"""How many messages and answers one visitor, one address, and all of them together may have.

Messages are counted per minute and per day, each count from its first message on; in memory the
counts begin anew when the app starts. Running answers are counted by each process for itself.
"""

from collections import Counter, OrderedDict
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from limits import RateLimitItem, RateLimitItemPerDay, RateLimitItemPerMinute

from agent.core.notices import Argument, Notice, PlainError
from agent.core.settings import Settings
from agent.limits.counters import Counters

# How many visitors' addresses are remembered: of more conversations than are usually kept.
MAX_ADDRESSES = 10_000

# The key under which the day's budget is counted, for all visitors together.
EVERYBODY = "all"


class LimitExceeded(PlainError):
    """A message is not answered, because a limit is reached; the text says until when."""

    def __init__(self, code: str, wait: int | None = None, **args: Argument) -> None:
        super().__init__(code, **args)
        # Seconds until the message may be sent again; None where waiting does not help.
        self.wait = wait


def chat_is_full(most: int) -> LimitExceeded:
    """The error of one turn more than a chat may have."""
    return LimitExceeded("chat_had_one" if most == 1 else "chat_full", turns=most)


class Limits:
    """The limits of one app, for page and APIs together.

    Args:
        settings: The host's.
        costs: Whether the agent's own model costs anybody anything.

    Raises:
        ValueError: for a `limits_store` that cannot be used, with a sentence for the host.
    """

    def __init__(self, settings: Settings, costs: bool = True) -> None:
        self._settings = settings
        self._costs = costs
        self._is_closed = False
        self._counts = Counters(settings.limits_store)
        self._running: Counter[str] = Counter()
        self._addresses: OrderedDict[str, str] = OrderedDict()

    @asynccontextmanager
    async def admit(
        self,
        user_id: str,
        address: str | None,
        message: str,
        turns: int,
        is_stopping: bool = False,
        resumes: bool = False,
    ) -> AsyncIterator[None]:
        """Let one turn run inside.

        Args:
            user_id: Who asks.
            address: From which network address; None where nobody counts by it.
            message: What is asked.
            turns: How many turns the conversation has had.
            is_stopping: Whether the turn only stores the question, as the app is being shut down.
            resumes: Whether a turn goes on that has been counted when it began.

        Raises:
            LimitExceeded: when a limit is reached.
        """
        if self._is_closed and not is_stopping:
            raise LimitExceeded("closing", wait=60)
        with self._count_running(address):
            if not resumes:
                await self._count_message(user_id, address)
                self._check_size(message, turns)  # What is refused by this has been counted.
            self._remember(user_id, address)
            yield

    def address_of(self, user_id: str) -> str | None:
        """From where this visitor has asked last, if that is known: it is stored nowhere."""
        return self._addresses.get(user_id)

    def _remember(self, user_id: str, address: str | None) -> None:
        if address:
            self._addresses[user_id] = address
            self._addresses.move_to_end(user_id)
            if len(self._addresses) > MAX_ADDRESSES:
                self._addresses.popitem(last=False)

    def close(self) -> None:
        """Admit nobody any more."""
        self._is_closed = True

    def _check_size(self, message: str, turns: int) -> None:
        """Raise LimitExceeded for a message that is too long, or one turn too many."""
        longest, most = self._settings.max_message_length, self._settings.max_chat_turns
        if longest and len(message) > longest:
            raise LimitExceeded("message_too_long", length=len(message), longest=longest)
        if most and turns >= most:
            raise chat_is_full(most)

    @contextmanager
    def _count_running(self, address: str | None) -> Iterator[None]:
        """Count an answer for this address as long as it runs."""
        most = self._settings.address_running
        if address and most and self._running[address] >= most:
            raise LimitExceeded("address_busy", wait=1, running=most)
        self._running.update([address or ""])
        try:
            yield
        finally:
            self._running -= Counter([address or ""])  # And drops those that come to zero.

    async def _count_message(self, user_id: str, address: str | None) -> None:
        for key, limit in self._message_limits(user_id, address):
            if not await self._counts.hit(limit, key):
                wait = await self._counts.seconds_left(limit, key)
                raise LimitExceeded(
                    f"too_many_messages_in_{limit.GRANULARITY.name}",
                    wait,
                    amount=limit.amount,
                    seconds=wait,
                )

    def _message_limits(
        self, user_id: str, address: str | None
    ) -> Iterator[tuple[str, RateLimitItem]]:
        """Minutes first: what is refused by them takes nothing from the day."""
        settings, visitor, place = self._settings, f"visitor {user_id}", f"address {address}"
        yield visitor, RateLimitItemPerMinute(settings.visitor_per_minute)
        if address:
            yield place, RateLimitItemPerMinute(settings.address_per_minute)
        yield visitor, RateLimitItemPerDay(settings.visitor_per_day)
        if address:
            yield place, RateLimitItemPerDay(settings.address_per_day)

    async def why_offline(self, resumes: bool = False) -> Notice | None:
        """Count one turn on the host's key.

        Args:
            resumes: Whether the turn has been counted when it began.

        Returns:
            A notice for the visitor if the turn may not use that key, and is not counted; None if
            it may, or if the agent's model costs nothing.
        """
        if not self._costs:
            return None
        if self._settings.demo_paused:
            return Notice("paused")
        turns, tokens = self._daily_limits()
        if await self._counts.is_reached(tokens, EVERYBODY):
            return await self._used_up(tokens)
        if resumes or await self._counts.hit(turns, EVERYBODY):
            return None
        return await self._used_up(turns)

    async def spend(self, tokens: int) -> bool:
        """Count tokens on the host's key; whether the day's are spent by that."""
        _, limit = self._daily_limits()
        if tokens:
            await self._counts.hit(limit, EVERYBODY, cost=tokens)
        return await self._counts.is_reached(limit, EVERYBODY)

    def _daily_limits(self) -> tuple[RateLimitItem, RateLimitItem]:
        """Of turns and of tokens."""
        return (
            RateLimitItemPerDay(self._settings.daily_turns, namespace="turns"),
            RateLimitItemPerDay(self._settings.daily_tokens, namespace="tokens"),
        )

    async def _used_up(self, limit: RateLimitItem) -> Notice:
        return Notice("budget_spent", {"wait": await self._counts.seconds_left(limit, EVERYBODY)})

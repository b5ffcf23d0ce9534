"""How many messages and answers one visitor, one address, and all of them together may have.

Messages are counted per minute and per day, each count from its first message on; in memory the
counts begin anew when the app starts. Running answers are counted by each process for itself.
"""

import logging
from collections import Counter, OrderedDict
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from copy import copy
from math import ceil
from typing import Self

from limits import RateLimitItem, RateLimitItemPerDay, RateLimitItemPerMinute

from agent.core.notices import Argument, Notice, PlainError
from agent.core.settings import Settings
from agent.core.usage_log import UsageLog
from agent.limits.counters import Counters

log = logging.getLogger(__name__)

# How many visitors' addresses are remembered: more than there are conversations, usually.
MAX_ADDRESSES = 10_000

# Seconds after which a visitor is told to send a message again that nobody answers at the moment.
CLOSED_WAIT = 60

# How many ratings there may be for each message: one is a press, and another what is written to it.
RATINGS_PER_MESSAGE = 4

# Tries of the host's secret from one network address.
SIGN_INS = RateLimitItemPerMinute(10, namespace="sign-in")

# The key under which the day's budget is counted, for all visitors together.
EVERYBODY = "all"

# The part of the day's budget after which the host is warned.
NEARLY_SPENT = 0.8


class LimitExceeded(PlainError):
    """A message is not answered, because a limit is reached; the notice says until when."""

    def __init__(self, code: str, wait: int | None = None, **args: Argument) -> None:
        super().__init__(code, **args)
        # Seconds until the message may be sent again; None where waiting does not help.
        self.wait = wait


def chat_is_full(most: int) -> LimitExceeded:
    """The error for one turn more than a chat may have."""
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
        # Why nobody is admitted, as the code of a notice; "" while they are.
        self._closed_by = ""
        self._counts = Counters(settings.limits_store)
        self._running: Counter[str] = Counter()
        # Who holds a talk.
        self._talking: set[str] = set()
        self._addresses: OrderedDict[str, str] = OrderedDict()
        # The day's budgets ("turns", "tokens") about which the log has a warning.
        self._warned_of: set[str] = set()
        # The figures that the host sees.
        self.usage = UsageLog()

    @property
    def running(self) -> int:
        """How many answers run."""
        return self._running.total()

    def of_agent(self, costs: bool) -> Self:
        """These limits for one agent; its messages are counted together with all others.

        Args:
            costs: Whether that agent's own model costs anybody anything.
        """
        limits = copy(self)  # The counts stay one.
        limits._costs = costs
        return limits

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
            user_id: The visitor who asks.
            address: The visitor's network address; None where it does not count.
            message: The visitor's message.
            turns: How many turns the conversation has had.
            is_stopping: Whether the turn only stores the question, as the app is being shut down.
            resumes: Whether it goes on with a turn that was counted when it began.

        Raises:
            LimitExceeded: when a limit is reached.
        """
        self.check_open(is_stopping)
        with self._count_running(address):
            if not resumes:
                await self._count_message(user_id, address)
                # After the count: messages that are refused for their size count, too.
                self._check_size(message, turns)
            self._remember(user_id, address)
            yield

    @contextmanager
    def talking(self, user_id: str) -> Iterator[None]:
        """Let a visitor hold a talk inside, and no second one.

        Raises:
            LimitExceeded: where the visitor has one, or all together have too many.
        """
        most = self._settings.max_talks
        if user_id in self._talking:
            raise LimitExceeded("talking", wait=1)
        if most and len(self._talking) >= most:
            raise LimitExceeded("talks_full", wait=CLOSED_WAIT)
        self._talking.add(user_id)
        try:
            yield
        finally:
            self._talking.discard(user_id)

    async def admit_words(self, user_id: str, address: str | None, text: str) -> None:
        """Count words that somebody has typed in a talk.

        Raises:
            LimitExceeded: when a limit is reached.
        """
        self._check_size(text, 0)
        await self._count_message(user_id, address)

    def address_of(self, user_id: str) -> str | None:
        """The network address of this visitor's latest message; None if not known. It is stored
        nowhere."""
        return self._addresses.get(user_id)

    def _remember(self, user_id: str, address: str | None) -> None:
        if address:
            self._addresses[user_id] = address
            self._addresses.move_to_end(user_id)
            if len(self._addresses) > MAX_ADDRESSES:
                self._addresses.popitem(last=False)

    def close(self, code: str = "closing") -> None:
        """Admit nobody any more; `code` is the code of the notice that says why."""
        self._closed_by = code

    def check_open(self, is_stopping: bool = False) -> None:
        """Check that messages are answered at the moment.

        Args:
            is_stopping: Whether the turn only stores its question, and may pass all the same.

        Raises:
            LimitExceeded: where nobody is admitted.
        """
        if self._closed_by and not is_stopping:
            raise LimitExceeded(self._closed_by, wait=CLOSED_WAIT)

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

    async def admit_upload(self, visitor: str, address: str, size: int) -> None:
        """Count a file that a visitor has sent, in megabytes.

        Args:
            visitor: The user id that the request claims; "" for a program.
            address: The sender's network address.
            size: The file's size in bytes.

        Raises:
            LimitExceeded: when a limit is reached.
        """
        settings, megabytes = self._settings, ceil(size / 1_000_000)
        amounts = {
            f"visitor {visitor}": settings.visitor_uploads_per_day if visitor else 0,
            f"address {address}": settings.address_uploads_per_day,
            EVERYBODY: settings.daily_uploads,
        }
        for key, amount in amounts.items():
            limit = RateLimitItemPerDay(amount, namespace="uploads")
            if not await self._counts.hit(limit, key, cost=megabytes):
                wait = await self._counts.seconds_left(limit, key)
                code = "uploads_used_up" if key == EVERYBODY else "too_many_uploads"
                raise LimitExceeded(code, wait, amount=amount, seconds=wait)

    async def admit_rating(self, user_id: str, address: str | None) -> None:
        """Count one rating of an answer, or a change of one.

        Raises:
            LimitExceeded: when a limit is reached.
        """
        for key, limit in self._message_limits(user_id, address):
            ratings = type(limit)(RATINGS_PER_MESSAGE * limit.amount, namespace="ratings")
            await self._hit(ratings, key, "too_much_feedback")

    async def admit_sign_in(self, address: str) -> None:
        """Count one try of the host's secret.

        Raises:
            LimitExceeded: when there were too many from this network address.
        """
        await self._hit(SIGN_INS, f"address {address}", "too_many_sign_ins")

    async def _hit(self, limit: RateLimitItem, key: str, code: str) -> None:
        if not await self._counts.hit(limit, key):
            wait = await self._counts.seconds_left(limit, key)
            raise LimitExceeded(code, wait, seconds=wait)

    async def why_offline(
        self, resumes: bool = False, is_on_own_key: bool = False
    ) -> Notice | None:
        """Count one turn on the host's key.

        Args:
            resumes: Whether the turn has been counted when it began.
            is_on_own_key: Whether it is on the visitor's own key: the host may have paused such
                turns, too, but does not pay for them.

        Returns:
            A notice for the visitor if the turn may not use that key, and is not counted; None if
            it may, or if the agent's model costs nothing.
        """
        if self._settings.demo_paused and (self._costs or is_on_own_key):
            return Notice("paused")
        if is_on_own_key or not self._costs:
            return None
        turns, tokens = self._daily_limits()
        if await self._counts.is_reached(tokens, EVERYBODY):
            return await self._used_up(tokens)
        if resumes or await self._counts.hit(turns, EVERYBODY):
            await self._warn_if_near(turns)
            return None
        return await self._used_up(turns)

    async def spend(self, tokens: int) -> bool:
        """Count tokens on the host's key; whether the day's budget of tokens is spent now."""
        _, limit = self._daily_limits()
        if tokens:
            await self._counts.hit(limit, EVERYBODY, cost=tokens)
            await self._warn_if_near(limit)
        return await self._counts.is_reached(limit, EVERYBODY)

    async def _warn_if_near(self, limit: RateLimitItem) -> None:
        """Warn the host in the log, once, that most of the day's budget is spent."""
        left, name = ceil(limit.amount * (1 - NEARLY_SPENT)), limit.namespace
        if not await self._counts.is_reached(limit, EVERYBODY, left + 1):
            self._warned_of.discard(name)
        elif name not in self._warned_of:
            self._warned_of.add(name)
            log.warning(
                "%d %% of DAILY_%s=%d are used up. When all are, the offline model answers.",
                NEARLY_SPENT * 100,
                name.upper(),
                limit.amount,
            )

    def _daily_limits(self) -> tuple[RateLimitItem, RateLimitItem]:
        """The day's limit of turns, and that of tokens."""
        return (
            RateLimitItemPerDay(self._settings.daily_turns, namespace="turns"),
            RateLimitItemPerDay(self._settings.daily_tokens, namespace="tokens"),
        )

    async def _used_up(self, limit: RateLimitItem) -> Notice:
        return Notice("budget_spent", {"wait": await self._counts.seconds_left(limit, EVERYBODY)})

"""Who has had how much: counts that end by themselves, in this process or in Redis."""

import logging
from collections.abc import Awaitable, Callable
from math import ceil
from time import monotonic, time
from typing import Any, TypeVar, cast

from limits import RateLimitItem
from limits.aio.storage import MemoryStorage, Storage
from limits.aio.strategies import FixedWindowRateLimiter
from limits.errors import ConfigurationError, StorageError
from limits.storage import storage_from_string
from pydantic import SecretStr

T = TypeVar("T")

log = logging.getLogger(__name__)

PATIENCE = 1.0
"""Seconds that Redis has to answer."""

DETOUR = 30.0
"""Seconds for which a store that has failed is not asked again; this process counts meanwhile."""


class Counters:
    """Counts by the `limits` library. Each begins with its first hit; a limit of 0 is none.

    Raises:
        ValueError: for a store that cannot be used, with a sentence for the host.
    """

    def __init__(self, redis: SecretStr | None = None) -> None:
        storage = _redis(redis.get_secret_value()) if redis else MemoryStorage()
        self._store = FixedWindowRateLimiter(storage)
        self._spare = FixedWindowRateLimiter(MemoryStorage())
        self._back_at = 0.0

    async def hit(self, limit: RateLimitItem, whose: str, cost: int = 1) -> bool:
        """Count; whether the limit still holds."""
        if not limit.amount:
            return True
        return await self._ask(lambda counter: counter.hit(limit, whose, cost=cost))

    async def is_reached(self, limit: RateLimitItem, whose: str) -> bool:
        """Whether one more would be too much."""
        if not limit.amount:
            return False
        return not await self._ask(lambda counter: counter.test(limit, whose))

    async def wait(self, limit: RateLimitItem, whose: str) -> int:
        """Seconds until the count begins anew."""
        stats = await self._ask(lambda counter: counter.get_window_stats(limit, whose))
        return max(1, ceil(stats.reset_time - time()))

    async def _ask(self, question: Callable[[FixedWindowRateLimiter], Awaitable[T]]) -> T:
        if monotonic() >= self._back_at:
            try:
                return await question(self._store)
            except Exception as error:  # Whatever it is: no turn fails for want of a count.
                self._take_detour(error)
        return await question(self._spare)

    def _take_detour(self, error: Exception) -> None:
        cause = error.storage_error if isinstance(error, StorageError) else error
        # Not its text, which may hold the store's address and password.
        log.warning("The limits' store fails (%s): counting in memory.", type(cause).__name__)
        self._back_at = monotonic() + DETOUR


def _redis(uri: str) -> Storage:
    timeouts = {"socket_timeout": PATIENCE, "socket_connect_timeout": PATIENCE}
    options: dict[str, Any] = {"implementation": "redispy", "wrap_exceptions": True, **timeouts}
    try:
        if not uri.startswith("redis"):
            raise ConfigurationError  # `limits` knows other stores, which take other options.
        return cast(Storage, storage_from_string(f"async+{uri}", **options))
    except (ConfigurationError, ValueError):
        # Not the error's text, which may quote the password.
        raise ValueError(
            "LIMITS_STORE cannot be used: it should be an address such as redis://127.0.0.1:6379, "
            'and needs `pip install "limits[redis]"`.'
        ) from None

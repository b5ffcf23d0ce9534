"""Counts that end by themselves after their minute or day, in this process or in Redis."""

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

# Seconds that Redis has to connect, and to answer; a Redis that hangs delays a turn by as much.
# Chosen, not measured: a Redis nearby answers in milliseconds.
REDIS_TIMEOUT = 1.0

# Seconds for which a Redis that has failed is not called again, so that few turns wait for it; this
# process counts meanwhile. Chosen, not measured.
REDIS_RETRY_INTERVAL = 30.0


class Counters:
    """Counts by the `limits` library, each from its first hit on; a limit of 0 is none.

    Args:
        redis: The address of a Redis that keeps them; None for memory.

    Raises:
        ValueError: for a store that cannot be used, with a sentence for the host.
    """

    def __init__(self, redis: SecretStr | None = None) -> None:
        storage = _redis(redis.get_secret_value()) if redis else MemoryStorage()
        self._store = FixedWindowRateLimiter(storage)
        self._fallback = FixedWindowRateLimiter(MemoryStorage())
        self._retry_at = 0.0

    async def hit(self, limit: RateLimitItem, key: str, cost: int = 1) -> bool:
        """Add `cost` to the key's count; whether the limit still holds."""
        if not limit.amount:
            return True
        return await self._call(lambda limiter: limiter.hit(limit, key, cost=cost))

    async def is_reached(self, limit: RateLimitItem, key: str, cost: int = 1) -> bool:
        """Whether `cost` more would be too much."""
        if not limit.amount:
            return False
        return not await self._call(lambda limiter: limiter.test(limit, key, cost=cost))

    async def seconds_left(self, limit: RateLimitItem, key: str) -> int:
        """Seconds until the count begins anew, at least 1."""
        stats = await self._call(lambda limiter: limiter.get_window_stats(limit, key))
        return max(1, ceil(stats.reset_time - time()))

    async def store_answers(self) -> bool:
        """Whether the store answers; memory always does."""
        try:
            return await self._store.storage.check()
        except Exception:  # Not logged: its text may hold the store's address and password.
            return False

    async def _call(self, step: Callable[[FixedWindowRateLimiter], Awaitable[T]]) -> T:
        if monotonic() >= self._retry_at:
            try:
                return await step(self._store)
            except Exception as error:  # Of any kind: no turn fails because a count does.
                cause = error.storage_error if isinstance(error, StorageError) else error
                # Not its text, which may hold the store's address and password.
                log.warning(
                    "The limits' store fails (%s): counting in memory.", type(cause).__name__
                )
                self._retry_at = monotonic() + REDIS_RETRY_INTERVAL
        return await step(self._fallback)


def _redis(uri: str) -> Storage:
    timeouts = {"socket_timeout": REDIS_TIMEOUT, "socket_connect_timeout": REDIS_TIMEOUT}
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

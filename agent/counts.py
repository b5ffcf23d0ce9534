"""Who has had how much: counts that end by themselves, in this process or in Redis."""

import logging
from math import ceil
from time import monotonic, time
from typing import Any, cast

from limits import RateLimitItem
from limits.aio.storage import MemoryStorage, Storage
from limits.aio.strategies import FixedWindowRateLimiter
from limits.errors import ConcurrentUpdateError, ConfigurationError, StorageError
from limits.storage import storage_from_string
from pydantic import SecretStr

log = logging.getLogger(__name__)

PATIENCE = 1.0
"""Seconds that Redis has to answer."""

DETOUR = 30.0
"""Seconds for which a store that has failed is not asked again; this process counts meanwhile."""


class Counts:
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
        try:
            return await self._counter.hit(limit, whose, cost=cost)
        except (StorageError, ConcurrentUpdateError) as error:
            self._take_detour(error)
            return await self._spare.hit(limit, whose, cost=cost)

    async def is_reached(self, limit: RateLimitItem, whose: str) -> bool:
        """Whether one more would be too much."""
        if not limit.amount:
            return False
        try:
            return not await self._counter.test(limit, whose)
        except StorageError as error:
            self._take_detour(error)
            return not await self._spare.test(limit, whose)

    async def wait(self, limit: RateLimitItem, whose: str) -> int:
        """Seconds until the count begins anew."""
        try:
            stats = await self._counter.get_window_stats(limit, whose)
        except StorageError as error:
            self._take_detour(error)
            stats = await self._spare.get_window_stats(limit, whose)
        return max(1, ceil(stats.reset_time - time()))

    @property
    def _counter(self) -> FixedWindowRateLimiter:
        return self._spare if monotonic() < self._back_at else self._store

    def _take_detour(self, error: Exception) -> None:
        # Not the error's text, which may hold the store's address and password.
        log.warning("The limits' store fails (%s): counting in memory.", type(error).__name__)
        self._back_at = monotonic() + DETOUR


def _redis(uri: str) -> Storage:
    timeouts = {"socket_timeout": PATIENCE, "socket_connect_timeout": PATIENCE}
    options: dict[str, Any] = {"implementation": "redispy", "wrap_exceptions": True, **timeouts}
    try:
        return cast(Storage, storage_from_string(f"async+{uri}", **options))
    except (ConfigurationError, ValueError):
        # Not the error's text, which may quote the password.
        raise ValueError(
            "LIMITS_STORE cannot be used: it should be an address such as redis://127.0.0.1:6379, "
            'and needs `pip install "limits[redis]"`.'
        ) from None

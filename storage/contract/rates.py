"""Storage of rate limits that all replicas share."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from storage.model.rates import RateLimit


class Rates(Protocol):
    """Rate limits that survive restarts and are shared by all replicas (GCRA: the generic cell rate
    algorithm, ITU-T I.371)."""

    async def take(self, limit: RateLimit, wanted: int, now: datetime) -> int:
        """Takes up to `wanted` calls from a limit. Returns how many were granted: only those may be
        made."""
        ...

    async def give_back(self, limit: RateLimit, count: int, now: datetime) -> None:
        """Gives back calls that were granted in this transaction, at the same `now`, and will not
        be made."""
        ...

    async def next_free(self, limit: RateLimit, now: datetime) -> datetime:
        """When a call will be granted again: `now` if at once."""
        ...

"""Remembers for a moment which brands exist, because every call asks."""

from __future__ import annotations

from datetime import datetime, timedelta

from server.commands.operations.brands import require_brands
from server.domain.clock import Clock
from storage.contract.storage import Storage

LIFETIME = timedelta(seconds=30)
"""How long an answer of the database counts: long enough to cost nothing, and a restored database
is noticed soon."""
REMEMBERED = 4096
"""Sets of brands, as tokens name them."""


class KnownBrands:
    """Remembers sets of brands that exist. Those that do not are asked for each time, since any
    replica may create them."""

    def __init__(self, storage: Storage, clock: Clock) -> None:
        self._storage = storage
        self._clock = clock
        self._known: dict[frozenset[str], datetime] = {}

    def have(self, brands: frozenset[str]) -> bool:
        """Whether all of them are known to exist, so that `require` need not be awaited."""
        until = self._known.get(brands)
        return until is not None and self._clock.now() < until

    async def require(self, brands: frozenset[str]) -> None:
        """Asks the database. Raises UnknownBrand if one of them does not exist,
        StorageUnavailable."""
        if brands:
            await self._storage.read(lambda tx: require_brands(tx, brands))
        if len(self._known) >= REMEMBERED:
            self._known.clear()
        self._known[brands] = self._clock.now() + LIFETIME

"""Storage of suppressions."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from storage.model.suppressions import Suppression, SuppressionReason


class Suppressions(Protocol):
    """Addresses that must not be contacted, keyed by (brand_id, channel, address) and normalised.
    Those that were lifted are only listed and found by id."""

    async def put_many(self, suppressions: Sequence[Suppression]) -> None:
        """Adds each; where the address is suppressed already, a stronger reason replaces a weaker
        one and its source, and nothing else changes. The same address may be among them more than
        once."""
        ...

    async def find(self, suppression_id: str) -> Suppression | None:
        """The suppression, or None."""
        ...

    async def find_address(self, brand_id: str, channel: str, address: str) -> Suppression | None:
        """The suppression of an address, or None."""
        ...

    async def list_page(
        self,
        brand_id: str,
        channel: str | None,
        reason: SuppressionReason | None,
        after: str | None,
        limit: int,
        *,
        include_lifted: bool = False,
    ) -> list[Suppression]:
        """Suppressions of a brand, by id descending (newest first)."""
        ...

    async def lift(self, suppression_id: str, now: datetime) -> Suppression | None:
        """Lifts it. Returns it as it is then, or None if there is none that was not lifted."""
        ...

"""Storage of preferences."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from storage.model.preferences import Preference


class Preferences(Protocol):
    """What people want, keyed by (brand_id, person_id, channel, category)."""

    async def put_many(self, preferences: Sequence[Preference]) -> None:
        """Adds each; where there is one of the same key, it takes all but its id and `created_at`.
        No key may be among them twice."""
        ...

    async def find(
        self, brand_id: str, person_id: str, channel: str, category: str
    ) -> Preference | None:
        """The preference, or None."""
        ...

    async def list_page(
        self, brand_id: str, person_id: str, after: str | None, limit: int
    ) -> list[Preference]:
        """Those of a person, by id descending (newest first)."""
        ...

"""Storage of consents."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from storage.model.consents import Consent


class Consents(Protocol):
    """What people said they agree to, keyed by (brand_id, person_id, channel, category)."""

    async def put_many(self, consents: Sequence[Consent]) -> None:
        """Adds each; where there is one of the same key, it takes all but its id and `created_at`.
        No key may be among them twice."""
        ...

    async def put_said_elsewhere(self, consents: Sequence[Consent]) -> None:
        """Puts each as `put_many` does, but a yes leaves a no that is not of its own source as it
        is."""
        ...

    async def find(
        self, brand_id: str, person_id: str, channel: str, category: str
    ) -> Consent | None:
        """The consent, or None."""
        ...

    async def list_page(
        self, brand_id: str, person_id: str, after: str | None, limit: int
    ) -> list[Consent]:
        """Those of a person, by id descending (newest first)."""
        ...

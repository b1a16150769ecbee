"""Storage of brands."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Protocol

from storage.model.brands import Brand, BrandPolicy


class Brands(Protocol):
    """Brands and their policies."""

    async def insert(self, brand: Brand) -> bool:
        """Adds a brand, unless there is one with its id. Whether it was added."""
        ...

    async def find(self, brand_id: str) -> Brand | None:
        """The brand, or None."""
        ...

    async def rename(self, brand_id: str, name: str, now: datetime) -> Brand | None:
        """Gives the brand another name. Returns it as it is then, or None if there is none."""
        ...

    async def list_page(self, prefix: str, after: str | None, limit: int) -> list[Brand]:
        """Brands whose id begins with `prefix`, by id ascending."""
        ...

    async def find_existing(self, brand_ids: Iterable[str]) -> set[str]:
        """Those of the ids that are of a brand."""
        ...

    async def find_policy(self, brand_id: str) -> BrandPolicy | None:
        """The policy, or None if it was never set."""
        ...

    async def find_policies(self, brand_ids: Iterable[str]) -> dict[str, BrandPolicy]:
        """Those that were set, by brand."""
        ...

    async def put_policy(self, policy: BrandPolicy) -> None:
        """Inserts or replaces the policy."""
        ...

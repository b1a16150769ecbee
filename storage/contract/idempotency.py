"""Storage of answers for idempotency keys."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from storage.model.idempotency import IdempotencyRecord


class Idempotency(Protocol):
    """Answers kept for idempotency keys."""

    async def find(self, scope: str, key: str) -> IdempotencyRecord | None:
        """The record, or None."""
        ...

    async def insert(self, record: IdempotencyRecord) -> None:
        """Adds a record. A concurrent insert of the same (scope, key) raises WriteConflict in one
        of the two, which then runs again and finds it."""
        ...

    async def prune(self, before: datetime, limit: int) -> int:
        """Deletes up to `limit` records made before an instant. Returns how many."""
        ...

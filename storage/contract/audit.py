"""Storage of the audit log."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from storage.model.audit import AuditEntry


class Audit(Protocol):
    """The log of decisions. Only ever added to."""

    async def append(self, entries: Sequence[AuditEntry]) -> None:
        """Adds entries with new ids."""
        ...

    async def list_page(
        self, brand_id: str, subject_id: str | None, after: str | None, limit: int
    ) -> list[AuditEntry]:
        """Entries of a brand, by id descending (newest first)."""
        ...

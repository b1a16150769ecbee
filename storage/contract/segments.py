"""Storage of segments."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from storage.model.segments import Segment, SegmentStatus


class Segments(Protocol):
    """Named audiences."""

    async def insert(self, segment: Segment) -> None:
        """Adds a segment with a new id."""
        ...

    async def find(self, segment_id: str, *, lock: bool = False) -> Segment | None:
        """The segment, or None. With `lock`, in a write transaction, nobody archives it until this
        one ends; others may find it with `lock` meanwhile."""
        ...

    async def archive(self, segment_id: str, now: datetime) -> bool:
        """Archives the segment if it is active. Whether it was."""
        ...

    async def list_page(
        self, brand_id: str, status: SegmentStatus | None, after: str | None, limit: int
    ) -> list[Segment]:
        """Segments of a brand, by id descending (newest first)."""
        ...

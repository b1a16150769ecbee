"""Storage of segments."""

from __future__ import annotations

from typing import Protocol

from storage.model.segments import Segment


class Segments(Protocol):
    """Named audiences."""

    async def insert(self, segment: Segment) -> None:
        """Adds a segment with a new id."""
        ...

    async def find(self, segment_id: str) -> Segment | None:
        """The segment, or None."""
        ...

    async def list_page(self, brand_id: str, after: str | None, limit: int) -> list[Segment]:
        """Segments of a brand, by id descending (newest first)."""
        ...

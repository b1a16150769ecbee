"""Storage of what mail providers reported."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from storage.model.email_events import EmailEvent


class EmailEvents(Protocol):
    """Events, keyed by (brand_id, id)."""

    async def insert(self, event: EmailEvent) -> bool:
        """Adds it, unless there is one with its id in the brand. Whether it was added."""
        ...

    async def find(self, brand_id: str, event_id: str) -> EmailEvent | None:
        """The event, or None."""
        ...

    async def list_of_message(
        self, brand_id: str, vendor_message_ids: Sequence[str], limit: int
    ) -> list[EmailEvent]:
        """The first events of a message that the provider knows by these ids, as they were
        received."""
        ...

    async def prune(self, before: datetime, limit: int) -> int:
        """Deletes up to `limit` events received before an instant. Returns how many."""
        ...

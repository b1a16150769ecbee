"""Storage of inbox items."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from storage.model.inbox import InboxItem


class Inbox(Protocol):
    """What in_app messages and notifications put before people.

    Items of messages are written by `Messages.settle`. Whatever changes an inbox fires
    `signals.inbox` of its person.
    """

    async def insert(self, item: InboxItem) -> None:
        """Adds an item."""
        ...

    async def find(self, brand_id: str, person_id: str, item_id: str) -> InboxItem | None:
        """The item of that person, archived or not; None if they have no such item."""
        ...

    async def list_page(
        self,
        brand_id: str,
        person_id: str,
        after: str | None,
        limit: int,
        *,
        archived: bool = False,
    ) -> list[InboxItem]:
        """A person's items that are archived, or are not, by id descending (newest first)."""
        ...

    async def count_unread(self, brand_id: str, person_id: str) -> int:
        """How many of a person's items are neither read nor archived."""
        ...

    async def mark_read(
        self, brand_id: str, person_id: str, item_ids: Sequence[str], now: datetime
    ) -> int:
        """Marks those of a person's items that are not read yet; how many they were."""
        ...

    async def archive(
        self, brand_id: str, person_id: str, item_ids: Sequence[str], now: datetime
    ) -> int:
        """Archives those of a person's items that are not archived yet; how many they were."""
        ...

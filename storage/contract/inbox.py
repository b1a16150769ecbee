"""Storage of inbox items."""

from __future__ import annotations

from typing import Protocol

from storage.model.inbox import InboxItem


class Inbox(Protocol):
    """What in_app messages put before people. Items are written by `Messages.settle`."""

    async def list_page(
        self, brand_id: str, person_id: str, after: str | None, limit: int
    ) -> list[InboxItem]:
        """A person's items, by message id descending (newest first)."""
        ...

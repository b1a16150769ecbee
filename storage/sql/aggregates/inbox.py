"""Statements about inbox items."""

from __future__ import annotations

from sqlalchemy import select

from storage.model.inbox import InboxItem
from storage.sql.connection import Connection, read_record
from storage.sql.schema.inbox import inbox_items


class SqlInbox:
    """See `storage.contract.inbox.Inbox`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def list_page(
        self, brand_id: str, person_id: str, after: str | None, limit: int
    ) -> list[InboxItem]:
        statement = select(inbox_items).where(
            inbox_items.c.brand_id == brand_id, inbox_items.c.person_id == person_id
        )
        if after is not None:
            statement = statement.where(inbox_items.c.message_id < after)
        rows = await self._connection.execute(
            statement.order_by(inbox_items.c.message_id.desc()).limit(limit)
        )
        return [read_record(InboxItem, row) for row in rows.all]

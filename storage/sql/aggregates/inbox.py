"""Statements about inbox items."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Column, ColumnElement, and_, func, select, update

from storage.contract.signals import inbox as inbox_topic
from storage.model.inbox import InboxItem
from storage.sql.connection import Connection, read_record
from storage.sql.delivery.attempts import insert_inbox_items
from storage.sql.schema.inbox import UNREAD, inbox_items


class SqlInbox:
    """See `storage.contract.inbox.Inbox`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def insert(self, item: InboxItem) -> None:
        await insert_inbox_items(self._connection, [item])

    async def find(self, brand_id: str, person_id: str, item_id: str) -> InboxItem | None:
        statement = select(inbox_items).where(_of(brand_id, person_id), inbox_items.c.id == item_id)
        row = (await self._connection.execute(statement)).first
        return read_record(InboxItem, row) if row else None

    async def list_page(
        self,
        brand_id: str,
        person_id: str,
        after: str | None,
        limit: int,
        *,
        archived: bool = False,
    ) -> list[InboxItem]:
        at = inbox_items.c.archived_at
        statement = select(inbox_items).where(
            _of(brand_id, person_id), at.is_not(None) if archived else at.is_(None)
        )
        if after is not None:
            statement = statement.where(inbox_items.c.id < after)
        rows = await self._connection.execute(
            statement.order_by(inbox_items.c.id.desc()).limit(limit)
        )
        return [read_record(InboxItem, row) for row in rows.all]

    async def count_unread(self, brand_id: str, person_id: str) -> int:
        statement = (
            select(func.count()).select_from(inbox_items).where(_of(brand_id, person_id), UNREAD)
        )
        (row,) = (await self._connection.execute(statement)).all
        return int(row[0])

    async def mark_read(
        self, brand_id: str, person_id: str, item_ids: Sequence[str], now: datetime
    ) -> int:
        return await self._set_once(inbox_items.c.read_at, brand_id, person_id, item_ids, now)

    async def archive(
        self, brand_id: str, person_id: str, item_ids: Sequence[str], now: datetime
    ) -> int:
        return await self._set_once(inbox_items.c.archived_at, brand_id, person_id, item_ids, now)

    async def _set_once(
        self,
        column: Column[datetime],
        brand_id: str,
        person_id: str,
        item_ids: Sequence[str],
        now: datetime,
    ) -> int:
        statement = (
            update(inbox_items)
            .where(_of(brand_id, person_id), inbox_items.c.id.in_(item_ids), column.is_(None))
            .values({column: now})
        )
        changed = (await self._connection.execute(statement)).count
        if changed:
            self._connection.fire(inbox_topic(brand_id, person_id))
        return changed


def _of(brand_id: str, person_id: str) -> ColumnElement[bool]:
    return and_(inbox_items.c.brand_id == brand_id, inbox_items.c.person_id == person_id)

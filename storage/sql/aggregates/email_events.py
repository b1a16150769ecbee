"""Statements about what mail providers reported."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache

from sqlalchemy import Executable, select

from storage.model.email_events import EmailEvent
from storage.sql.connection import Connection, read_record, record_values
from storage.sql.delivery import pruning
from storage.sql.dialects.dialect import SqlDialect
from storage.sql.schema.email_events import email_events


class SqlEmailEvents:
    """See `storage.contract.email_events.EmailEvents`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def insert(self, event: EmailEvent) -> bool:
        statement = _insert_unless_known(self._connection.dialect)
        return await self._connection.change(statement, record_values(event)) > 0

    async def find(self, brand_id: str, event_id: str) -> EmailEvent | None:
        statement = select(email_events).where(
            email_events.c.brand_id == brand_id, email_events.c.id == event_id
        )
        row = (await self._connection.execute(statement)).first
        return read_record(EmailEvent, row) if row else None

    async def list_of_message(
        self, brand_id: str, vendor_message_ids: Sequence[str], limit: int
    ) -> list[EmailEvent]:
        statement = (
            select(email_events)
            .where(
                email_events.c.brand_id == brand_id,
                email_events.c.vendor_message_id.in_(vendor_message_ids),
            )
            .order_by(email_events.c.received_at, email_events.c.id)
            .limit(limit)
        )
        rows = await self._connection.execute(statement)
        return [read_record(EmailEvent, row) for row in rows.all]

    async def prune(self, before: datetime, limit: int) -> int:
        return await pruning.prune_email_events(self._connection, before, limit)


@lru_cache
def _insert_unless_known(dialect: SqlDialect) -> Executable:
    statement: Executable = dialect.insert(email_events).on_conflict_do_nothing(
        index_elements=["brand_id", "id"]
    )
    return statement

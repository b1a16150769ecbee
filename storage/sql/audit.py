"""Statements about the audit log."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import insert, select

from storage.model.audit import AuditEntry
from storage.sql.connection import Connection, read_record, record_values
from storage.sql.schema.audit import audit_entries


class SqlAudit:
    """See `storage.contract.audit.Audit`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def append(self, entries: Sequence[AuditEntry]) -> None:
        if entries:
            await self._connection.execute(
                insert(audit_entries), [record_values(entry) for entry in entries]
            )

    async def list_page(
        self, brand_id: str, subject_id: str | None, after: str | None, limit: int
    ) -> list[AuditEntry]:
        statement = select(audit_entries)
        if subject_id is None:
            statement = statement.where(audit_entries.c.brand_id == brand_id)
        else:
            # A subject has few entries and a brand has many: an expression keeps the index of
            # brands out of it.
            statement = statement.where(
                audit_entries.c.subject_id == subject_id,
                audit_entries.c.brand_id.concat("") == brand_id,
            )
        if after is not None:
            statement = statement.where(audit_entries.c.id < after)
        rows = await self._connection.execute(
            statement.order_by(audit_entries.c.id.desc()).limit(limit)
        )
        return [read_record(AuditEntry, row) for row in rows.all]

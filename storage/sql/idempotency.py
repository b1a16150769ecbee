"""Answers kept for idempotency keys."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import insert, select

from storage.records import IdempotencyRecord
from storage.sql import pruning
from storage.sql.connection import Connection, read_record, record_values
from storage.sql.tables import idempotency_keys


class SqlIdempotency:
    """See `storage.definitions.Idempotency`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def find(self, scope: str, key: str) -> IdempotencyRecord | None:
        statement = select(idempotency_keys).where(idempotency_keys.c.scope == scope, idempotency_keys.c.key == key)
        row = (await self._connection.execute(statement)).first
        return read_record(IdempotencyRecord, row) if row else None

    async def insert(self, record: IdempotencyRecord) -> None:
        await self._connection.execute(insert(idempotency_keys), record_values(record))

    async def prune(self, before: datetime, limit: int) -> int:
        return await pruning.prune_idempotency_keys(self._connection, before, limit)

"""Statements about answers kept for idempotency keys."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import bindparam, insert, select

from storage.model.idempotency import IdempotencyRecord
from storage.sql.connection import Connection, read_record, record_values
from storage.sql.delivery import pruning
from storage.sql.schema.idempotency import idempotency_keys

# Built once: SQLAlchemy takes longer to build and recognise a statement than SQLite to run it.
_FIND = select(idempotency_keys).where(
    idempotency_keys.c.scope == bindparam("scope"), idempotency_keys.c.key == bindparam("key")
)
_INSERT = insert(idempotency_keys)


class SqlIdempotency:
    """See `storage.contract.idempotency.Idempotency`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def find(self, scope: str, key: str) -> IdempotencyRecord | None:
        row = (await self._connection.execute(_FIND, {"scope": scope, "key": key})).first
        return read_record(IdempotencyRecord, row) if row else None

    async def insert(self, record: IdempotencyRecord) -> None:
        await self._connection.execute(_INSERT, record_values(record))

    async def prune(self, before: datetime, limit: int) -> int:
        return await pruning.prune_idempotency_keys(self._connection, before, limit)

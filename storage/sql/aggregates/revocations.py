"""Statements about revoked tokens."""

from __future__ import annotations

from functools import lru_cache

from sqlalchemy import Executable, bindparam, select

from storage.model.revocations import Revocation
from storage.sql.connection import Connection, record_values
from storage.sql.dialects.dialect import SqlDialect
from storage.sql.schema.revocations import revocations

# Built once: SQLAlchemy takes longer to build and recognise a statement than SQLite to run it.
_FIND = select(revocations.c.token_id).where(revocations.c.token_id == bindparam("token_id"))


class SqlRevocations:
    """See `storage.contract.revocations.Revocations`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def insert(self, revocation: Revocation) -> bool:
        statement = _insert_unless_known(self._connection.dialect)
        return await self._connection.change(statement, record_values(revocation)) > 0

    async def has(self, token_id: str) -> bool:
        found = await self._connection.execute(_FIND, {"token_id": token_id})
        return found.first is not None


@lru_cache
def _insert_unless_known(dialect: SqlDialect) -> Executable:
    statement: Executable = dialect.insert(revocations).on_conflict_do_nothing(
        index_elements=["token_id"]
    )
    return statement

"""Connects to PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil
from typing import Any

from sqlalchemy import Column, Dialect, Executable, Table, make_url
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from storage.contract.work import STATEMENT_SECONDS
from storage.sql.connection import (
    REVISION,
    Connection,
    Parameters,
    Rows,
)
from storage.sql.dialects.driver_errors import translated
from storage.sql.dialects.postgres import POSTGRES
from storage.sql.dialects.types import dump_json, load_json

_DIALECT: Dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
_POOL_SIZE = 10
_CONNECT_SECONDS = 10
IDLE_TRANSACTION_SECONDS = 20
"""How long a process that stands still can hold the locks of a transaction. Less than a lease:
those who take over its messages when its leases end must not wait for its locks."""


class PostgresConnection(Connection):
    """A transaction on a connection of the pool."""

    def __init__(self, connection: AsyncConnection, driver: Any) -> None:
        super().__init__(POSTGRES)
        self._connection = connection
        self._driver = driver

    async def execute(self, statement: Executable, parameters: Parameters | None = None) -> Rows:
        with self.failing(), translated():
            result = await self._connection.execute(statement, parameters)
            return (
                Rows(result.fetchall(), result.rowcount)
                if result.returns_rows
                else Rows((), result.rowcount)
            )

    async def insert_rows(
        self,
        table: Table,
        columns: Sequence[str],
        rows: Sequence[tuple[Any, ...]],
        on_conflict: str = "",
    ) -> None:
        with self.failing(), translated():
            if not on_conflict:
                await self._driver.copy_records_to_table(table.name, records=rows, columns=columns)
                return
            # One statement over arrays, since a copy can neither leave rows out nor replace any.
            names = ", ".join(columns)
            arrays = ", ".join(
                f"${place}::{_array_of(table.c[name])}"
                for place, name in enumerate(columns, start=1)
            )
            await self._driver.execute(
                f"INSERT INTO {table.name} ({names}) SELECT * FROM unnest({arrays}) {on_conflict}",  # noqa: S608  # names of our own
                *map(list, zip(*rows, strict=True)),
            )


def _array_of(column: Column[Any]) -> str:
    """The type of an array of what the column holds; collations are the column's own."""
    return f"{column.type.compile(_DIALECT).partition(' COLLATE ')[0]}[]"


def make_engine(
    url: str,
    pool_size: int = _POOL_SIZE,
    statement_seconds: float | None = STATEMENT_SECONDS,
) -> AsyncEngine:
    """An engine with a pool. Every wait ends: for a connection, for a statement unless its limit is
    None, and the server's for a client that went quiet in a transaction."""
    milliseconds = ceil(1000 * (statement_seconds or 0))
    return create_async_engine(
        make_url(url).set(drivername="postgresql+asyncpg"),
        # Transactions are begun and ended by our own statements, so that a bulk copy on the
        # driver's connection is inside them.
        isolation_level="AUTOCOMMIT",
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=_CONNECT_SECONDS,
        json_serializer=dump_json,
        json_deserializer=load_json,
        hide_parameters=True,
        connect_args={
            "timeout": _CONNECT_SECONDS,
            # The server gives up first and says so; this is for a server that does not answer at
            # all.
            "command_timeout": statement_seconds and statement_seconds + 5,
            "server_settings": {
                "application_name": "carillon",
                "statement_timeout": f"{milliseconds}ms",
                "idle_in_transaction_session_timeout": f"{IDLE_TRANSACTION_SECONDS}s",
                "synchronous_commit": "on",
                "timezone": "UTC",
                "jit": "off",
            },
        },
    )


async def read_revision(connection: AsyncConnection) -> str | None:
    """That of the schema; None if there is none."""
    there = await connection.exec_driver_sql("SELECT to_regclass('alembic_version')")
    if there.scalar_one() is None:
        return None
    found: str | None = (await connection.exec_driver_sql(REVISION)).scalar()
    return found

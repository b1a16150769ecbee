"""Tells whether anything was written to the database of a service."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from typing import Protocol

import asyncpg

from storage.sql.schema.tables import metadata
from storage.sql.sqlite.engine import database_path
from tests.support.api.running import Running


class ChangeWatch(Protocol):
    """A look at a database from beside."""

    async def version(self) -> object:
        """Another value after each commit that changed something."""
        ...


@asynccontextmanager
async def watching(running: Running) -> AsyncIterator[ChangeWatch]:
    """Watches the database of a service."""
    url = running.settings.effective_database_url
    if running.settings.is_embedded:
        with closing(sqlite3.connect(database_path(url))) as connection:
            yield _OnSqlite(connection)
    else:
        beside = await asyncpg.connect(url)
        try:
            yield _OnPostgres(beside)
        finally:
            await beside.close()


class _OnSqlite:
    """What SQLite says to one connection of what others committed."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    async def version(self) -> object:
        return self._connection.execute("PRAGMA data_version").fetchone()[0]


class _OnPostgres:
    """How many rows of each table are to be seen, and the newest transaction that made one. Row
    locks and what was taken back change neither."""

    _ROWS = " UNION ALL ".join(
        f"SELECT '{name}', count(*), max(xmin::text::bigint) FROM {name}"  # noqa: S608  # our own
        for name in sorted(metadata.tables)
    )

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection

    async def version(self) -> object:
        return await self._connection.fetch(self._ROWS)

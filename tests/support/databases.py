"""Migrated databases, one for each test: on SQLite a copy of a file that was migrated once, on
PostgreSQL a database that is emptied after each test, since making and dropping one takes longer
than most tests do."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy import make_url

from storage.sql.open import migrate
from storage.sql.schema.tables import metadata
from tests.support.postgres import PostgresServer


@dataclass(frozen=True)
class ReusedDatabase:
    """A migrated database on PostgreSQL, and a connection to empty it by."""

    url: str
    _connection: asyncpg.Connection
    _tables: Sequence[str]

    async def empty(self) -> None:
        """Makes it as it was after its migration: no connections, rows, settings or statistics."""
        await self._connection.execute(
            "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        if filled := await self.filled():
            await self._connection.execute(f"TRUNCATE {', '.join(filled)} CASCADE")
        name = make_url(self.url).database
        await self._connection.execute(f'ALTER DATABASE "{name}" RESET ALL')
        await self._connection.execute("SELECT pg_stat_reset()")

    async def filled(self) -> list[str]:
        """The tables that have rows."""
        # Names of our own.
        having = (f"SELECT '{each}' WHERE EXISTS (SELECT FROM {each})" for each in self._tables)  # noqa: S608
        return [row[0] for row in await self._connection.fetch(" UNION ALL ".join(having))]


@asynccontextmanager
async def reused(server: PostgresServer) -> AsyncIterator[ReusedDatabase]:
    """A database of the server, migrated once."""
    database = server.create_database()
    await migrate(database)
    url = make_url(database)
    connection = await asyncpg.connect(
        user=url.username, database=url.database, host=url.query["host"]
    )
    made = ReusedDatabase(database, connection, list(metadata.tables))
    assert await made.filled() == []
    yield made
    await connection.close()


@pytest.fixture(scope="session")
async def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file to copy."""
    file = tmp_path_factory.mktemp("migrated") / "carillon.db"
    await migrate(f"sqlite:///{file}")
    return file


@pytest.fixture
def sqlite_url(migrated_file: Path, tmp_path: Path) -> str:
    """A migrated database that nobody has opened."""
    return f"sqlite:///{shutil.copy(migrated_file, tmp_path / 'carillon.db')}"


@pytest.fixture(scope="session")
async def reused_database(postgres_server: PostgresServer) -> AsyncIterator[ReusedDatabase]:
    """The PostgreSQL database that tests have one after another."""
    async with reused(postgres_server) as database:
        yield database


@pytest.fixture
async def postgres_url(reused_database: ReusedDatabase) -> AsyncIterator[str]:
    """A migrated database that nobody has opened, emptied at the end."""
    yield reused_database.url
    await reused_database.empty()


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest) -> str:
    """A migrated database that nobody has opened; the test runs once on each kind."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url

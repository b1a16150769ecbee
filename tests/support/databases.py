"""Migrated databases, one for each test: copies of one that was migrated once, on SQLite and on
PostgreSQL."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest
from sqlalchemy import make_url

from storage.sql.open import migrate
from tests.support.postgres import PostgresServer

_STATE = """
    SELECT (SELECT count(*) FROM pg_class), (SELECT count(*) FROM pg_attribute),
        (SELECT count(*) FROM pg_constraint), (SELECT count(*) FROM pg_statistic),
        (SELECT count(*) FROM pg_trigger), (SELECT count(*) FROM pg_proc),
        (SELECT count(*) FROM pg_db_role_setting)
"""
"""What a database has besides rows."""
_LARGEST_GROWTH = 4 * 1024 * 1024
"""Bytes that tests may add to a database before it goes: rows that are deleted take room."""


class PostgresCopies:
    """Copies of a migrated database.

    Making one takes half a second, so that of a test is emptied for the next one, unless more was
    done to it than rows.
    """

    def __init__(self, server: PostgresServer, migrated: str) -> None:
        self._server = server
        self._migrated = migrated
        self._spare: list[str] = []
        self._state: tuple[object, ...] = ()
        self._largest = 0

    async def take(self) -> str:
        """The name of an empty one that nobody has opened."""
        if self._spare:
            return self._spare.pop()
        name = f"copy_{uuid4().hex}"
        admin = await self._connect("postgres")
        await admin.execute(f'CREATE DATABASE "{name}" TEMPLATE "{self._migrated}"')
        await admin.close()
        if not self._state:
            connection = await self._connect(name)
            self._state = await _state(connection)
            self._largest = await _size(connection) + _LARGEST_GROWTH
            await connection.close()
        return name

    async def give_back(self, name: str) -> None:
        """Takes one back from a test, whose connections end."""
        connection = await self._connect(name)
        await connection.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        is_good = await self._emptied(connection)
        if is_good:
            self._spare.append(name)
        await connection.close()
        if not is_good:
            admin = await self._connect("postgres")
            await admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
            await admin.close()

    async def empty(self, name: str) -> bool:
        """Empties one that stays open, and ends what is unfinished in it; False: more was done to
        it than rows."""
        connection = await self._connect(name)
        await connection.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid() AND state <> 'idle'"
        )
        is_good = await self._emptied(connection)
        await connection.close()
        return is_good

    async def _emptied(self, connection: asyncpg.Connection) -> bool:
        is_good = await _state(connection) == self._state
        is_good = is_good and await _size(connection) < self._largest
        if is_good:
            await _empty(connection)
        return is_good

    def url(self, name: str) -> str:
        """The URL of a copy."""
        return self._server.url_of(name)

    async def _connect(self, name: str) -> asyncpg.Connection:
        url = make_url(self._server.url_of(name))
        return await asyncpg.connect(
            user=url.username, database=url.database, host=url.query["host"]
        )


async def _state(connection: asyncpg.Connection) -> tuple[object, ...]:
    return tuple(await connection.fetchrow(_STATE))


async def _size(connection: asyncpg.Connection) -> int:
    size: int = await connection.fetchval("SELECT pg_database_size(current_database())")
    return size


async def _empty(connection: asyncpg.Connection) -> None:
    found = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    tables = [row["tablename"] for row in found if row["tablename"] != "alembic_version"]
    # In any order: rows that refer to each other go together.
    await connection.execute("SET session_replication_role = replica")
    # Their names are our own.
    await connection.execute("; ".join(f'DELETE FROM "{table}"' for table in tables))  # noqa: S608


@pytest.fixture(scope="session")
async def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file to copy."""
    file = tmp_path_factory.mktemp("migrated") / "carillon.db"
    await migrate(f"sqlite:///{file}")
    return file


@pytest.fixture(scope="session")
async def migrated_database(postgres_server: PostgresServer) -> PostgresCopies:
    """A migrated PostgreSQL database to copy."""
    url = postgres_server.create_database()
    await migrate(url)
    return PostgresCopies(postgres_server, make_url(url).database or "")


@pytest.fixture
def sqlite_url(migrated_file: Path, tmp_path: Path) -> str:
    """A migrated database that nobody has opened."""
    return f"sqlite:///{shutil.copy(migrated_file, tmp_path / 'carillon.db')}"


@pytest.fixture
async def postgres_url(migrated_database: PostgresCopies) -> AsyncIterator[str]:
    """A migrated database that nobody has opened."""
    name = await migrated_database.take()
    yield migrated_database.url(name)
    await migrated_database.give_back(name)


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest) -> str:
    """A migrated database that nobody has opened; the test runs once on each kind."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url

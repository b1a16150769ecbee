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


@pytest.fixture(scope="session")
async def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file to copy."""
    file = tmp_path_factory.mktemp("migrated") / "carillon.db"
    await migrate(f"sqlite:///{file}")
    return file


@pytest.fixture(scope="session")
async def migrated_database(postgres_server: PostgresServer) -> str:
    """The name of a migrated PostgreSQL database to copy."""
    url = postgres_server.create_database()
    await migrate(url)
    return make_url(url).database or ""


@pytest.fixture
def sqlite_url(migrated_file: Path, tmp_path: Path) -> str:
    """A migrated database that nobody has opened."""
    return f"sqlite:///{shutil.copy(migrated_file, tmp_path / 'carillon.db')}"


@pytest.fixture(scope="session")
async def postgres_admin(postgres_server: PostgresServer) -> AsyncIterator[asyncpg.Connection]:
    """A connection to make and drop databases with: faster than a process for each."""
    url = make_url(postgres_server.url_of("postgres"))
    connection = await asyncpg.connect(
        user=url.username, database=url.database, host=url.query["host"]
    )
    yield connection
    await connection.close()


@pytest.fixture
async def postgres_url(
    postgres_server: PostgresServer, postgres_admin: asyncpg.Connection, migrated_database: str
) -> AsyncIterator[str]:
    """A migrated database that nobody has opened, dropped at the end."""
    name = f"copy_{uuid4().hex}"
    await postgres_admin.execute(f'CREATE DATABASE "{name}" TEMPLATE "{migrated_database}"')
    yield postgres_server.url_of(name)
    await postgres_admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest) -> str:
    """A migrated database that nobody has opened; the test runs once on each kind."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url

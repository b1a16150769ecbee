"""The suite runs on both databases: a test that takes `scene` runs once on each."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest
from sqlalchemy import make_url

from storage.sql import migrate, open_storage
from tests.support.postgres import PostgresServer
from tests.support.storage.scene import Scene

NewUrl = Callable[[], str]


@pytest.fixture(scope="session")
async def migrated_template(postgres_server: PostgresServer) -> str:
    """Name of a migrated database to copy: faster than migrating for each test."""
    url = postgres_server.create_database()
    await migrate(url)
    return make_url(url).database or ""


@pytest.fixture
async def sqlite_url(tmp_path: Path) -> str:
    url = f"sqlite:///{tmp_path / 'carillon.db'}"
    await migrate(url)
    return url


@pytest.fixture(scope="session")
async def postgres_admin(postgres_server: PostgresServer) -> AsyncIterator[asyncpg.Connection]:
    """A connection to make databases with: faster than a process for each."""
    url = make_url(postgres_server.url_of("postgres"))
    connection = await asyncpg.connect(
        user=url.username, database=url.database, host=url.query["host"]
    )
    yield connection
    await connection.close()


@pytest.fixture
async def postgres_url(
    postgres_server: PostgresServer, postgres_admin: asyncpg.Connection, migrated_template: str
) -> str:
    name = f"storage_{uuid4().hex}"
    await postgres_admin.execute(f'CREATE DATABASE "{name}" TEMPLATE "{migrated_template}"')
    return postgres_server.url_of(name)


async def opened(url: str) -> AsyncIterator[Scene]:
    scene = Scene(await open_storage(url), url)
    try:
        yield scene
        await scene.assert_no_drift()
    finally:
        await scene.storage.close()


@pytest.fixture
async def on_sqlite(sqlite_url: str) -> AsyncIterator[Scene]:
    async for scene in opened(sqlite_url):
        yield scene


@pytest.fixture
async def on_postgres(postgres_url: str) -> AsyncIterator[Scene]:
    async for scene in opened(postgres_url):
        yield scene


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest) -> str:
    """A migrated database that nobody has opened."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest.fixture
async def scene(database_url: str) -> AsyncIterator[Scene]:
    """An open storage; at the end no counter may differ from the rows."""
    async for scene in opened(database_url):
        yield scene


@pytest.fixture
async def admin(on_postgres: Scene) -> AsyncIterator[asyncpg.Connection]:
    """A connection beside those of the scene, which looks at what they wait for."""
    url = make_url(on_postgres.url)
    connection = await asyncpg.connect(
        user=url.username, database=url.database, host=url.query["host"]
    )
    yield connection
    await connection.close()

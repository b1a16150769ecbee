"""The suite runs on both databases: a test that takes `scene` runs once on each."""

from __future__ import annotations

from collections.abc import AsyncIterator

import asyncpg
import pytest
from sqlalchemy import make_url

from storage.sql import open_storage
from tests.support.databases import (
    database_url,
    migrated_database,
    migrated_file,
    postgres_url,
    sqlite_url,
)
from tests.support.lent import Lender, lender, lent_postgres, lent_sqlite
from tests.support.storage.scene import Scene

__all__ = [
    "database_url",
    "lender",
    "lent_postgres",
    "lent_sqlite",
    "migrated_database",
    "migrated_file",
    "on_postgres",
    "on_sqlite",
    "postgres_url",
    "scene",
    "sqlite_url",
]


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


@pytest.fixture
async def scene(lender: Lender) -> AsyncIterator[Scene]:
    """An open storage; at the end no counter may differ from the rows."""
    loan = await lender.lend()
    scene = Scene(loan.storage, loan.url)
    used_up = True
    try:
        yield scene
        await scene.assert_no_drift()
        used_up = scene.storage is not loan.storage
    finally:
        if scene.storage is not loan.storage:
            await scene.storage.close()
        await lender.take_back(used_up=used_up)


@pytest.fixture
async def admin(on_postgres: Scene) -> AsyncIterator[asyncpg.Connection]:
    """A connection beside those of the scene, which looks at what they wait for."""
    url = make_url(on_postgres.url)
    connection = await asyncpg.connect(
        user=url.username, database=url.database, host=url.query["host"]
    )
    yield connection
    await connection.close()

"""The suite runs on both databases: a test that takes `scene` runs once on each."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from storage.sql import open_storage
from tests.support.databases import (
    database_url,
    migrated_database,
    migrated_file,
    postgres_admin,
    postgres_url,
    sqlite_url,
)
from tests.support.storage.scene import Scene

__all__ = [
    "database_url",
    "migrated_database",
    "migrated_file",
    "on_postgres",
    "on_sqlite",
    "postgres_admin",
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
async def scene(database_url: str) -> AsyncIterator[Scene]:
    """An open storage; at the end no counter may differ from the rows."""
    async for scene in opened(database_url):
        yield scene

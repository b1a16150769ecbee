"""Dispatchers on both databases: a test that takes `stage` runs once on each."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from storage.sql.open import open_storage
from tests.support.databases import (
    database_url,
    migrated_database,
    migrated_file,
    postgres_url,
    sqlite_url,
)
from tests.support.dispatch.stage import Stage

__all__ = [
    "database_url",
    "migrated_database",
    "migrated_file",
    "postgres_url",
    "sqlite_url",
    "stage",
]


async def staged(url: str, directory: Path) -> AsyncIterator[Stage]:
    stage = Stage(url, await open_storage(url), directory)
    await stage.start_guard()
    await stage.template()
    yield stage
    await stage.close()


@pytest.fixture
async def stage(database_url: str, tmp_path: Path) -> AsyncIterator[Stage]:
    """An open database with the template `welcome` on email."""
    async for each in staged(database_url, tmp_path):
        yield each


@pytest.fixture
async def stage_on_sqlite(sqlite_url: str, tmp_path: Path) -> AsyncIterator[Stage]:
    """The same, on SQLite alone."""
    async for each in staged(sqlite_url, tmp_path):
        yield each


@pytest.fixture
async def stage_on_postgres(postgres_url: str, tmp_path: Path) -> AsyncIterator[Stage]:
    """The same, on PostgreSQL alone."""
    async for each in staged(postgres_url, tmp_path):
        yield each

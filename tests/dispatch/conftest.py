"""Dispatchers on both databases: a test that takes `stage` runs once on each."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.databases import migrated_database, migrated_file
from tests.support.dispatch.stage import Stage
from tests.support.lent import Lender, lender, lent_postgres, lent_sqlite

__all__ = [
    "lender",
    "lent_postgres",
    "lent_sqlite",
    "migrated_database",
    "migrated_file",
    "stage",
]


async def staged(lender: Lender, directory: Path) -> AsyncIterator[Stage]:
    loan = await lender.lend()
    used_up = True
    try:
        stage = Stage(loan.url, loan.storage, directory)
        await stage.start_guard()
        await stage.template()
        yield stage
        await stage.close()
        used_up = stage.used_up
    finally:
        await lender.take_back(used_up=used_up)


@pytest.fixture
async def stage(lender: Lender, tmp_path: Path) -> AsyncIterator[Stage]:
    """An open database with the template `welcome` on email."""
    async for each in staged(lender, tmp_path):
        yield each


@pytest.fixture
async def stage_on_sqlite(lent_sqlite: Lender, tmp_path: Path) -> AsyncIterator[Stage]:
    """The same, on SQLite alone."""
    async for each in staged(lent_sqlite, tmp_path):
        yield each


@pytest.fixture
async def stage_on_postgres(lent_postgres: Lender, tmp_path: Path) -> AsyncIterator[Stage]:
    """The same, on PostgreSQL alone."""
    async for each in staged(lent_postgres, tmp_path):
        yield each

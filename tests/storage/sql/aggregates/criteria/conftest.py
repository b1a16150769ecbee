"""Both databases."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import pytest

from tests.storage.sql.aggregates.criteria.databases import (
    Database,
    postgres_database,
    sqlite_database,
)


@pytest.fixture(scope="module")
async def databases(
    tmp_path_factory: pytest.TempPathFactory, new_postgres_database: Callable[[], str]
) -> AsyncIterator[list[Database]]:
    with sqlite_database(tmp_path_factory.mktemp("criteria") / "carillon.db") as sqlite:
        async with postgres_database(new_postgres_database()) as postgres:
            yield [sqlite, postgres]

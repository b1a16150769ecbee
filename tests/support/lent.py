"""Open storages that tests have one after another, each as if it were new: opening one, and writing
its statements for the first time, takes longer than most tests do."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import make_url

from storage.contract.storage import Storage
from storage.sql.open import open_storage
from storage.sql.sqlite.engine import database_path
from tests.support.databases import PostgresCopies

_TABLES = "SELECT name FROM sqlite_master WHERE type = 'table' AND name <> 'alembic_version'"
_SCHEMA = "SELECT name, sql FROM sqlite_master ORDER BY name"


class Lender:
    """Lends the storage of one database to a test at a time."""

    def __init__(
        self, make: Callable[[], Awaitable[str]], empty: Callable[[str], Awaitable[bool]]
    ) -> None:
        """`make` returns the URL of an empty database; `empty` empties one while its storage is
        open, or says that it cannot be used any more."""
        self._make = make
        self._empty = empty
        self._url: str | None = None
        self._storage: Storage | None = None

    async def lend(self) -> Loan:
        """To one test."""
        if self._url is None:
            self._url = await self._make()
        if self._storage is None:
            self._storage = await open_storage(self._url)
        return Loan(self._url, self._storage)

    async def take_back(self, *, used_up: bool) -> None:
        """`used_up`: the test closed the storage, or left something unfinished in it."""
        assert self._storage is not None
        assert self._url is not None
        if used_up:
            await self._storage.close()
            self._storage = None
        if not await self._empty(self._url):
            await self.close()

    async def close(self) -> None:
        """Lets go of the database."""
        if self._storage is not None:
            await self._storage.close()
        self._storage = self._url = None


@dataclass(frozen=True)
class Loan:
    """What a test has of it."""

    url: str
    storage: Storage


@pytest.fixture(scope="session")
async def lent_sqlite(
    migrated_file: Path, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Lender]:
    """Lends a storage on SQLite."""

    async def make() -> str:
        return f"sqlite:///{shutil.copy(migrated_file, tmp_path_factory.mktemp('lent'))}"

    with closing(sqlite3.connect(migrated_file)) as connection:
        schema = connection.execute(_SCHEMA).fetchall()

    async def empty(url: str) -> bool:
        with closing(sqlite3.connect(database_path(url), timeout=5)) as connection:
            if connection.execute(_SCHEMA).fetchall() != schema:
                return False
            with connection:
                for (name,) in connection.execute(_TABLES).fetchall():
                    connection.execute(f'DELETE FROM "{name}"')  # noqa: S608  # names of our own
            return True

    lender = Lender(make, empty)
    yield lender
    await lender.close()


@pytest.fixture(scope="session")
async def lent_postgres(migrated_database: PostgresCopies) -> AsyncIterator[Lender]:
    """Lends a storage on PostgreSQL."""

    async def make() -> str:
        return migrated_database.url(await migrated_database.take())

    async def empty(url: str) -> bool:
        return await migrated_database.empty(make_url(url).database or "")

    lender = Lender(make, empty)
    yield lender
    await lender.close()


@pytest.fixture(params=["sqlite", "postgres"])
def lender(request: pytest.FixtureRequest) -> Lender:
    """Lends an empty database; the test runs once on each kind."""
    found: Lender = request.getfixturevalue(f"lent_{request.param}")
    return found

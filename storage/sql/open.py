"""Opens a database by its URL, and brings its schema up to date."""

from __future__ import annotations

import asyncio
from functools import cache
from pathlib import Path

from sqlalchemy import func, make_url, select
from sqlalchemy.exc import ArgumentError

from storage.contract.errors import SchemaMismatch, StorageError
from storage.contract.signals import Signals
from storage.contract.storage import Storage
from storage.contract.work import DEFAULT_LIMITS, TimeLimits
from storage.sql.dialects.driver_errors import translated
from storage.sql.postgres import engine as engine_postgres
from storage.sql.postgres.storage import PostgresStorage
from storage.sql.sqlite import engine as engine_sqlite
from storage.sql.sqlite.storage import SqliteStorage

_MIGRATIONS = Path(__file__).parent / "migrations" / "versions"
_HEAD = "head"
"""The newest revision, as Alembic names it."""
_MIGRATION_LOCK = 0x4361_7269_6C6C_6F6E
"""Key of the advisory lock under which one of several starting processes migrates: "Carillon" in
ASCII."""


async def open_storage(
    url: str,
    *,
    signals: Signals | None = None,
    beside: bool = False,
    share_signals: bool = False,
    limits: TimeLimits = DEFAULT_LIMITS,
) -> Storage:
    """Opens `sqlite:///path` or `postgresql://…` (also `postgresql+asyncpg://`). `beside`: an
    embedded database is not taken into possession, since its owner may be running: for short
    transactions that deliver nothing. `share_signals`: processes that share the database hear each
    other's. `limits`: how long reads may take.

    Raises SchemaMismatch for a schema that is not this version's, DatabaseInUse,
    StorageUnavailable, and StorageError for a URL of another kind.
    """
    signals = signals or Signals()
    if _is_sqlite(url):
        database = engine_sqlite.database_path(url)
        # First, so that a file that is not Carillon's is not touched.
        _require_newest(await asyncio.to_thread(engine_sqlite.read_revision, database))
        return SqliteStorage(database, signals, limits, owned=not beside)
    storage = PostgresStorage(url, signals, limits, share_signals=share_signals)
    try:
        _require_newest(await storage.revision())
    except BaseException:
        await storage.close()
        raise
    return storage


async def migrate(url: str, revision: str = _HEAD) -> None:
    """Brings the schema up to date, or up to a revision that is later than its own; makes the
    SQLite file if there is none.

    Several processes may do so at once on PostgreSQL. Raises like `open_storage`; SchemaMismatch
    for a schema of a newer version.
    """
    if _is_sqlite(url):
        await asyncio.to_thread(_migrate_sqlite, engine_sqlite.database_path(url), revision)
    else:
        await _migrate_postgres(url, revision)


def _require_newest(revision: str | None) -> None:
    wanted = _newest_revision()
    if revision != wanted:
        found = f"at revision {revision}" if revision else "empty"
        raise SchemaMismatch(
            f"the database is {found}, and this version needs revision {wanted}: run `carillon "
            f"migrate`"
        )


@cache
def _newest_revision() -> str:
    """The one this version needs: migrations are numbered."""
    return max(file.stem.partition("_")[0] for file in _MIGRATIONS.glob("[0-9]*.py"))


def _is_sqlite(url: str) -> bool:
    try:
        backend = make_url(url).get_backend_name()
    except ArgumentError:
        backend = ""
    if backend not in ("sqlite", "postgresql"):
        raise StorageError(
            "a database is given as sqlite:///path or postgresql://user:password@host/name"
        )
    return backend == "sqlite"


def _migrate_sqlite(database: Path, to: str) -> None:
    engine_sqlite.prepare_file(database)
    lock = engine_sqlite.OwnerLock(database)
    try:
        if _is_there(engine_sqlite.read_revision(database), to):
            return
        from storage.sql.upgrade import upgrade

        with (
            translated(),
            engine_sqlite.make_engine(database, read_only=False).connect() as connection,
        ):
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            upgrade(connection, to)
            connection.exec_driver_sql("COMMIT")
    finally:
        lock.release()


async def _migrate_postgres(url: str, to: str) -> None:
    # A migration takes as long as the tables are large.
    engine = engine_postgres.make_engine(url, statement_seconds=None)
    try:
        with translated():
            async with engine.connect() as connection:
                if _is_there(await engine_postgres.read_revision(connection), to):
                    return
                from storage.sql.upgrade import upgrade

                await connection.exec_driver_sql("BEGIN")
                await connection.execute(select(func.pg_advisory_xact_lock(_MIGRATION_LOCK)))
                await connection.run_sync(upgrade, to)
                await connection.exec_driver_sql("COMMIT")
    finally:
        await engine.dispose()


def _is_there(revision: str | None, to: str) -> bool:
    """Whether there is nothing to do, which most starts find: reading the migrations takes a
    while."""
    return to == _HEAD and revision == _newest_revision()

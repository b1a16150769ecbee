"""Opens a database by its URL, and brings its schema up to date."""

from __future__ import annotations

import asyncio
from functools import cache
from pathlib import Path

import sqlalchemy
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import func, make_url, select
from sqlalchemy.exc import ArgumentError

from storage.contract.errors import SchemaMismatch, StorageError
from storage.contract.signals import Signals
from storage.contract.storage import Storage
from storage.sql.dialects.driver_errors import translated
from storage.sql.postgres import engine as engine_postgres
from storage.sql.postgres.storage import PostgresStorage
from storage.sql.sqlite import engine as engine_sqlite
from storage.sql.sqlite.storage import SqliteStorage

_MIGRATIONS = Path(__file__).parent / "migrations"
_MIGRATION_LOCK = 0x4361_7269_6C6C_6F6E
"""Key of the advisory lock under which one of several starting processes migrates: "Carillon" in
ASCII."""


async def open_storage(
    url: str, *, signals: Signals | None = None, beside: bool = False
) -> Storage:
    """Opens `sqlite:///path` or `postgresql://…` (also `postgresql+asyncpg://`). `beside`: an
    embedded database is not taken into possession, since its owner may be running: for short
    transactions that deliver nothing.

    Raises SchemaMismatch for a schema that is not this version's, DatabaseInUse,
    StorageUnavailable, and StorageError for a URL of another kind.
    """
    signals = signals or Signals()
    await check_schema(url)
    return (
        SqliteStorage(engine_sqlite.database_path(url), signals, owned=not beside)
        if _is_sqlite(url)
        else PostgresStorage(url, signals)
    )


async def migrate(url: str, revision: str = "head") -> None:
    """Brings the schema up to date, or up to a revision that is later than its own; makes the
    SQLite file if there is none.

    Several processes may do so at once on PostgreSQL. Raises like `open_storage`; SchemaMismatch
    for a schema of a newer version.
    """
    if _is_sqlite(url):
        await asyncio.to_thread(_migrate_sqlite, engine_sqlite.database_path(url), revision)
    else:
        await _migrate_postgres(url, revision)


async def check_schema(url: str) -> None:
    """Raises SchemaMismatch unless the schema is this version's. Changes nothing, and needs no
    ownership of the file."""
    revision = await (
        asyncio.to_thread(_sqlite_revision, engine_sqlite.database_path(url))
        if _is_sqlite(url)
        else _postgres_revision(url)
    )
    wanted = _newest_revision()
    if revision != wanted:
        found = f"at revision {revision}" if revision else "empty"
        raise SchemaMismatch(
            f"the database is {found}, and this version needs revision {wanted}: run `carillon "
            f"migrate`"
        )


@cache
def _newest_revision() -> str | None:
    """The one this version needs. Finding it reads every migration."""
    return ScriptDirectory.from_config(_config()).get_current_head()


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


def _config(connection: sqlalchemy.Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def _upgrade(connection: sqlalchemy.Connection, to: str) -> None:
    config = _config(connection)
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    revision = MigrationContext.configure(connection).get_current_revision()
    if revision is not None and revision not in known:
        raise SchemaMismatch(
            f"the database is at revision {revision}, which this version does not know: it was "
            f"migrated by a newer one"
        )
    command.upgrade(config, to)


def _migrate_sqlite(database: Path, revision: str) -> None:
    engine_sqlite.prepare_file(database)
    lock = engine_sqlite.OwnerLock(database)
    try:
        with (
            translated(),
            engine_sqlite.make_engine(database, read_only=False).connect() as connection,
        ):
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            _upgrade(connection, revision)
            connection.exec_driver_sql("COMMIT")
    finally:
        lock.release()


async def _migrate_postgres(url: str, revision: str) -> None:
    engine = engine_postgres.make_engine(url)
    try:
        with translated():
            async with engine.connect() as connection:
                await connection.exec_driver_sql("BEGIN")
                await connection.execute(select(func.pg_advisory_xact_lock(_MIGRATION_LOCK)))
                await connection.run_sync(_upgrade, revision)
                await connection.exec_driver_sql("COMMIT")
    finally:
        await engine.dispose()


def _sqlite_revision(database: Path) -> str | None:
    if not database.exists():
        return None
    with translated(), engine_sqlite.make_engine(database, read_only=True).connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


async def _postgres_revision(url: str) -> str | None:
    engine = engine_postgres.make_engine(url)
    try:
        with translated():
            async with engine.connect() as connection:
                return await connection.run_sync(
                    lambda each: MigrationContext.configure(each).get_current_revision()
                )
    finally:
        await engine.dispose()

"""Connects to an SQLite file, which one process owns."""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy
from sqlalchemy import Engine, Executable, NullPool, Table, create_engine, event

from storage.contract.errors import DatabaseInUse, StorageError, StorageUnavailable
from storage.model.instants import parse_instant
from storage.sql.connection import (
    REVISION,
    Connection,
    Parameters,
    Rows,
)
from storage.sql.dialects.driver_errors import translated
from storage.sql.dialects.sqlite import SQLITE
from storage.sql.dialects.types import dump_json, load_json
from storage.sql.sqlite import insertion
from storage.sql.sqlite.prepared import Prepared, prepared

R = TypeVar("R")

_BUSY_TIMEOUT_MS = 5000
WRITER_CACHE_KIB = 96 * 1024
"""What does not fit is written to the log before its time, and again when it changes: a million
rows at once change many pages."""
_READER_CACHE_KIB = 32 * 1024
_JOURNAL_LIMIT_BYTES = 64 * 1024 * 1024


class SqliteConnection(Connection):
    """A transaction on a connection that this thread has to itself. Its methods never suspend, so
    that a thread can run it to its end."""

    def __init__(
        self, connection: sqlalchemy.Connection, begin_statement: Callable[[], None] | None = None
    ) -> None:
        """`begin_statement` is called before each statement."""
        super().__init__(SQLITE)
        self._connection = connection
        self._begin_statement = begin_statement or _do_nothing

    async def execute(self, statement: Executable, parameters: Parameters | None = None) -> Rows:
        self._begin_statement()
        with self.failing(), translated():
            result = self._connection.execute(statement, parameters)
            return (
                Rows(result.fetchall(), result.rowcount)
                if result.returns_rows
                else Rows((), result.rowcount)
            )

    async def change(self, statement: Executable, parameters: Mapping[str, Any]) -> int:
        ready = prepared(statement)
        self._begin_statement()
        with self.failing(), translated():
            return self._driver.execute(ready.text, ready.arguments(parameters)).rowcount

    async def fetch(
        self, statement: Executable, parameters: Mapping[str, Any]
    ) -> Sequence[Sequence[Any]]:
        ready = prepared(statement)
        return ready.rows(self._fetch(ready, parameters))

    async def fetch_records(
        self, record: type[R], statement: Executable, parameters: Mapping[str, Any]
    ) -> list[R]:
        ready = prepared(statement)
        return ready.records(record, self._fetch(ready, parameters))

    async def insert_rows(
        self,
        table: Table,
        columns: Sequence[str],
        rows: Sequence[tuple[Any, ...]],
        on_conflict: str = "",
    ) -> None:
        self._begin_statement()
        with self.failing(), translated():
            insertion.insert(self._driver, table.name, columns, rows, on_conflict)

    def _fetch(self, ready: Prepared, parameters: Mapping[str, Any]) -> Sequence[tuple[Any, ...]]:
        self._begin_statement()
        with self.failing(), translated():
            return self._driver.execute(ready.text, ready.arguments(parameters)).fetchall()

    @property
    def _driver(self) -> sqlite3.Connection:
        # SQLAlchemy does not know which driver it is.
        driver: sqlite3.Connection = self._connection.connection.driver_connection  # type: ignore[assignment]
        return driver


def _do_nothing() -> None:
    """Where statements have no limit of their own."""


class OwnerLock:
    """The right of one process to a database file, for as long as the process lives: the kernel
    takes it back however the process ends."""

    def __init__(self, database: Path) -> None:
        """Takes the right. Raises DatabaseInUse, naming the file, if another process has it."""
        self._file = os.open(f"{database}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._file)
            raise DatabaseInUse(f"{database} is in use by another process") from None

    def release(self) -> None:
        """Gives the right back."""
        os.close(self._file)


def prepare_file(database: Path) -> None:
    """Makes the file and its directory, for their owner only, if they are missing. Raises
    StorageUnavailable."""
    try:
        database.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(database, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    except OSError as error:
        raise StorageUnavailable(f"{database} cannot be opened: {error.strerror}") from None


def make_engine(database: Path, *, read_only: bool) -> Engine:
    """An engine that opens a new connection each time. Transactions begin and end by our own
    statements, not by the driver's guess."""
    engine = create_engine(
        f"sqlite:///{database}",
        poolclass=NullPool,
        isolation_level="AUTOCOMMIT",
        connect_args={"check_same_thread": False},
        json_serializer=dump_json,
        json_deserializer=load_json,
        hide_parameters=True,
    )

    @event.listens_for(engine, "connect")
    def configure(connection: Any, _record: object) -> None:
        for pragma in (
            f"busy_timeout = {_BUSY_TIMEOUT_MS}",
            "journal_mode = WAL",
            "synchronous = FULL",
            "foreign_keys = ON",
            "temp_store = MEMORY",
            f"cache_size = -{_READER_CACHE_KIB if read_only else WRITER_CACHE_KIB}",
            f"journal_size_limit = {_JOURNAL_LIMIT_BYTES}",
            f"query_only = {'ON' if read_only else 'OFF'}",
        ):
            connection.execute(f"PRAGMA {pragma}")
        connection.create_function("carillon_instant", 1, _read_instant, deterministic=True)

    return engine


def _read_instant(text: str | None) -> int | None:
    """What `SqliteDialect.parse_instant` calls: SQLite's own date functions know milliseconds only,
    and take more than RFC 3339."""
    return None if text is None else parse_instant(text)


def connect(engine: Engine) -> sqlalchemy.Connection:
    """A new connection. Raises StorageUnavailable."""
    with translated():
        return engine.connect()


def read_revision(database: Path) -> str | None:
    """That of the schema; None if there is none. Needs no ownership of the file, and makes none.
    Raises StorageUnavailable."""
    if not database.exists():
        return None
    with connect(make_engine(database, read_only=True)) as connection, translated():
        there = "SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'"
        if connection.exec_driver_sql(there).first() is None:
            return None
        found: str | None = connection.exec_driver_sql(REVISION).scalar()
        return found


def database_path(url: str) -> Path:
    """The file of a `sqlite:///path` URL. Raises StorageError for any other."""
    path = url.removeprefix("sqlite:///")
    if path == url or not path or path == ":memory:" or "?" in path:
        raise StorageError("an SQLite database is given as sqlite:///path/to/file")
    return Path(path)

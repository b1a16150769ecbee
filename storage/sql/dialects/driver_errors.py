"""Translates errors of drivers to those of storage. Their own text never leaves: it may quote
addresses and other values of rows."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from asyncpg.exceptions import InterfaceError, InternalClientError
from sqlalchemy.exc import DBAPIError, SQLAlchemyError, StatementError

from storage.contract.errors import (
    StorageError,
    StorageFull,
    StorageUnavailable,
    TookTooLong,
    WriteConflict,
)

_SQLITE_CONFLICTS = frozenset({"SQLITE_CONSTRAINT_UNIQUE", "SQLITE_CONSTRAINT_PRIMARYKEY"})
_SQLITE_TROUBLES = {
    "SQLITE_BUSY": "the database is locked by another program",
    "SQLITE_LOCKED": "the database is locked by another program",
    "SQLITE_IOERR": "reading or writing the database file failed",
    "SQLITE_CANTOPEN": "the database file cannot be opened",
    "SQLITE_READONLY": "the database file is read-only",
    "SQLITE_NOMEM": "out of memory",
    "SQLITE_PERM": "the database file may not be opened",
    "SQLITE_CORRUPT": "the database file is damaged",
    "SQLITE_NOTADB": "the database file is not a database",
}

_POSTGRES_CONFLICTS = frozenset({"23505", "40001", "40P01", "55P03"})
_POSTGRES_TROUBLES = {
    "28P01": "wrong user or password",
    "28000": "the user may not connect",
    "3D000": "there is no such database",
    "25006": "the server is read-only",
    # What a standby says to a transaction that is begun to write.
    "0A000": "the server is a standby, or lacks what this needs",
}
_POSTGRES_FULL = "53100"
_POSTGRES_CANCELLED = "57014"
"""Also of a statement timeout."""
# A connection that broke, an administrator who ended it, a transaction that stood still for too
# long.
_POSTGRES_CONNECTION_ENDS = ("08", "57P", "25P03")
# Classes: connection exception, insufficient resources, operator intervention, system error.
_POSTGRES_TROUBLE_CLASSES = ("08", "53", "57", "58")


class ConnectionLost(StorageUnavailable):
    """The connection to the server broke or could not be made."""


@contextmanager
def translated() -> Iterator[None]:
    """Lets errors of drivers and SQLAlchemy out as errors of storage, and a value that a column
    refuses as ValueError."""
    try:
        yield
    except Exception as error:
        meaning = meaning_of(error)
        if meaning is error:
            raise
        # Not chained: a log of the chain would print the values that the driver quotes.
        raise meaning from None


def meaning_of(error: Exception) -> Exception:
    """What an error means to a caller of storage; the error itself if it is not one of a
    database."""
    if isinstance(error, StatementError) and not isinstance(error, DBAPIError):
        return (
            error.orig
            if isinstance(error.orig, ValueError)
            else StorageError("a statement could not be prepared")
        )
    if isinstance(error, DBAPIError) and isinstance(error.orig, sqlite3.Error):
        return _of_sqlite(error.orig)
    if isinstance(error, sqlite3.Error):
        return _of_sqlite(error)
    state = _sqlstate(error)
    if state is not None:
        return _of_postgres(state, _constraint(error))
    if isinstance(error, DBAPIError | OSError | TimeoutError) or _is_unusable(error):
        return ConnectionLost("the database cannot be reached or did not answer in time")
    if isinstance(error, SQLAlchemyError):
        return StorageUnavailable("no connection to the database was free in time")
    return error


def _is_unusable(error: Exception) -> bool:
    """What asyncpg, used without SQLAlchemy, says of a connection that ended at an unlucky moment:
    that it is closed, or busy with what will never be answered."""
    return isinstance(error, InternalClientError | InterfaceError)


def _of_sqlite(error: sqlite3.Error) -> StorageError:
    name = getattr(error, "sqlite_errorname", type(error).__name__)
    if name in _SQLITE_CONFLICTS:
        return WriteConflict(f"a row with this key exists ({name})")
    if name.startswith("SQLITE_INTERRUPT"):
        return TookTooLong("the statement took too long")
    if name == "SQLITE_FULL":
        return StorageFull("the disk is full")
    trouble = next(
        (text for prefix, text in _SQLITE_TROUBLES.items() if name.startswith(prefix)), None
    )
    if trouble is not None:
        return StorageUnavailable(trouble)
    return StorageError(f"the database refused a statement ({name})")


def _of_postgres(state: str, constraint: str) -> StorageError:
    if state in _POSTGRES_CONFLICTS:
        return WriteConflict(
            f"a concurrent transaction got in the way (SQLSTATE {state}{constraint})"
        )
    if state.startswith(_POSTGRES_CONNECTION_ENDS):
        return ConnectionLost(f"the server closed the connection (SQLSTATE {state})")
    if state == _POSTGRES_CANCELLED:
        return TookTooLong(f"the statement took too long (SQLSTATE {state})")
    if state == _POSTGRES_FULL:
        return StorageFull(f"the disk is full (SQLSTATE {state})")
    if state in _POSTGRES_TROUBLES or state.startswith(_POSTGRES_TROUBLE_CLASSES):
        return StorageUnavailable(
            f"{_POSTGRES_TROUBLES.get(state, 'the server cannot serve now')} (SQLSTATE {state})"
        )
    return StorageError(f"the database refused a statement (SQLSTATE {state}{constraint})")


def _sqlstate(error: Exception) -> str | None:
    """SQLAlchemy keeps it on its copy of the driver's error, asyncpg on its own."""
    source = error.orig if isinstance(error, DBAPIError) else error
    state = getattr(source, "sqlstate", None)
    return state if isinstance(state, str) else None


def _constraint(error: Exception) -> str:
    source = (
        error.orig.__cause__ if isinstance(error, DBAPIError) and error.orig is not None else error
    )
    name = getattr(source, "constraint_name", None)
    return f", {name}" if name else ""

"""A connection inside one transaction, as the statements of both databases use it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeVar

from sqlalchemy import Executable, Row, Select, Table

from storage.sql.dialects.dialect import SqlDialect

R = TypeVar("R")

Parameters = Mapping[str, Any] | Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Rows:
    """What a statement returned, fetched to the end."""

    all: Sequence[Row[Any]]
    count: int
    """Rows changed, of a statement that changes and returns none."""

    @property
    def first(self) -> Row[Any] | None:
        """The first row, or None."""
        return self.all[0] if self.all else None


class Connection(ABC):
    """One transaction on one database connection."""

    def __init__(self, dialect: SqlDialect) -> None:
        self.dialect = dialect
        self.topics: set[str] = set()
        self.failure: Exception | None = None
        """Why this transaction cannot commit any more, even if its function went on after the
        error: PostgreSQL would turn the commit into a rollback without a word."""

    def fire(self, topic: str) -> None:
        """Fires a signal once the transaction has committed."""
        self.topics.add(topic)

    @contextmanager
    def failing(self) -> Iterator[None]:
        """Remembers the error of a statement."""
        try:
            yield
        except Exception as error:
            self.failure = self.failure or error
            raise

    @abstractmethod
    async def execute(self, statement: Executable, parameters: Parameters | None = None) -> Rows:
        """Runs a statement; a list of parameters runs it once for each, without rows. Raises the
        errors of `storage.contract.errors`."""

    async def change(self, statement: Executable, parameters: Mapping[str, Any]) -> int:
        """Runs a statement that is built once and returns no rows. Returns how many rows it
        changed. Raises the errors of `storage.contract.errors`."""
        return (await self.execute(statement, parameters)).count

    async def fetch(
        self, statement: Executable, parameters: Mapping[str, Any]
    ) -> Sequence[Sequence[Any]]:
        """The rows of a statement that is built once. Raises the errors of
        `storage.contract.errors`."""
        return (await self.execute(statement, parameters)).all

    async def fetch_records(
        self, record: type[R], statement: Executable, parameters: Mapping[str, Any]
    ) -> list[R]:
        """The rows of a statement that is built once, as records whose fields are exactly its
        columns. Raises the errors of `storage.contract.errors`."""
        return read_records(record, (await self.execute(statement, parameters)).all)

    async def fetch_many_records(
        self, record: type[R], statement: Select[Any], parameters: Mapping[str, Any]
    ) -> list[R]:
        """Like `fetch_records`, for hundreds of rows in no order, of columns that are texts and
        whole numbers in the database."""
        return await self.fetch_records(record, statement, parameters)

    @abstractmethod
    async def insert_rows(
        self, table: Table, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]
    ) -> None:
        """Inserts many rows as fast as the driver can. Values are as `dialect` writes them."""

    @abstractmethod
    async def insert_missing_rows(
        self, table: Table, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]
    ) -> None:
        """Inserts many rows as `insert_rows` does, but for those whose primary key is there
        already: these stay as they are."""

    @abstractmethod
    async def upsert_rows(
        self, table: Table, columns: Sequence[str], rows: Sequence[tuple[Any, ...]], kept: Set[str]
    ) -> None:
        """Inserts many rows as `insert_rows` does; one whose primary key is there replaces the
        columns of the row that are not `kept`. No key may be among the rows twice."""


def insert_missing_clause(table: Table) -> str:
    """The ON CONFLICT that both databases understand, of rows that are left out if they are
    there."""
    return (
        f"ON CONFLICT ({', '.join(column.name for column in table.primary_key.columns)}) DO NOTHING"
    )


def upsert_clause(table: Table, columns: Sequence[str], kept: Set[str]) -> str:
    """The ON CONFLICT that both databases understand."""
    key = [column.name for column in table.primary_key.columns]
    changes = ", ".join(
        f"{name} = excluded.{name}" for name in columns if name not in key and name not in kept
    )
    return f"ON CONFLICT ({', '.join(key)}) DO UPDATE SET {changes}"


def read_record(record: type[R], row: Row[Any]) -> R:
    """The record whose fields are exactly the columns of the row."""
    # `setters_of` is cached by class; mypy does not take one as hashable.
    return _read(record, setters_of(record, row._fields), row)  # type: ignore[arg-type]


def read_records(record: type[R], rows: Sequence[Row[Any]]) -> list[R]:
    """The records of several rows of one result."""
    if not rows:
        return []
    setters = setters_of(record, rows[0]._fields)  # type: ignore[arg-type]  # a class is hashable
    return [_read(record, setters, row) for row in rows]


def _read(record: type[R], setters: Sequence[Callable[[R, Any], None]], row: Row[Any]) -> R:
    # As the constructor of a frozen dataclass does, but without handing over its fields by name:
    # that is most of the cost of reading a row.
    made = object.__new__(record)
    for put, value in zip(setters, row, strict=True):
        put(made, value)
    return made


@lru_cache
def setters_of(record: Any, columns: tuple[str, ...]) -> tuple[Callable[[Any, Any], None], ...]:
    """What sets the fields that bear the names of the columns. Raises TypeError if there are
    others, or more to do."""
    if sorted(columns) != sorted(record.__slots__) or hasattr(record, "__post_init__"):
        raise TypeError(f"{record.__name__} is not made of {', '.join(columns)}")
    return tuple(getattr(record, name).__set__ for name in columns)


def record_values(record: object) -> dict[str, Any]:
    """The fields of a record by name: unlike `dataclasses.asdict`, it copies nothing inside
    them."""
    # Every record is a dataclass with slots.
    return {name: getattr(record, name) for name in record.__slots__}  # type: ignore[attr-defined]

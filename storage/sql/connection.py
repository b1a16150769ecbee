"""A connection inside one transaction, as the statements of both databases use it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence, Set
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import Executable, Row, Table

from storage.sql.dialects.dialect import SqlDialect

R = TypeVar("R")

Parameters = Mapping[str, Any] | Sequence[Mapping[str, Any]]

REVISION = "SELECT version_num FROM alembic_version"
"""That of the schema, as migrations note it."""


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
        rows = await self.execute(statement, parameters)
        return [read_record(record, row) for row in rows.all]

    @abstractmethod
    async def insert_rows(
        self,
        table: Table,
        columns: Sequence[str],
        rows: Sequence[tuple[Any, ...]],
        on_conflict: str = "",
    ) -> None:
        """Inserts many rows as fast as the driver can. Values are as `dialect` writes them.
        `on_conflict` is one of `or_leave` and `or_replace`."""


def or_leave(table: Table) -> str:
    """The ON CONFLICT, which both databases understand, of rows that stay as they are where their
    primary key is there already."""
    return (
        f"ON CONFLICT ({', '.join(column.name for column in table.primary_key.columns)}) DO NOTHING"
    )


def or_replace(
    key: Sequence[str], columns: Sequence[str], kept: Set[str], condition: str = ""
) -> str:
    """The ON CONFLICT, which both databases understand, of rows that replace the columns that are
    not `kept`, where their `key`, which is unique, is there already; with a condition, where that
    holds. No key may be among the rows twice."""
    changes = ", ".join(
        f"{name} = excluded.{name}" for name in columns if name not in key and name not in kept
    )
    where = f" WHERE {condition}" if condition else ""
    return f"ON CONFLICT ({', '.join(key)}) DO UPDATE SET {changes}{where}"


def read_record(record: type[R], row: Row[Any]) -> R:
    """The record whose fields are exactly the columns of the row."""
    return record(**row._mapping)


def record_values(record: object) -> dict[str, Any]:
    """The fields of a record by name: unlike `dataclasses.asdict`, it copies nothing inside
    them."""
    # Every record is a dataclass with slots.
    return {name: getattr(record, name) for name in record.__slots__}  # type: ignore[attr-defined]

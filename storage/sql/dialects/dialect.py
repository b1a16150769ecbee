"""The parts of a statement in which databases differ, as an interface."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import Enum
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    ColumnElement,
    FromClause,
    Numeric,
    Select,
    Table,
    Text,
    func,
    literal_column,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.types import TypeEngine

from storage.sql.dialects.types import JSON_TEXT, Instant
from storage.sql.dialects.values import SqlValue

Insert = sqlite.Insert | postgresql.Insert


_NEEDS_ESCAPE = re.compile(r'["\\\x00-\x1f]')


_OVERFLOW: ColumnElement[Decimal] = literal_column(str(2**1024 - 2**970), Numeric())
"""From here on a number rounds to more than the largest double."""


_DATE_LENGTH = len("2026-03-01")


class ColumnKind(Enum):
    """What a column of a row set holds."""

    TEXT = Text()
    INTEGER = BigInteger()
    BOOLEAN = Boolean()
    INSTANT = Instant()
    JSON = JSON_TEXT
    """An object."""


@dataclass(frozen=True, slots=True)
class RowSet:
    """Rows given as parameters, to be joined with: any number of them in one statement, whose text
    stays the same."""

    name: str
    kinds: dict[str, ColumnKind]
    table: FromClause

    @property
    def c(self) -> Any:
        """Its columns, by name."""
        return self.table.c


class SqlDialect(ABC):
    """The parts of a statement that differ."""

    single_writer: bool
    """Whether one transaction writes at a time: rows need no locks, and what was read is still so
    when it is changed. Otherwise transactions write side by side."""

    @abstractmethod
    def insert(self, table: Table) -> Any:
        """An INSERT that has `on_conflict_do_nothing` and `on_conflict_do_update`."""

    @abstractmethod
    def encode_instant(self, value: datetime) -> object:
        """An instant as a bulk insert writes it. Raises ValueError for a naive one."""

    @abstractmethod
    def row_set(self, name: str, **kinds: ColumnKind) -> RowSet:
        """A row set with these columns. `name` must be unique in its statement."""

    @abstractmethod
    def row_set_parameters(self, rows: RowSet, values: Iterable[Sequence[Any]]) -> dict[str, Any]:
        """The parameters that carry `values`, each with the columns in order."""

    @abstractmethod
    def json_value(self, document: ColumnElement[Any], path: Sequence[str]) -> SqlValue:
        """The member at `path`, through objects only."""

    @abstractmethod
    def json_any(
        self,
        document: ColumnElement[Any],
        path: Sequence[str],
        condition: Callable[[SqlValue], ColumnElement[bool]],
    ) -> ColumnElement[bool]:
        """Whether the member at `path` is a list, and the condition holds for one of its
        elements."""

    @abstractmethod
    def constants(self, values: Sequence[Any], kind: TypeEngine[Any]) -> Select[Any]:
        """A query of these values, given as one parameter."""

    @abstractmethod
    def by_code_point(self, text: ColumnElement[str]) -> ColumnElement[str]:
        """The text, so that `<` compares code points."""

    @abstractmethod
    def is_within(
        self, needle: ColumnElement[str], haystack: ColumnElement[str]
    ) -> ColumnElement[bool]:
        """Whether one text is part of another, the same characters in the same case."""

    @abstractmethod
    def parse_instant(self, text: ColumnElement[str]) -> ColumnElement[Any]:
        """The Instant that `storage.model.instants.parse_instant` reads, or NULL."""

    @abstractmethod
    def lies_within(
        self, instant: ColumnElement[Any], earliest: datetime | None, latest: datetime
    ) -> ColumnElement[bool]:
        """Whether the instant is in between, or at one of these; from ever if there is no earliest.
        Works the instant out once."""

    @abstractmethod
    def format_instant(self, instant: ColumnElement[Any]) -> ColumnElement[str]:
        """What `storage.model.instants.format_instant` writes."""

    @abstractmethod
    def first_of(self, strings: ColumnElement[Any]) -> ColumnElement[Any]:
        """The first of a `Strings` column; NULL if there is none."""


def _is_null(kind: ColumnElement[Any]) -> ColumnElement[bool]:
    return func.coalesce(kind, _word("null"), type_=Text()) == _word("null")


def _word(text: str) -> ColumnElement[str]:
    """A constant of our own, written into the statement: the planner sees it, and it takes no
    parameter."""
    return literal_column("'" + text.replace("'", "''") + "'", Text())

"""Where SQLite and PostgreSQL differ in SQL, and only here."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Executable,
    FromClause,
    Table,
    Text,
    and_,
    bindparam,
    case,
    cast,
    column,
    exists,
    false,
    func,
    literal,
    not_,
    select,
    true,
    type_coerce,
)
from sqlalchemy.dialects import postgresql, sqlite

from server.domain.criteria import Scalar
from storage.sql.types import Instant, dump_json, require_aware, to_microseconds

Insert = sqlite.Insert | postgresql.Insert

_LARGEST_SQLITE_INTEGER = 2**63 - 1


class Kind(Enum):
    """What a column of a row set holds."""

    TEXT = Text()
    INTEGER = BigInteger()
    INSTANT = Instant()


@dataclass(frozen=True, slots=True)
class RowSet:
    """Rows given as parameters, to be joined with: any number of them in one statement, whose text stays the same."""

    name: str
    kinds: dict[str, Kind]
    table: FromClause

    @property
    def c(self) -> Any:
        """Its columns, by name."""
        return self.table.c


class SqlDialect(ABC):
    """The parts of a statement that differ."""

    locks_rows: bool
    """Whether transactions run side by side, so that rows must be locked."""

    @abstractmethod
    def insert(self, table: Table) -> Any:
        """An INSERT that has `on_conflict_do_nothing` and `on_conflict_do_update`."""

    @abstractmethod
    def encode_instant(self, value: datetime) -> object:
        """An instant as a bulk insert writes it. Raises ValueError for a naive one."""

    @abstractmethod
    def row_set(self, name: str, **kinds: Kind) -> RowSet:
        """A row set with these columns. `name` must be unique in its statement."""

    @abstractmethod
    def row_set_parameters(self, rows: RowSet, values: Iterable[Sequence[Any]]) -> dict[str, Any]:
        """The parameters that carry `values`, each with the columns in order."""

    @abstractmethod
    def serialize(self, name: str) -> Executable | None:
        """A statement that no other transaction gets past with the same `name` until this one ends; None where only one writes."""

    @abstractmethod
    def json_equals(self, document: ColumnElement[Any], path: Sequence[str], value: Scalar) -> ColumnElement[bool]:
        """Whether the member at `path`, through objects only, has this type and value. See `People.list_matching`."""


class SqliteDialect(SqlDialect):
    """SQLite, from 3.35 on (RETURNING)."""

    locks_rows = False

    def insert(self, table: Table) -> sqlite.Insert:
        return sqlite.insert(table)

    def encode_instant(self, value: datetime) -> int:
        return to_microseconds(value)

    def row_set(self, name: str, **kinds: Kind) -> RowSet:
        # One JSON text instead of a variable for each value: SQLite limits how many variables a statement has.
        each = func.json_each(bindparam(name, type_=Text())).table_valued("value", name=f"{name}_json")
        values = [func.json_extract(each.c.value, f"$[{index}]") for index in range(len(kinds))]
        columns = (type_coerce(value, kind.value).label(label) for value, (label, kind) in zip(values, kinds.items(), strict=True))
        return RowSet(name, kinds, select(*columns).subquery(name))

    def row_set_parameters(self, rows: RowSet, values: Iterable[Sequence[Any]]) -> dict[str, Any]:
        return {rows.name: dump_json([[_plain(value) for value in row] for row in values])}

    def serialize(self, name: str) -> None:
        return None

    def json_equals(self, document: ColumnElement[Any], path: Sequence[str], value: Scalar) -> ColumnElement[bool]:
        # Member by member with json_each: a JSON path cannot quote a key that holds a quote, and older versions compare escaped keys as
        # written.
        member = func.json_each(document).table_valued("key", "value", "type", name="member_0")
        source: FromClause = member
        conditions = [member.c.key == path[0]]
        for depth, key in enumerate(path[1:], start=1):
            parent = case((member.c.type == "object", member.c.value), else_="{}")
            member = func.json_each(parent).table_valued("key", "value", "type", name=f"member_{depth}")
            source = source.join(member, true())
            conditions.append(member.c.key == key)
        found = select(literal(1)).select_from(source).where(*conditions)
        if value is None:
            return not_(exists(found.where(member.c.type != "null")))
        return exists(found.where(_sqlite_equals(member.c.type, member.c.value, value)))


class PostgresDialect(SqlDialect):
    """PostgreSQL, from 12 on (MATERIALIZED)."""

    locks_rows = True

    def insert(self, table: Table) -> postgresql.Insert:
        return postgresql.insert(table)

    def encode_instant(self, value: datetime) -> datetime:
        return require_aware(value)

    def row_set(self, name: str, **kinds: Kind) -> RowSet:
        arrays = (bindparam(f"{name}_{label}", type_=ARRAY(kind.value)) for label, kind in kinds.items())
        columns = (column(label, kind.value) for label, kind in kinds.items())
        return RowSet(name, kinds, func.unnest(*arrays).table_valued(*columns, name=name).render_derived(name=name))

    def row_set_parameters(self, rows: RowSet, values: Iterable[Sequence[Any]]) -> dict[str, Any]:
        columns = list(zip(*values, strict=True)) or [()] * len(rows.kinds)
        return {f"{rows.name}_{label}": list(column) for label, column in zip(rows.kinds, columns, strict=True)}

    def serialize(self, name: str) -> Executable:
        return select(func.pg_advisory_xact_lock(func.hashtextextended(name, 0)))

    def json_equals(self, document: ColumnElement[Any], path: Sequence[str], value: Scalar) -> ColumnElement[bool]:
        if not _fits_jsonb(value):
            return false()
        node = document
        for key in path:
            # The operator with text looks into objects only; #> would take "0" for an index. A key with NUL cannot be there.
            node = node.op("->", return_type=postgresql.JSONB())(literal(None if "\0" in key else key, Text()))
        # As jsonb, 1 equals 1.0 and differs from true and from "1".
        return cast(func.coalesce(node, _jsonb(None)), postgresql.JSONB()) == _jsonb(value)


SQLITE = SqliteDialect()
POSTGRES = PostgresDialect()


def _plain(value: object) -> object:
    return to_microseconds(value) if isinstance(value, datetime) else value


def _sqlite_equals(kind: ColumnElement[Any], found: ColumnElement[Any], value: str | float) -> ColumnElement[bool]:
    if isinstance(value, bool):
        return kind == ("true" if value else "false")
    if isinstance(value, str):
        return and_(kind == "text", found == value)
    # An integer that SQLite cannot hold was read by it as a real.
    fits = not isinstance(value, int) or abs(value) <= _LARGEST_SQLITE_INTEGER
    return and_(kind.in_(("integer", "real")), found == literal(value if fits else float(value)))


def _fits_jsonb(value: Scalar) -> bool:
    return not (isinstance(value, str) and "\0" in value) and not (isinstance(value, float) and not math.isfinite(value))


def _jsonb(value: Scalar) -> ColumnElement[Any]:
    return cast(literal(dump_json(value), Text()), postgresql.JSONB())

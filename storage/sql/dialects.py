"""Where SQLite and PostgreSQL differ in SQL, and only here."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import Enum
from functools import cached_property
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    ColumnElement,
    Double,
    Executable,
    FromClause,
    Integer,
    Numeric,
    Select,
    Table,
    Text,
    bindparam,
    case,
    cast,
    column,
    exists,
    false,
    func,
    literal,
    literal_column,
    or_,
    select,
    true,
    type_coerce,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.types import TypeEngine

from server.domain.criteria import INSTANT_PATTERN
from storage.sql.types import JSON_TEXT, Instant, dump_json, require_aware, to_microseconds
from storage.sql.values import SqlValue

Insert = sqlite.Insert | postgresql.Insert

_NEEDS_ESCAPE = re.compile(r'["\\\x00-\x1f]')
_OVERFLOW: ColumnElement[Decimal] = literal_column(str(2**1024 - 2**970), Numeric())
"""From here on a number rounds to more than the largest double."""
_POSTGRES_INFINITY: ColumnElement[float] = literal_column("'Infinity'::float8", Double())
_DATE_LENGTH = len("2026-03-01")


class Kind(Enum):
    """What a column of a row set holds."""

    TEXT = Text()
    INTEGER = BigInteger()
    BOOLEAN = Boolean()
    INSTANT = Instant()
    JSON = JSON_TEXT
    """An object."""


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
    def json_value(self, document: ColumnElement[Any], path: Sequence[str]) -> SqlValue:
        """The member at `path`, through objects only."""

    @abstractmethod
    def json_any(
        self, document: ColumnElement[Any], path: Sequence[str], condition: Callable[[SqlValue], ColumnElement[bool]]
    ) -> ColumnElement[bool]:
        """Whether the member at `path` is a list, and the condition holds for one of its elements."""

    @abstractmethod
    def constants(self, values: Sequence[Any], kind: TypeEngine[Any]) -> Select[Any]:
        """A query of these values, given as one parameter."""

    @abstractmethod
    def by_code_point(self, text: ColumnElement[str]) -> ColumnElement[str]:
        """The text, so that `<` compares code points."""

    @abstractmethod
    def is_within(self, needle: ColumnElement[str], haystack: ColumnElement[str]) -> ColumnElement[bool]:
        """Whether one text is part of another, the same characters in the same case."""

    @abstractmethod
    def parse_instant(self, text: ColumnElement[str]) -> ColumnElement[Any]:
        """The Instant that `server.domain.criteria.parse_instant` reads, or NULL."""

    @abstractmethod
    def lies_within(self, instant: ColumnElement[Any], earliest: datetime | None, latest: datetime) -> ColumnElement[bool]:
        """Whether the instant is in between, or at one of these; from ever if there is no earliest. Works the instant out once."""

    @abstractmethod
    def format_instant(self, instant: ColumnElement[Any]) -> ColumnElement[str]:
        """What `server.domain.criteria.format_instant` writes."""

    @abstractmethod
    def first_of(self, strings: ColumnElement[Any]) -> ColumnElement[Any]:
        """The first of a `Strings` column; NULL if there is none."""


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
        values = [func.json_extract(each.c.value, _word(f"$[{index}]")) for index in range(len(kinds))]
        columns = (type_coerce(value, kind.value).label(label) for value, (label, kind) in zip(values, kinds.items(), strict=True))
        return RowSet(name, kinds, select(*columns).subquery(name))

    def row_set_parameters(self, rows: RowSet, values: Iterable[Sequence[Any]]) -> dict[str, Any]:
        # By column, not by value: most columns of most rows are as JSON takes them.
        encoders = [(index, _ENCODERS[kind]) for index, kind in enumerate(rows.kinds.values()) if kind in _ENCODERS]
        plain = [list(row) for row in values]
        for row in plain:
            for index, encode in encoders:
                if row[index] is not None:
                    row[index] = encode(row[index])
        return {rows.name: dump_json(plain)}

    def serialize(self, name: str) -> None:
        return None

    def first_of(self, strings: ColumnElement[Any]) -> ColumnElement[Any]:
        return func.json_extract(strings, "$[0]", type_=Text())

    def json_value(self, document: ColumnElement[Any], path: Sequence[str]) -> SqlValue:
        return _SqliteJson(*_sqlite_member(document, path))

    def json_any(
        self, document: ColumnElement[Any], path: Sequence[str], condition: Callable[[SqlValue], ColumnElement[bool]]
    ) -> ColumnElement[bool]:
        kind, value = _sqlite_member(document, path)
        elements = func.json_each(case((kind == _word("array"), value), else_=_word("[]"))).table_valued("value", "type", name="element")
        return exists(select(literal(1)).select_from(elements).where(condition(_SqliteJson(elements.c.type, elements.c.value))))

    def constants(self, values: Sequence[Any], kind: TypeEngine[Any]) -> Select[Any]:
        each = func.json_each(literal(dump_json(list(values)), Text())).table_valued("value", name="constant")
        return select(cast(each.c.value, kind))

    def by_code_point(self, text: ColumnElement[str]) -> ColumnElement[str]:
        return text

    def is_within(self, needle: ColumnElement[str], haystack: ColumnElement[str]) -> ColumnElement[bool]:
        return func.instr(haystack, needle) > 0

    def parse_instant(self, text: ColumnElement[str]) -> ColumnElement[Any]:
        return func.carillon_instant(text, type_=Instant())

    def lies_within(self, instant: ColumnElement[Any], earliest: datetime | None, latest: datetime) -> ColumnElement[bool]:
        until = literal(latest, Instant())
        return instant <= until if earliest is None else instant.between(literal(earliest, Instant()), until)

    def format_instant(self, instant: ColumnElement[Any]) -> ColumnElement[str]:
        microseconds = type_coerce(instant, BigInteger())
        fraction = (microseconds % 1_000_000 + 1_000_000) % 1_000_000
        second = (microseconds - fraction) // 1_000_000
        return func.strftime(_word("%Y-%m-%dT%H:%M:%S"), second, _word("unixepoch"), type_=Text()).concat(
            func.printf(_word(".%06dZ"), fraction)
        )


class PostgresDialect(SqlDialect):
    """PostgreSQL, from 12 on (MATERIALIZED)."""

    locks_rows = True

    def insert(self, table: Table) -> postgresql.Insert:
        return postgresql.insert(table)

    def encode_instant(self, value: datetime) -> datetime:
        return require_aware(value)

    def row_set(self, name: str, **kinds: Kind) -> RowSet:
        arrays = (bindparam(f"{name}_{label}", type_=ARRAY(kind.value, dimensions=1)) for label, kind in kinds.items())
        columns = (column(label, kind.value) for label, kind in kinds.items())
        return RowSet(name, kinds, func.unnest(*arrays).table_valued(*columns, name=name).render_derived(name=name))

    def row_set_parameters(self, rows: RowSet, values: Iterable[Sequence[Any]]) -> dict[str, Any]:
        columns = list(zip(*values, strict=True)) or [()] * len(rows.kinds)
        return {f"{rows.name}_{label}": list(column) for label, column in zip(rows.kinds, columns, strict=True)}

    def serialize(self, name: str) -> Executable:
        return select(func.pg_advisory_xact_lock(func.hashtextextended(name, 0)))

    def first_of(self, strings: ColumnElement[Any]) -> ColumnElement[Any]:
        return strings.op("->>", return_type=Text())(literal(0, Integer()))

    def json_value(self, document: ColumnElement[Any], path: Sequence[str]) -> SqlValue:
        return _PostgresJson(_postgres_member(document, path))

    def json_any(
        self, document: ColumnElement[Any], path: Sequence[str], condition: Callable[[SqlValue], ColumnElement[bool]]
    ) -> ColumnElement[bool]:
        node = _postgres_member(document, path)
        found = case((func.jsonb_typeof(node) == _word("array"), node), else_=cast(_word("[]"), postgresql.JSONB()))
        elements = func.jsonb_array_elements(found).table_valued(column("value", postgresql.JSONB()), name="element").render_derived()
        return exists(select(literal(1)).select_from(elements).where(condition(_PostgresJson(elements.c.value))))

    def constants(self, values: Sequence[Any], kind: TypeEngine[Any]) -> Select[Any]:
        return select(func.unnest(literal(list(values), ARRAY(kind))).column_valued("constant"))

    def by_code_point(self, text: ColumnElement[str]) -> ColumnElement[str]:
        return text.collate("C")

    def is_within(self, needle: ColumnElement[str], haystack: ColumnElement[str]) -> ColumnElement[bool]:
        return func.strpos(haystack, needle) > 0

    def parse_instant(self, text: ColumnElement[str]) -> ColumnElement[Any]:
        # What the pattern lets through, the cast can read. It would round a seventh digit up, so those are cut.
        exact = func.regexp_replace(text, _word("([.][0-9]{6})[0-9]+"), _word("\\1"))
        in_utc = case((func.length(text) == _DATE_LENGTH, text.concat(_word(" 00:00Z"))), else_=exact)
        return case((text.regexp_match(_word(f"^(?:{INSTANT_PATTERN})$")), cast(in_utc, Instant())))

    def lies_within(self, instant: ColumnElement[Any], earliest: datetime | None, latest: datetime) -> ColumnElement[bool]:
        # BETWEEN would be taken apart into two comparisons, each with an instant of its own.
        window = func.tstzrange(literal(earliest, Instant()), literal(latest, Instant()), _word("[]"))
        return window.op("@>", return_type=Boolean())(instant)

    def format_instant(self, instant: ColumnElement[Any]) -> ColumnElement[str]:
        return func.to_char(func.timezone(_word("UTC"), instant), _word('YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), type_=Text())


SQLITE = SqliteDialect()
POSTGRES = PostgresDialect()


_ENCODERS: dict[Kind, Callable[[Any], object]] = {Kind.INSTANT: to_microseconds, Kind.JSON: dump_json}
"""How SQLite keeps what JSON has no form for; an object stays the text it is kept as."""


def _sqlite_member(document: ColumnElement[Any], path: Sequence[str]) -> tuple[ColumnElement[Any], ColumnElement[Any]]:
    """Type and value of a member, as json_type and json_extract give them."""
    if not any(map(_NEEDS_ESCAPE.search, path)):
        place = literal("$" + "".join(f'."{key}"' for key in path), Text())
        return func.json_type(document, place), func.json_extract(document, place)
    # A path cannot quote a key that holds a quote, and older versions compare escaped keys as written: those are looked for one by one.
    member = func.json_each(document).table_valued("key", "value", "type", name="member_0")
    source: FromClause = member
    conditions = [member.c.key == path[0]]
    for depth, key in enumerate(path[1:], start=1):
        parent = case((member.c.type == "object", member.c.value), else_="{}")
        member = func.json_each(parent).table_valued("key", "value", "type", name=f"member_{depth}")
        source = source.join(member, true())
        conditions.append(member.c.key == key)
    kind, value = (select(found).select_from(source).where(*conditions).scalar_subquery() for found in (member.c.type, member.c.value))
    return kind, value


class _SqliteJson:
    """A SqlValue of what json_type and json_extract give. Made as asked for: a comparison needs one or two of its sides."""

    def __init__(self, kind: ColumnElement[Any], value: ColumnElement[Any]) -> None:
        self._kind = kind
        self._value = value

    @cached_property
    def text(self) -> ColumnElement[str]:
        return case((self._kind == _word("text"), type_coerce(self._value, Text())))

    @cached_property
    def number(self) -> ColumnElement[float]:
        # Integers too: a number is a double, wherever it is compared.
        return case((or_(self._kind == _word("integer"), self._kind == _word("real")), cast(self._value, Double())))

    @cached_property
    def boolean(self) -> ColumnElement[bool]:
        return case((self._kind == _word("true"), true()), (self._kind == _word("false"), false()))

    @cached_property
    def is_null(self) -> ColumnElement[bool]:
        return _is_null(self._kind)

    @cached_property
    def filled(self) -> ColumnElement[bool]:
        return case((self._kind == _word("object"), true()), (self._kind == _word("array"), self._value != _word("[]")), else_=false())


def _postgres_member(document: ColumnElement[Any], path: Sequence[str]) -> ColumnElement[Any]:
    for key in path:
        # The operator with text looks into objects only; #> would take "0" for an index.
        document = document.op("->", return_type=postgresql.JSONB())(literal(key, Text()))
    return document


class _PostgresJson:
    """A SqlValue of a jsonb. Made as asked for: a comparison needs one or two of its sides."""

    def __init__(self, node: ColumnElement[Any]) -> None:
        self._node = node
        self._kind = func.jsonb_typeof(node)

    @cached_property
    def text(self) -> ColumnElement[str]:
        return case((self._kind == _word("string"), self._node.op("#>>", return_type=Text())(literal_column("'{}'::text[]"))))

    @cached_property
    def number(self) -> ColumnElement[float]:
        # jsonb holds numbers beyond all doubles; casting those would fail.
        exact = cast(self._node, Numeric())
        fits = func.abs(exact) < _OVERFLOW
        as_double = case((fits, cast(self._node, Double())), (exact > 0, _POSTGRES_INFINITY), else_=-_POSTGRES_INFINITY)
        return case((self._kind == _word("number"), as_double))

    @cached_property
    def boolean(self) -> ColumnElement[bool]:
        return case((self._kind == _word("boolean"), cast(self._node, Boolean())))

    @cached_property
    def is_null(self) -> ColumnElement[bool]:
        return _is_null(self._kind)

    @cached_property
    def filled(self) -> ColumnElement[bool]:
        list_is_filled = func.jsonb_array_length(self._node) > 0
        return case((self._kind == _word("object"), true()), (self._kind == _word("array"), list_is_filled), else_=false())


def _is_null(kind: ColumnElement[Any]) -> ColumnElement[bool]:
    return func.coalesce(kind, _word("null"), type_=Text()) == _word("null")


def _word(text: str) -> ColumnElement[str]:
    """A constant of our own, written into the statement: the planner sees it, and it takes no parameter."""
    return literal_column("'" + text.replace("'", "''") + "'", Text())

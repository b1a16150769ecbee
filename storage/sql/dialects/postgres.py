"""The parts of statements that are PostgreSQL's own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from functools import cached_property
from typing import Any

from sqlalchemy import (
    ARRAY,
    Boolean,
    ColumnElement,
    Double,
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
    select,
    true,
)
from sqlalchemy.dialects import postgresql
from sqlalchemy.types import TypeEngine

from storage.model.instants import INSTANT_PATTERN
from storage.sql.dialects.dialect import (
    _DATE_LENGTH,
    _OVERFLOW,
    ColumnKind,
    RowSet,
    SqlDialect,
    _is_null,
    _word,
)
from storage.sql.dialects.types import Instant, require_aware
from storage.sql.dialects.values import SqlValue

_POSTGRES_INFINITY: ColumnElement[float] = literal_column("'Infinity'::float8", Double())


class PostgresDialect(SqlDialect):
    """PostgreSQL, from 12 on (MATERIALIZED)."""

    single_writer = False

    def insert(self, table: Table) -> postgresql.Insert:
        return postgresql.insert(table)

    def encode_instant(self, value: datetime) -> datetime:
        return require_aware(value)

    def row_set(self, name: str, **kinds: ColumnKind) -> RowSet:
        arrays = (
            bindparam(f"{name}_{label}", type_=ARRAY(kind.value, dimensions=1))
            for label, kind in kinds.items()
        )
        columns = (column(label, kind.value) for label, kind in kinds.items())
        return RowSet(
            name,
            kinds,
            func.unnest(*arrays).table_valued(*columns, name=name).render_derived(name=name),
        )

    def row_set_parameters(self, rows: RowSet, values: Iterable[Sequence[Any]]) -> dict[str, Any]:
        columns = list(zip(*values, strict=True)) or [()] * len(rows.kinds)
        return {
            f"{rows.name}_{label}": list(column)
            for label, column in zip(rows.kinds, columns, strict=True)
        }

    def first_of(self, strings: ColumnElement[Any]) -> ColumnElement[Any]:
        return strings.op("->>", return_type=Text())(literal(0, Integer()))

    def json_value(self, document: ColumnElement[Any], path: Sequence[str]) -> SqlValue:
        return _PostgresJson(_postgres_member(document, path))

    def json_any(
        self,
        document: ColumnElement[Any],
        path: Sequence[str],
        condition: Callable[[SqlValue], ColumnElement[bool]],
    ) -> ColumnElement[bool]:
        node = _postgres_member(document, path)
        found = case(
            (func.jsonb_typeof(node) == _word("array"), node),
            else_=cast(_word("[]"), postgresql.JSONB()),
        )
        elements = (
            func.jsonb_array_elements(found)
            .table_valued(column("value", postgresql.JSONB()), name="element")
            .render_derived()
        )
        return exists(
            select(literal(1))
            .select_from(elements)
            .where(condition(_PostgresJson(elements.c.value)))
        )

    def constants(self, values: Sequence[Any], kind: TypeEngine[Any]) -> Select[Any]:
        return select(func.unnest(literal(list(values), ARRAY(kind))).column_valued("constant"))

    def by_code_point(self, text: ColumnElement[str]) -> ColumnElement[str]:
        return text.collate("C")

    def is_within(
        self, needle: ColumnElement[str], haystack: ColumnElement[str]
    ) -> ColumnElement[bool]:
        return func.strpos(haystack, needle) > 0

    def parse_instant(self, text: ColumnElement[str]) -> ColumnElement[Any]:
        # What the pattern lets through, the cast can read. It would round a seventh digit up, so
        # those are cut.
        exact = func.regexp_replace(text, _word("([.][0-9]{6})[0-9]+"), _word("\\1"))
        in_utc = case(
            (func.length(text) == _DATE_LENGTH, text.concat(_word(" 00:00Z"))), else_=exact
        )
        return case((text.regexp_match(_word(f"^(?:{INSTANT_PATTERN})$")), cast(in_utc, Instant())))

    def lies_within(
        self, instant: ColumnElement[Any], earliest: datetime | None, latest: datetime
    ) -> ColumnElement[bool]:
        # BETWEEN would be taken apart into two comparisons, each with an instant of its own.
        window = func.tstzrange(
            literal(earliest, Instant()), literal(latest, Instant()), _word("[]")
        )
        return window.op("@>", return_type=Boolean())(instant)

    def format_instant(self, instant: ColumnElement[Any]) -> ColumnElement[str]:
        return func.to_char(
            func.timezone(_word("UTC"), instant),
            _word('YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
            type_=Text(),
        )


POSTGRES = PostgresDialect()


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
        return case(
            (
                self._kind == _word("string"),
                self._node.op("#>>", return_type=Text())(literal_column("'{}'::text[]")),
            )
        )

    @cached_property
    def number(self) -> ColumnElement[float]:
        # jsonb holds numbers beyond all doubles; casting those would fail.
        exact = cast(self._node, Numeric())
        fits = func.abs(exact) < _OVERFLOW
        as_double = case(
            (fits, cast(self._node, Double())),
            (exact > 0, _POSTGRES_INFINITY),
            else_=-_POSTGRES_INFINITY,
        )
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
        return case(
            (self._kind == _word("object"), true()),
            (self._kind == _word("array"), list_is_filled),
            else_=false(),
        )

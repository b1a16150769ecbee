"""The parts of statements that are SQLite's own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from functools import cached_property
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Double,
    FromClause,
    Select,
    Table,
    Text,
    bindparam,
    case,
    cast,
    exists,
    false,
    func,
    literal,
    or_,
    select,
    true,
    type_coerce,
)
from sqlalchemy.dialects import sqlite
from sqlalchemy.types import TypeEngine

from storage.sql.dialects.dialect import (
    _NEEDS_ESCAPE,
    ColumnKind,
    RowSet,
    SqlDialect,
    _is_null,
    _word,
)
from storage.sql.dialects.types import Instant, dump_json, to_microseconds
from storage.sql.dialects.values import SqlValue


class SqliteDialect(SqlDialect):
    """SQLite, from 3.35 on (RETURNING)."""

    single_writer = True

    def insert(self, table: Table) -> sqlite.Insert:
        return sqlite.insert(table)

    def encode_instant(self, value: datetime) -> int:
        return to_microseconds(value)

    def row_set(self, name: str, **kinds: ColumnKind) -> RowSet:
        # One JSON text instead of a variable for each value: SQLite limits how many variables a
        # statement has.
        each = func.json_each(bindparam(name, type_=Text())).table_valued(
            "value", name=f"{name}_json"
        )
        values = [
            func.json_extract(each.c.value, _word(f"$[{index}]")) for index in range(len(kinds))
        ]
        columns = (
            type_coerce(value, kind.value).label(label)
            for value, (label, kind) in zip(values, kinds.items(), strict=True)
        )
        return RowSet(name, kinds, select(*columns).subquery(name))

    def row_set_parameters(self, rows: RowSet, values: Iterable[Sequence[Any]]) -> dict[str, Any]:
        # By column, not by value: most columns of most rows are as JSON takes them.
        encoders = [
            (index, _ENCODERS[kind])
            for index, kind in enumerate(rows.kinds.values())
            if kind in _ENCODERS
        ]
        plain = [list(row) for row in values]
        for row in plain:
            for index, encode in encoders:
                if row[index] is not None:
                    row[index] = encode(row[index])
        return {rows.name: dump_json(plain)}

    def first_of(self, strings: ColumnElement[Any]) -> ColumnElement[Any]:
        return func.json_extract(strings, "$[0]", type_=Text())

    def json_value(self, document: ColumnElement[Any], path: Sequence[str]) -> SqlValue:
        return _SqliteJson(*_sqlite_member(document, path))

    def json_any(
        self,
        document: ColumnElement[Any],
        path: Sequence[str],
        condition: Callable[[SqlValue], ColumnElement[bool]],
    ) -> ColumnElement[bool]:
        kind, value = _sqlite_member(document, path)
        elements = func.json_each(
            case((kind == _word("array"), value), else_=_word("[]"))
        ).table_valued("value", "type", name="element")
        return exists(
            select(literal(1))
            .select_from(elements)
            .where(condition(_SqliteJson(elements.c.type, elements.c.value)))
        )

    def constants(self, values: Sequence[Any], kind: TypeEngine[Any]) -> Select[Any]:
        each = func.json_each(literal(dump_json(list(values)), Text())).table_valued(
            "value", name="constant"
        )
        return select(cast(each.c.value, kind))

    def by_code_point(self, text: ColumnElement[str]) -> ColumnElement[str]:
        return text

    def is_within(
        self, needle: ColumnElement[str], haystack: ColumnElement[str]
    ) -> ColumnElement[bool]:
        return func.instr(haystack, needle) > 0

    def parse_instant(self, text: ColumnElement[str]) -> ColumnElement[Any]:
        return func.carillon_instant(text, type_=Instant())

    def lies_within(
        self, instant: ColumnElement[Any], earliest: datetime | None, latest: datetime
    ) -> ColumnElement[bool]:
        until = literal(latest, Instant())
        return (
            instant <= until
            if earliest is None
            else instant.between(literal(earliest, Instant()), until)
        )

    def format_instant(self, instant: ColumnElement[Any]) -> ColumnElement[str]:
        microseconds = type_coerce(instant, BigInteger())
        fraction = (microseconds % 1_000_000 + 1_000_000) % 1_000_000
        second = (microseconds - fraction) // 1_000_000
        return func.strftime(
            _word("%Y-%m-%dT%H:%M:%S"), second, _word("unixepoch"), type_=Text()
        ).concat(func.printf(_word(".%06dZ"), fraction))


SQLITE = SqliteDialect()


_ENCODERS: dict[ColumnKind, Callable[[Any], object]] = {
    ColumnKind.INSTANT: to_microseconds,
    ColumnKind.JSON: dump_json,
}
"""How SQLite keeps what JSON has no form for; an object stays the text it is kept as."""


def _sqlite_member(
    document: ColumnElement[Any], path: Sequence[str]
) -> tuple[ColumnElement[Any], ColumnElement[Any]]:
    """Type and value of a member, as json_type and json_extract give them."""
    if not any(map(_NEEDS_ESCAPE.search, path)):
        place = literal("$" + "".join(f'."{key}"' for key in path), Text())
        return func.json_type(document, place), func.json_extract(document, place)
    # A path cannot quote a key that holds a quote, and older versions compare escaped keys as
    # written: those are looked for one by one.
    member = func.json_each(document).table_valued("key", "value", "type", name="member_0")
    source: FromClause = member
    conditions = [member.c.key == path[0]]
    for depth, key in enumerate(path[1:], start=1):
        parent = case((member.c.type == "object", member.c.value), else_="{}")
        member = func.json_each(parent).table_valued("key", "value", "type", name=f"member_{depth}")
        source = source.join(member, true())
        conditions.append(member.c.key == key)
    kind, value = (
        select(found).select_from(source).where(*conditions).scalar_subquery()
        for found in (member.c.type, member.c.value)
    )
    return kind, value


class _SqliteJson:
    """A SqlValue of what json_type and json_extract give. Made as asked for: a comparison needs one
    or two of its sides."""

    def __init__(self, kind: ColumnElement[Any], value: ColumnElement[Any]) -> None:
        self._kind = kind
        self._value = value

    @cached_property
    def text(self) -> ColumnElement[str]:
        return case((self._kind == _word("text"), type_coerce(self._value, Text())))

    @cached_property
    def number(self) -> ColumnElement[float]:
        # Integers too: a number is a double, wherever it is compared.
        return case(
            (
                or_(self._kind == _word("integer"), self._kind == _word("real")),
                cast(self._value, Double()),
            )
        )

    @cached_property
    def boolean(self) -> ColumnElement[bool]:
        return case((self._kind == _word("true"), true()), (self._kind == _word("false"), false()))

    @cached_property
    def is_null(self) -> ColumnElement[bool]:
        return _is_null(self._kind)

    @cached_property
    def filled(self) -> ColumnElement[bool]:
        return case(
            (self._kind == _word("object"), true()),
            (self._kind == _word("array"), self._value != _word("[]")),
            else_=false(),
        )

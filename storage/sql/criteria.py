"""Criteria as a condition on people: what `server.domain.criteria.matches_person` says, in SQL."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, assert_never

from sqlalchemy import ColumnElement, Double, Text, and_, false, func, literal, not_, or_, true

from server.domain.criteria import (
    All,
    Always,
    Attribute,
    BuiltIn,
    Constant,
    Criteria,
    Dated,
    Either,
    Equal,
    Holds,
    Less,
    Missing,
    Not,
    OneOf,
    Operand,
    Predicate,
    Scalar,
    StartsWith,
    Truthy,
)
from storage.sql.dialects import SqlDialect
from storage.sql.tables import people
from storage.sql.types import Instant
from storage.sql.values import SqlValue

Condition = ColumnElement[bool]

_COLUMNS: dict[BuiltIn, ColumnElement[Any]] = {
    BuiltIn.ID: people.c.person_id,
    BuiltIn.EMAIL: people.c.email,
    BuiltIn.PHONE: people.c.phone,
    BuiltIn.LOCALE: people.c.locale,
    BuiltIn.TIME_ZONE: people.c.time_zone,
    BuiltIn.CREATED_AT: people.c.created_at,
    BuiltIn.UPDATED_AT: people.c.updated_at,
}


def matches(criteria: Criteria, now: datetime, dialect: SqlDialect) -> Condition:
    """Whether a row of `people` meets the criteria; relative dates count from `now`. Never NULL, and no attribute can make it fail."""
    match criteria:
        case Always(value):
            return true() if value else false()
        case All(conditions):
            return and_(true(), *(matches(condition, now, dialect) for condition in conditions))
        case Either(conditions):
            return or_(false(), *(matches(condition, now, dialect) for condition in conditions))
        case Not(condition):
            return not_(matches(condition, now, dialect))
        case _:
            return _Predicates(now, dialect).holds(criteria)


class _Predicates:
    def __init__(self, now: datetime, dialect: SqlDialect) -> None:
        self._now = now
        self._dialect = dialect

    def holds(self, predicate: Predicate) -> Condition:
        match predicate:
            case Truthy(variable):
                return _truthy(self._value(variable))
            case Missing(variable):
                value = self._value(variable)
                return or_(_is_null(value), _where_both(value.text, literal("", Text()), ColumnElement.__eq__))
            case Equal(left, right):
                return _same(self._value(left), self._value(right))
            case OneOf(needle, choices):
                return self._one_of(self._value(needle), choices)
            case Holds(haystack, needle):
                return self._contains(haystack, needle)
            case Less(left, right, or_equal):
                return self._precedes(self._value(left), self._value(right), or_equal)
            case StartsWith(text, prefix):
                return _where_both(self._value(text).text, self._value(prefix).text, _starts)
            case Dated():
                return self._lies_within(self._value(predicate.variable), *predicate.window(self._now))
            case _:
                assert_never(predicate)

    def _value(self, operand: Operand) -> SqlValue:
        match operand:
            case Constant(value):
                return _constant(value)
            case Attribute(path):
                return self._dialect.json_value(people.c.attributes, path)
            case BuiltIn.CREATED_AT | BuiltIn.UPDATED_AT:
                instant = _COLUMNS[operand]
                return SqlValue(text=self._dialect.format_instant(instant), instant=instant)
            case _:
                text = _COLUMNS[operand]
                return SqlValue(text=text, is_null=text.is_(None), instant=self._dialect.parse_instant(text))

    def _one_of(self, needle: SqlValue, choices: tuple[Scalar, ...]) -> Condition:
        texts = [choice for choice in choices if isinstance(choice, str)]
        numbers = [float(choice) for choice in choices if isinstance(choice, int | float) and not isinstance(choice, bool)]
        found = [_same(needle, _constant(choice)) for choice in (None, True, False) if any(choice is other for other in choices)]
        if texts and needle.text is not None:
            found.append(_decided(needle.text.in_(self._dialect.constants(texts, Text()))))
        if numbers and needle.number is not None:
            found.append(_decided(needle.number.in_(self._dialect.constants(numbers, Double()))))
        return or_(false(), *found)

    def _contains(self, haystack: Operand, needle: Operand) -> Condition:
        wanted = self._value(needle)
        is_part = _where_both(wanted.text, self._value(haystack).text, self._dialect.is_within)
        if not isinstance(haystack, Attribute):
            return is_part
        return or_(is_part, self._dialect.json_any(people.c.attributes, haystack.path, lambda element: _same(element, wanted)))

    def _precedes(self, left: SqlValue, right: SqlValue, or_equal: bool) -> Condition:
        compare = ColumnElement.__le__ if or_equal else ColumnElement.__lt__
        texts = [None if text is None else self._dialect.by_code_point(text) for text in (left.text, right.text)]
        return or_(_where_both(texts[0], texts[1], compare), _where_both(left.number, right.number, compare))

    def _lies_within(self, value: SqlValue, earliest: datetime | None, latest: datetime | None) -> Condition:
        if value.instant is None:
            return false()
        after = true() if earliest is None else value.instant >= literal(earliest, Instant())
        until = true() if latest is None else value.instant <= literal(latest, Instant())
        return _decided(and_(after, until))


def _constant(value: Scalar) -> SqlValue:
    if value is None:
        return SqlValue(is_null=true())
    if isinstance(value, bool):
        return SqlValue(boolean=true() if value else false())
    if isinstance(value, str):
        return SqlValue(text=literal(value, Text()))
    return SqlValue(number=literal(float(value), Double()))


def _decided(condition: ColumnElement[Any]) -> Condition:
    """The condition, false where it is NULL."""
    return func.coalesce(condition, false())


def _where_both(left: ColumnElement[Any] | None, right: ColumnElement[Any] | None, compare: Callable[[Any, Any], Any]) -> Condition:
    """The comparison where both are of its type, else false."""
    return false() if left is None or right is None else _decided(compare(left, right))


def _is_null(value: SqlValue) -> Condition:
    return false() if value.is_null is None else value.is_null


def _same(left: SqlValue, right: SqlValue) -> Condition:
    return or_(
        and_(_is_null(left), _is_null(right)),
        *(
            _where_both(one, other, ColumnElement.__eq__)
            for one, other in ((left.text, right.text), (left.number, right.number), (left.boolean, right.boolean))
        ),
    )


def _starts(text: ColumnElement[str], prefix: ColumnElement[str]) -> Condition:
    return func.substr(text, 1, func.length(prefix)) == prefix


def _truthy(value: SqlValue) -> Condition:
    return or_(
        _where_both(value.text, literal("", Text()), ColumnElement.__ne__),
        _where_both(value.number, literal(0.0, Double()), ColumnElement.__ne__),
        false() if value.boolean is None else _decided(value.boolean),
        false() if value.filled is None else value.filled,
    )

"""Translates criteria to a condition of SQL on people. `tests/support/criteria_reference.py` says
in Python what it must mean."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, assert_never

from sqlalchemy import ColumnElement, Double, Text, and_, false, func, literal, not_, or_, true

from storage.model.criteria import (
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
    Received,
    Scalar,
    StartsWith,
    Truthy,
)
from storage.sql.aggregates.received import was_sent
from storage.sql.dialects.dialect import SqlDialect
from storage.sql.dialects.values import SqlValue, TypedValue
from storage.sql.schema.people import people

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
_EMPTY = literal("", Text())


def matches(criteria: Criteria, now: datetime, dialect: SqlDialect) -> Condition:
    """Whether a row of `people` meets the criteria; relative dates count from `now`. Never NULL,
    and no attribute can make it fail."""
    match criteria:
        case Always(value):
            return true() if value else false()
        case All(conditions):
            return and_(true(), *(matches(condition, now, dialect) for condition in conditions))
        case Either(conditions):
            return or_(false(), *(matches(condition, now, dialect) for condition in conditions))
        case Not(condition):
            return not_(matches(condition, now, dialect))
        case Received(campaign_id):
            return was_sent(campaign_id, now)
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
                return _any(value.is_null, _compare(ColumnElement.__eq__, value.text, _EMPTY))
            case Equal(left, right):
                return _same(self._value(left), self._value(right))
            case OneOf(needle, choices):
                return self._one_of(self._value(needle), choices)
            case Holds(haystack, needle):
                return self._contains(haystack, needle)
            case Less(left, right, or_equal):
                return self._precedes(self._value(left), self._value(right), or_equal)
            case StartsWith(text, prefix):
                return _any(_compare(_starts, self._value(text).text, self._value(prefix).text))
            case Dated():
                return self._lies_within(
                    self._value(predicate.variable), *predicate.window(self._now)
                )
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
                return TypedValue(text=self._dialect.format_instant(instant), instant=instant)
            case _:
                text = _COLUMNS[operand]
                return TypedValue(text=text, is_null=text.is_(None))

    def _one_of(self, needle: SqlValue, choices: tuple[Scalar, ...]) -> Condition:
        texts = [choice for choice in choices if isinstance(choice, str)]
        numbers = [
            float(choice)
            for choice in choices
            if isinstance(choice, int | float) and not isinstance(choice, bool)
        ]
        # However many they are, each kind is one parameter and one table looked up in.
        return _any(
            *(
                _same(needle, _constant(rare))
                for rare in (None, True, False)
                if any(choice is rare for choice in choices)
            ),
            needle.text.in_(self._dialect.constants(texts, Text()))
            if texts and needle.text is not None
            else None,
            needle.number.in_(self._dialect.constants(numbers, Double()))
            if numbers and needle.number is not None
            else None,
        )

    def _contains(self, haystack: Operand, needle: Operand) -> Condition:
        wanted = self._value(needle)
        part = _compare(self._dialect.is_within, wanted.text, self._value(haystack).text)
        if not isinstance(haystack, Attribute):
            return _any(part)
        return _any(
            part,
            self._dialect.json_any(
                people.c.attributes, haystack.path, lambda element: _same(element, wanted)
            ),
        )

    def _precedes(self, left: SqlValue, right: SqlValue, or_equal: bool) -> Condition:
        compare = ColumnElement.__le__ if or_equal else ColumnElement.__lt__
        texts = (
            None if text is None else self._dialect.by_code_point(text)
            for text in (left.text, right.text)
        )
        return _any(_compare(compare, *texts), _compare(compare, left.number, right.number))

    def _lies_within(
        self, value: SqlValue, earliest: datetime | None, latest: datetime
    ) -> Condition:
        instant = value.instant if isinstance(value, TypedValue) else None
        if instant is None and value.text is not None:
            instant = self._dialect.parse_instant(value.text)
        return _any(
            None if instant is None else self._dialect.lies_within(instant, earliest, latest)
        )


def _constant(value: Scalar) -> SqlValue:
    if value is None:
        return TypedValue(is_null=true())
    if isinstance(value, bool):
        return TypedValue(boolean=true() if value else false())
    if isinstance(value, str):
        return TypedValue(text=literal(value, Text()))
    return TypedValue(number=literal(float(value), Double()))


def _any(*conditions: Condition | None) -> Condition:
    """Whether one of them holds; None is one that cannot, and one that is NULL does not.

    As one call it also stays one link of a longer chain of conditions: SQLite takes expressions
    that are at most a thousand links deep.
    """
    possible = [condition for condition in conditions if condition is not None]
    return func.coalesce(or_(*possible), false()) if possible else false()


def _compare(
    compare: Callable[[Any, Any], Any],
    left: ColumnElement[Any] | None,
    right: ColumnElement[Any] | None,
) -> Condition | None:
    """The comparison, NULL where one of them is of another type; None if one always is."""
    return None if left is None or right is None else compare(left, right)


def _same(left: SqlValue, right: SqlValue) -> Condition:
    return _any(
        None
        if left.is_null is None or right.is_null is None
        else and_(left.is_null, right.is_null),
        _compare(ColumnElement.__eq__, left.text, right.text),
        _compare(ColumnElement.__eq__, left.number, right.number),
        _compare(ColumnElement.__eq__, left.boolean, right.boolean),
    )


def _starts(text: ColumnElement[str], prefix: ColumnElement[str]) -> Condition:
    return func.substr(text, 1, func.length(prefix)) == prefix


def _truthy(value: SqlValue) -> Condition:
    return _any(
        _compare(ColumnElement.__ne__, value.text, _EMPTY),
        _compare(ColumnElement.__ne__, value.number, literal(0.0, Double())),
        value.boolean,
        value.filled,
    )

"""What criteria mean, of one person in memory: the reference that storage's SQL is held to."""

from __future__ import annotations

import math
from collections.abc import Container, Mapping
from datetime import datetime
from typing import assert_never

from server.domain.contacts.person_fields import DatedPersonFields
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
    StartsWith,
    Truthy,
)
from storage.model.instants import format_instant, microseconds, parse_instant


def matches_person(
    criteria: Criteria, person: DatedPersonFields, now: datetime, received: Container[str] = ()
) -> bool:
    """Whether the person, who was sent the campaigns `received`, meets the criteria; relative dates
    count from `now`. Never raises, whatever the attributes hold."""
    match criteria:
        case Always(value):
            return value
        case All(conditions):
            return all(matches_person(condition, person, now, received) for condition in conditions)
        case Either(conditions):
            return any(matches_person(condition, person, now, received) for condition in conditions)
        case Not(condition):
            return not matches_person(condition, person, now, received)
        case Received(campaign_id):
            return campaign_id in received
        case _:
            return _holds(criteria, person, now)


def _holds(predicate: Predicate, person: DatedPersonFields, now: datetime) -> bool:
    match predicate:
        case Truthy(variable):
            value = _value(variable, person)
            return not (value is None or value is False or value in ("", []) or _same(value, 0))
        case Missing(variable):
            return _value(variable, person) in (None, "")
        case Equal(left, right):
            return _same(_value(left, person), _value(right, person))
        case OneOf(needle, choices):
            value = _value(needle, person)
            return any(_same(value, choice) for choice in choices)
        case Holds(haystack, needle):
            return _contains(_value(haystack, person), _value(needle, person))
        case Less(left, right, or_equal):
            return _precedes(_value(left, person), _value(right, person), or_equal)
        case StartsWith(text, prefix):
            return _starts(_value(text, person), _value(prefix, person))
        case Dated():
            return _lies_within(_value(predicate.variable, person), *predicate.window(now))
        case _:
            assert_never(predicate)


def _value(operand: Operand, person: DatedPersonFields) -> object:
    match operand:
        case Constant(value):
            return value
        case Attribute(path):
            return _attribute(person.attributes, path)
        case BuiltIn.ID:
            return person.person_id
        case BuiltIn.CREATED_AT | BuiltIn.UPDATED_AT:
            return format_instant(getattr(person, operand))
        case _:
            return getattr(person, operand)


def _attribute(attributes: object, path: tuple[str, ...]) -> object:
    for key in path:
        if not isinstance(attributes, Mapping):
            return None
        attributes = attributes.get(key)
    return attributes


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def _same(left: object, right: object) -> bool:
    if left is None or isinstance(left, bool):
        return left is right
    if isinstance(left, str):
        return isinstance(right, str) and left == right
    number = _number(left)
    return number is not None and number == _number(right)


def _precedes(left: object, right: object, or_equal: bool) -> bool:
    if isinstance(left, str) and isinstance(right, str):
        return left < right or (or_equal and left == right)
    lesser, greater = _number(left), _number(right)
    if lesser is None or greater is None:
        return False
    return lesser < greater or (or_equal and lesser == greater)


def _contains(haystack: object, needle: object) -> bool:
    if isinstance(haystack, list):
        return any(_same(element, needle) for element in haystack)
    return isinstance(haystack, str) and isinstance(needle, str) and needle in haystack


def _starts(text: object, prefix: object) -> bool:
    return isinstance(text, str) and isinstance(prefix, str) and text.startswith(prefix)


def _lies_within(value: object, earliest: datetime | None, latest: datetime) -> bool:
    instant = parse_instant(value) if isinstance(value, str) else None
    if instant is None:
        return False
    return (earliest is None or microseconds(earliest) <= instant) and instant <= microseconds(
        latest
    )

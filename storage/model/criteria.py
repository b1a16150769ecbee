"""Criteria once parsed: conditions and the values that they are about. Every condition is true or
false of a person, never undecided.

A value is null, true or false, a number (a double, as JSON has over gRPC), a string, a list or an
object. One that is missing is null.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

Scalar = str | float | int | bool | None

_RESOLUTION = timedelta(microseconds=1)


class BuiltIn(StrEnum):
    """What every person has beside attributes. Each is a string or null; the instants are written
    as `format_instant` does."""

    ID = "id"
    EMAIL = "email"
    PHONE = "phone"
    LOCALE = "locale"
    TIME_ZONE = "time_zone"
    CREATED_AT = "created_at"
    UPDATED_AT = "updated_at"


class Period(StrEnum):
    """Where a date lies, as seen from now."""

    WITHIN_LAST = "within_last"
    WITHIN_NEXT = "within_next"
    LONGER_AGO_THAN = "longer_ago_than"


@dataclass(frozen=True, slots=True)
class Attribute:
    """The attribute at `path`, through objects only."""

    path: tuple[str, ...]


Variable = BuiltIn | Attribute


@dataclass(frozen=True, slots=True)
class Constant:
    """A value written in the criteria."""

    value: Scalar


Operand = Variable | Constant


@dataclass(frozen=True, slots=True)
class Always:
    """True of everybody, or of nobody."""

    value: bool


@dataclass(frozen=True, slots=True)
class All:
    """Every condition holds."""

    conditions: tuple[Criteria, ...]


@dataclass(frozen=True, slots=True)
class Either:
    """At least one condition holds."""

    conditions: tuple[Criteria, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The condition does not hold."""

    condition: Criteria


@dataclass(frozen=True, slots=True)
class Truthy:
    """The value is none of false, 0, "", [] and null: JsonLogic's own rule, by which `{}` and "0"
    are true."""

    variable: Variable


@dataclass(frozen=True, slots=True)
class Equal:
    """Both are null, the same boolean, the same number or the same string. Lists and objects equal
    nothing, not even themselves."""

    left: Operand
    right: Operand


@dataclass(frozen=True, slots=True)
class Less:
    """Both are numbers or both are strings (which compare by code point), and `left` is the lesser,
    or with `or_equal` the same."""

    left: Operand
    right: Operand
    or_equal: bool


@dataclass(frozen=True, slots=True)
class OneOf:
    """The needle equals one of the choices."""

    needle: Operand
    choices: tuple[Scalar, ...]


@dataclass(frozen=True, slots=True)
class Holds:
    """The haystack is a list with an element that equals the needle, or a string and the needle a
    string within it."""

    haystack: Operand
    needle: Operand


@dataclass(frozen=True, slots=True)
class StartsWith:
    """Both are strings, and `text` begins with `prefix`."""

    text: Operand
    prefix: Operand


@dataclass(frozen=True, slots=True)
class Missing:
    """The value is null or ""."""

    variable: Variable


@dataclass(frozen=True, slots=True)
class Dated:
    """The value is a date (see `parse_instant`) in a period that reaches `span` from now."""

    variable: Variable
    period: Period
    span: timedelta

    def window(self, now: datetime) -> tuple[datetime | None, datetime]:
        """Earliest and latest instant that count, both included; without an earliest, from ever.
        "Within the last" has both its ends, and "longer ago than" ends just before it: together
        they are all of the past, and share nothing."""
        match self.period:
            case Period.WITHIN_LAST:
                return now - self.span, now
            case Period.WITHIN_NEXT:
                return now, now + self.span
            case Period.LONGER_AGO_THAN:
                return None, now - self.span - _RESOLUTION


@dataclass(frozen=True, slots=True)
class Received:
    """They were sent a message of the campaign, by now: its status is `sent`."""

    campaign_id: str


Connective = Always | All | Either | Not
Predicate = Truthy | Equal | Less | OneOf | Holds | StartsWith | Missing | Dated
Criteria = Connective | Predicate | Received

EVERYONE = Always(True)

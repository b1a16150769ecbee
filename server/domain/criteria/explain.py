"""Says in plain English what criteria ask."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import assert_never

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
    Period,
    Predicate,
    Received,
    Scalar,
    StartsWith,
    Truthy,
)

CHOICES = 10
"""Most items of a list that are told."""
TEXT_LENGTH = 80
"""Most characters of a string that are told."""

_UNITS = (
    ("day", timedelta(days=1)),
    ("hour", timedelta(hours=1)),
    ("minute", timedelta(minutes=1)),
)
_PERIODS = {
    Period.WITHIN_LAST: "in the last",
    Period.WITHIN_NEXT: "in the next",
    Period.LONGER_AGO_THAN: "longer ago than",
}


def explain(criteria: Criteria, campaigns: Mapping[str, str]) -> str:
    """A sentence that says whom criteria match. `campaigns` has names of campaigns by id; one that
    has no name there is told by its id."""
    match criteria:
        case Always(value):
            return "Everybody in the brand." if value else "Nobody."
        case Not(Always(value)):
            return explain(Always(not value), campaigns)
        case _:
            return f"Everybody for whom {_Sentence(campaigns).of(criteria)}."


class _Sentence:
    def __init__(self, campaigns: Mapping[str, str]) -> None:
        self._campaigns = campaigns

    def of(self, criteria: Criteria, *, is_part: bool = False) -> str:
        """`is_part`: of a longer one, so that what is joined stands in brackets."""
        match criteria:
            case Always(value):
                return "anything holds" if value else "nothing holds"
            case All(conditions) | Either(conditions):
                return self._joined(
                    conditions, "and" if isinstance(criteria, All) else "or", is_part=is_part
                )
            case Not(condition):
                return self._denied(condition)
            case _:
                return self._one(criteria, holds=True)

    def _joined(self, conditions: tuple[Criteria, ...], word: str, *, is_part: bool) -> str:
        if len(conditions) == 1:
            return self.of(conditions[0], is_part=is_part)
        text = f" {word} ".join(self.of(condition, is_part=True) for condition in conditions)
        return f"({text})" if is_part else text

    def _denied(self, condition: Criteria) -> str:
        match condition:
            case Always(value):
                return self.of(Always(not value))
            case Not(inner):
                return self.of(inner, is_part=True)
            case All() | Either():
                return f"it is not so that {self.of(condition, is_part=True)}"
            case _:
                return self._one(condition, holds=False)

    def _one(self, condition: Predicate | Received, *, holds: bool) -> str:
        if isinstance(condition, Received):
            return f"{self._campaign(condition)} {'was' if holds else 'was not'} sent to them"
        return _predicate(condition, holds=holds)

    def _campaign(self, received: Received) -> str:
        campaign_id = received.campaign_id
        return f"the campaign {_constant(self._campaigns.get(campaign_id, campaign_id))}"


def _predicate(predicate: Predicate, *, holds: bool) -> str:
    match predicate:
        case Truthy(variable):
            return f"{_name(variable)} {_is(holds)} set"
        case Missing(variable):
            words = "is missing or empty" if holds else "is neither missing nor empty"
            return f"{_name(variable)} {words}"
        case Equal(left, right):
            return _equal(left, right, holds=holds)
        case OneOf(needle, choices):
            return f"{_name(needle)} {_is(holds)} one of {_list(choices)}"
        case Holds(haystack, needle):
            words = "contains" if holds else "does not contain"
            return f"{_name(haystack)} {words} {_name(needle)}"
        case StartsWith(text, prefix):
            words = "starts with" if holds else "does not start with"
            return f"{_name(text)} {words} {_name(prefix)}"
        case Less():
            return _ordered(predicate, holds=holds)
        case Dated(variable, period, span):
            return f"{_name(variable)} {_is(holds)} {_PERIODS[period]} {_span(span)}"
        case _:
            assert_never(predicate)


def _is(holds: bool) -> str:
    return "is" if holds else "is not"


def _equal(left: Operand, right: Operand, *, holds: bool) -> str:
    if isinstance(left, Constant):
        left, right = right, left
    if right == Constant(None):
        return f"{_name(left)} {_is(holds)} missing"
    return f"{_name(left)} {_is(holds)} {_name(right)}"


def _ordered(less: Less, *, holds: bool) -> str:
    """With the variable first: `18 < age` is "age is more than 18"."""
    turned = isinstance(less.left, Constant)
    subject, other = (less.right, less.left) if turned else (less.left, less.right)
    if less.or_equal:
        words = "at least" if turned else "at most"
    else:
        words = "more than" if turned else "less than"
    if isinstance(other, Constant) and isinstance(other.value, str):
        words = _IN_ORDER_OF_TEXT[words]
    return f"{_name(subject)} {_is(holds)} {words} {_name(other)}"


_IN_ORDER_OF_TEXT = {
    "at least": "the same as or after",
    "at most": "the same as or before",
    "more than": "after",
    "less than": "before",
}


def _name(operand: Operand) -> str:
    match operand:
        case Constant(value):
            return _constant(value)
        case Attribute(path):
            name = ".".join(path)
            return f"attributes.{name}" if path[0] in list(BuiltIn) else name
        case _:
            return operand.value


def _constant(value: Scalar) -> str:
    if isinstance(value, str) and len(value) > TEXT_LENGTH:
        value = f"{value[:TEXT_LENGTH]}…"
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return json.dumps(value, ensure_ascii=False)


def _list(choices: tuple[Scalar, ...]) -> str:
    told = ", ".join(map(_constant, choices[:CHOICES]))
    more = len(choices) - CHOICES
    return f"{told} and {more:,} more" if more > 0 else told


def _span(span: timedelta) -> str:
    """In the longest unit that it is a whole number of."""
    unit, step = next((unit, step) for unit, step in _UNITS if not span % step)
    count = span // step
    return f"{count:,} {unit}{'' if count == 1 else 's'}"

"""Parses criteria strictly, so that a slip is an error and never an audience that nobody meant."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from itertools import pairwise

from server.domain.criteria.operands import (
    LIST_ITEMS,
    Allowance,
    read_campaign_id,
    read_choices,
    read_name,
    read_operand,
    read_var,
    read_variable,
    refusal,
)
from server.domain.validation import OBJECT_BYTES
from storage.model.criteria import (
    EVERYONE,
    All,
    Always,
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
    Received,
    StartsWith,
    Truthy,
)

DEPTH = 16
"""Deepest nesting of conditions."""
YEARS = 100
"""Longest reach of a relative date; beyond, it is a mistake in the unit."""

_UNITS = {
    "minutes": timedelta(minutes=1),
    "hours": timedelta(hours=1),
    "days": timedelta(days=1),
    "weeks": timedelta(weeks=1),
}


def parse_criteria(document: object, field: str) -> Criteria:
    """Reads criteria from any JSON value. Raises ValidationFailed, naming the place inside `field`,
    for anything that is not of this language, or larger than limits here and in `operands` allow.
    What is read can be stored, too."""
    criteria = _Reader().condition(document, field, 1)
    if len(json.dumps(document, ensure_ascii=False).encode()) > OBJECT_BYTES:
        raise refusal(field, f"must be at most {OBJECT_BYTES} bytes as JSON")
    return criteria


class _Reader:
    def __init__(self) -> None:
        self._allowance = Allowance()
        self._operators: dict[str, Callable[[object, str, int], Criteria]] = {
            "and": self._and,
            "or": self._or,
            "!": self._not,
            "var": self._truthy,
            "==": self._equal,
            "!=": self._unequal,
            "<": self._less,
            "<=": self._less_or_equal,
            ">": self._greater,
            ">=": self._greater_or_equal,
            "in": self._in,
            "contains": self._contains,
            "starts_with": self._starts_with,
            "missing": self._missing,
            "within_last": self._dated(Period.WITHIN_LAST),
            "within_next": self._dated(Period.WITHIN_NEXT),
            "longer_ago_than": self._dated(Period.LONGER_AGO_THAN),
            "received": self._received,
        }

    def condition(self, document: object, field: str, depth: int) -> Criteria:
        self._allowance.take_node(field)
        if isinstance(document, bool):
            return Always(document)
        if not isinstance(document, dict):
            raise refusal(
                field,
                'must be a condition such as {"==": [{"var": "plan"}, "pro"]}, or true or false',
            )
        if not document:
            return EVERYONE
        if len(document) > 1:
            raise refusal(
                field,
                'must have exactly one operator; several conditions are joined by "and" or "or"',
            )
        if depth > DEPTH:
            raise refusal(field, f"must not be nested deeper than {DEPTH}")
        ((operator, operands),) = document.items()
        read = self._operators.get(operator) if isinstance(operator, str) else None
        if read is None:
            raise refusal(field, f"unknown operator; known are {' '.join(self._operators)}")
        return read(operands, f"{field}.{operator}", depth)

    def _conditions(self, operands: object, field: str, depth: int) -> tuple[Criteria, ...]:
        if not isinstance(operands, list) or not operands:
            raise refusal(field, "takes a list of at least one condition")
        return tuple(
            self.condition(operand, f"{field}[{index}]", depth + 1)
            for index, operand in enumerate(operands)
        )

    def _and(self, operands: object, field: str, depth: int) -> Criteria:
        return All(self._conditions(operands, field, depth))

    def _or(self, operands: object, field: str, depth: int) -> Criteria:
        return Either(self._conditions(operands, field, depth))

    def _not(self, operands: object, field: str, depth: int) -> Criteria:
        if not isinstance(operands, list):
            return Not(self.condition(operands, field, depth + 1))
        if len(operands) != 1:
            raise refusal(field, "takes one condition")
        return Not(self.condition(operands[0], f"{field}[0]", depth + 1))

    def _truthy(self, operands: object, field: str, _depth: int) -> Criteria:
        return Truthy(read_var(operands, field))

    def _equal(self, operands: object, field: str, _depth: int) -> Criteria:
        left, right = _exactly(2, operands, field)
        return Equal(self._operand(left, f"{field}[0]"), self._operand(right, f"{field}[1]"))

    def _unequal(self, operands: object, field: str, depth: int) -> Criteria:
        return Not(self._equal(operands, field, depth))

    def _less(self, operands: object, field: str, _depth: int) -> Criteria:
        return self._ascending(operands, field, or_equal=False)

    def _less_or_equal(self, operands: object, field: str, _depth: int) -> Criteria:
        return self._ascending(operands, field, or_equal=True)

    def _greater(self, operands: object, field: str, _depth: int) -> Criteria:
        left, right = self._ordered(_exactly(2, operands, field), field)
        return Less(right, left, or_equal=False)

    def _greater_or_equal(self, operands: object, field: str, _depth: int) -> Criteria:
        left, right = self._ordered(_exactly(2, operands, field), field)
        return Less(right, left, or_equal=True)

    def _ascending(self, operands: object, field: str, *, or_equal: bool) -> Criteria:
        if not isinstance(operands, list) or len(operands) not in (2, 3):
            raise refusal(
                field, "takes a list of two operands, or of three to test the one between"
            )
        values = self._ordered(operands, field)
        steps = tuple(Less(left, right, or_equal) for left, right in pairwise(values))
        return steps[0] if len(steps) == 1 else All(steps)

    def _ordered(self, operands: list[object], field: str) -> list[Operand]:
        values = [
            self._operand(operand, f"{field}[{index}]") for index, operand in enumerate(operands)
        ]
        for index, value in enumerate(values):
            if isinstance(value, Constant) and (
                value.value is None or isinstance(value.value, bool)
            ):
                raise refusal(
                    f"{field}[{index}]",
                    "must be a number, a string or a var; true, false and null have no order",
                )
        return values

    def _in(self, operands: object, field: str, _depth: int) -> Criteria:
        needle, haystack = _exactly(2, operands, field)
        return self._membership(haystack, f"{field}[1]", needle, f"{field}[0]")

    def _contains(self, operands: object, field: str, _depth: int) -> Criteria:
        haystack, needle = _exactly(2, operands, field)
        return self._membership(haystack, f"{field}[0]", needle, f"{field}[1]")

    def _membership(
        self, haystack: object, haystack_field: str, needle: object, needle_field: str
    ) -> Criteria:
        wanted = self._operand(needle, needle_field)
        if isinstance(haystack, list):
            self._allowance.take_node(haystack_field)
            return OneOf(wanted, read_choices(haystack, haystack_field, self._allowance))
        within = self._operand(haystack, haystack_field)
        if isinstance(within, Constant):
            _require_string(
                within,
                haystack_field,
                f"must be a var, a string, or a list of at most {LIST_ITEMS:,} constants",
            )
            _require_string(
                wanted, needle_field, "must be a string or a var, to be found in a string"
            )
        return Holds(within, wanted)

    def _starts_with(self, operands: object, field: str, _depth: int) -> Criteria:
        values = [
            self._operand(operand, f"{field}[{index}]")
            for index, operand in enumerate(_exactly(2, operands, field))
        ]
        for index, value in enumerate(values):
            _require_string(value, f"{field}[{index}]", "must be a string or a var")
        text, prefix = values
        return StartsWith(text, prefix)

    def _missing(self, operands: object, field: str, _depth: int) -> Criteria:
        if isinstance(operands, str):
            return Missing(read_name(operands, field))
        if not isinstance(operands, list) or not operands:
            raise refusal(field, 'takes a list of attributes, such as ["city", "address.street"]')
        missing = []
        for index, operand in enumerate(operands):
            self._allowance.take_node(f"{field}[{index}]")
            missing.append(Missing(read_name(operand, f"{field}[{index}]")))
        return missing[0] if len(missing) == 1 else Either(tuple(missing))

    def _dated(self, period: Period) -> Callable[[object, str, int], Criteria]:
        def read(operands: object, field: str, _depth: int) -> Criteria:
            variable, count, unit = _exactly(3, operands, field)
            self._allowance.take_node(f"{field}[0]")
            return Dated(
                read_variable(variable, f"{field}[0]"),
                period,
                _span(count, f"{field}[1]", unit, f"{field}[2]"),
            )

        return read

    def _received(self, operands: object, field: str, _depth: int) -> Criteria:
        return Received(read_campaign_id(operands, field, self._allowance))

    def _operand(self, operand: object, field: str) -> Operand:
        return read_operand(operand, field, self._allowance)


def _exactly(count: int, operands: object, field: str) -> list[object]:
    if not isinstance(operands, list) or len(operands) != count:
        raise refusal(field, f"takes a list of {'two' if count == 2 else 'three'} operands")
    return operands


def _require_string(operand: Operand, field: str, message: str) -> None:
    if isinstance(operand, Constant) and not isinstance(operand.value, str):
        raise refusal(field, message)


def _span(count: object, count_field: str, unit: object, unit_field: str) -> timedelta:
    step = _UNITS.get(unit) if isinstance(unit, str) else None
    if step is None:
        raise refusal(unit_field, f"must be one of {', '.join(_UNITS)}")
    most = timedelta(days=YEARS * 365) // step
    if (
        isinstance(count, bool)
        or not isinstance(count, int | float)
        or not 1 <= count <= most
        or count != int(count)
    ):
        raise refusal(count_field, f"must be a whole number from 1 to {most}")
    return int(count) * step

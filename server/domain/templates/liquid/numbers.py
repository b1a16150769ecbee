"""Liquid's filters over numbers. They calculate in decimal, so that 0.1 and 0.2 are 0.3, and round
half away from zero.

Whole numbers stay whole; as soon as a decimal is part of it, the result is one. Source: Liquid's
reference, `standardfilters.rb`.
"""

from __future__ import annotations

from decimal import MAX_EMAX, MIN_EMIN, ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, Context, Decimal
from math import isinf

from server.domain.templates.liquid.values import Misuse, number_of

_DIGITS = 1000
"""More than any number has, of those that a float or a text may hold, before and behind the point
together."""
_MOST_PLACES = 500
"""Places to round to: more change nothing, and with these there are digits enough for any
number."""
_EXACT = Context(prec=_DIGITS, rounding=ROUND_HALF_UP, Emin=MIN_EMIN, Emax=MAX_EMAX)
_ONE = Decimal(1)

Number = int | float


def absolute(value: object) -> Number:
    """Without its sign."""
    number = number_of(value)
    return _given(number if number >= 0 else -number)


def at_least(value: object, least: object) -> Number:
    """The value, or `least` if that is more."""
    return _given(max(number_of(value), number_of(least)))


def at_most(value: object, most: object) -> Number:
    """The value, or `most` if that is less."""
    return _given(min(number_of(value), number_of(most)))


def ceil(value: object) -> int:
    """Rounded up to a whole number."""
    return _whole(number_of(value), ROUND_CEILING)


def floor(value: object) -> int:
    """Rounded down to a whole number."""
    return _whole(number_of(value), ROUND_FLOOR)


def rounded(value: object, places: object = 0) -> Number:
    """Rounded half away from zero, to whole numbers or to so many places behind the point; before
    it where negative."""
    number, wanted = number_of(value), _whole(number_of(places), ROUND_FLOOR)
    wanted = max(min(wanted, _MOST_PLACES), -_MOST_PLACES)
    if wanted == 0:
        return _whole(number, ROUND_HALF_UP)
    if isinstance(number, int):
        return number if wanted > 0 else _whole(_at_place(Decimal(number), wanted), ROUND_HALF_UP)
    return _given(_at_place(number, wanted))


def plus(value: object, other: object) -> Number:
    """The sum."""
    return _given(_sum(number_of(value), number_of(other)))


def minus(value: object, other: object) -> Number:
    """The difference."""
    return _given(_sum(number_of(value), -number_of(other)))


def times(value: object, other: object) -> Number:
    """The product."""
    left, right = number_of(value), number_of(other)
    return (
        left * right
        if isinstance(left, int) and isinstance(right, int)
        else _given(_EXACT.multiply(left, right))
    )


def divided_by(value: object, other: object) -> Number:
    """The quotient; rounded down to a whole number where both are whole."""
    left, right = number_of(value), _divisor(other)
    return (
        left // right
        if isinstance(left, int) and isinstance(right, int)
        else _given(_EXACT.divide(left, right))
    )


def modulo(value: object, other: object) -> Number:
    """What is left over after dividing, with the sign of the divisor."""
    left, right = number_of(value), _divisor(other)
    if isinstance(left, int) and isinstance(right, int):
        return left % right
    rest = _EXACT.remainder(left, right)
    return _given(_EXACT.add(rest, right) if rest and (rest < 0) != (right < 0) else rest)


def total(numbers: list[object]) -> Number:
    """The sum of all."""
    result: int | Decimal = 0
    for each in numbers:
        result = _sum(result, number_of(each))
    return _given(result)


def _sum(left: int | Decimal, right: int | Decimal) -> int | Decimal:
    return (
        left + right
        if isinstance(left, int) and isinstance(right, int)
        else _EXACT.add(left, right)
    )


def _divisor(value: object) -> int | Decimal:
    number = number_of(value)
    if not number:
        raise Misuse("cannot divide by zero")
    return number


def _at_place(number: Decimal, places: int) -> Decimal:
    return number.quantize(_ONE.scaleb(-places), context=_EXACT)


def _whole(number: int | Decimal, rounding: str) -> int:
    return int(number if isinstance(number, int) else number.to_integral_value(rounding))


def _given(number: int | Decimal) -> Number:
    """A result as templates have it. Raises Misuse if it is too large."""
    if isinstance(number, int):
        return number
    result = float(number)
    if isinf(result):
        raise Misuse("the result is too large")
    return result

"""Values as Liquid sees them: how one becomes text or a number, which are equal, which comes first.

Source of the rules: Liquid's reference implementation (github.com/Shopify/liquid, version 5.13:
`utils.rb`, `condition.rb`, `standardfilters.rb`). It differs in one place: an object prints as
JSON, where the reference prints it as Ruby writes it in code. Objects are walked by their keys in
order, since what carries them here, protobuf's Struct and jsonb, keeps no other.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cmp_to_key
from typing import Any

from liquid import Undefined
from liquid.builtin.expressions.primitive import Blank, Empty
from liquid.exceptions import FilterArgumentError
from liquid.token import Token
from markupsafe import Markup

_DECIMAL = re.compile(r"-?[0-9]+\.[0-9]+")
_LEADING_INTEGER = re.compile(r"[ \t\n\v\f\r]*([+-]?[0-9]+)")
_INTEGER = re.compile(r"[+-]?[0-9]+")
_LONGEST_NUMBER = 400
"""Characters of a number in a text."""
_PLAIN = frozenset({str, Markup, int, float, bool, type(None), list, tuple, dict})
_BLANK = re.compile(r"\s*")


class Misuse(FilterArgumentError):
    """A value that a filter or tag of the template cannot take. The text is for people: no value in
    it, and nothing internal."""

    def __init__(self, text: str, *, token: Token | None = None) -> None:
        super().__init__(text, token=token)
        self.text = text


def settled(value: object) -> object:
    """The value behind what stands for one: nil for what does not exist, an empty text for `empty`
    and `blank`."""
    if value.__class__ in _PLAIN:
        # Asking whether it is an abstract class's takes ten times as long.
        return value
    if isinstance(value, Undefined):
        return None
    return "" if isinstance(value, (Empty, Blank)) else value


def text_of(value: object) -> str:
    """The value as text, as filters take it and output prints it. Markup stays markup; lists and
    objects are JSON."""
    if isinstance(value, str):
        return value
    if isinstance(value, (list, tuple, dict)):
        return json_of(value)
    if isinstance(value, range):
        return f"{value.start}..{value.stop - 1}"
    return _scalar_text(settled(value))


def _scalar_text(value: object) -> str:
    if isinstance(value, int):
        return str(value).lower()
    if isinstance(value, float):
        return float_text(value)
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M:%S} {'UTC' if value.tzinfo is UTC else f'{value:%z}'}"
    if isinstance(value, date):
        return value.isoformat()
    return value if isinstance(value, str) else ""


def float_text(value: float) -> str:
    """A float as Ruby prints it: the shortest decimal that reads back the same, in powers of ten
    only where it is very large or small."""
    text = repr(value)
    if "e" in text:
        mantissa, exponent = text.split("e")
        return f"{mantissa}e{exponent}" if "." in mantissa else f"{mantissa}.0e{exponent}"
    return {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}.get(text, text)


def json_of(value: object) -> str:
    """The value as JSON, the keys of objects in order."""
    return json.dumps(
        value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=_json_default
    )


def _json_default(value: object) -> object:
    return list(value) if isinstance(value, range) else text_of(value) or None


def items_of(document: dict[str, object]) -> list[tuple[str, object]]:
    """Keys and values of an object, in the order of the keys."""
    return sorted(document.items(), key=lambda item: item[0])


def number_of(value: object) -> int | Decimal:
    """The value as a number to calculate with: a float by its decimal digits, a text by the number
    it starts with; all else is 0.

    Raises Misuse for a text with an endless number."""
    if isinstance(value, bool):
        return 0
    if isinstance(value, int):
        return value
    if isinstance(value, float):
        return Decimal(repr(value))
    return _number_in(value) if isinstance(value, str) else 0


def _number_in(text: str) -> int | Decimal:
    stripped = text.strip()
    if decimal := _DECIMAL.fullmatch(stripped):
        return Decimal(_bounded(decimal.group()))
    return leading_integer(text)


def leading_integer(text: str) -> int:
    """The whole number that a text starts with, else 0. Raises Misuse for an endless one."""
    found = _LEADING_INTEGER.match(text)
    return int(_bounded(found.group(1))) if found else 0


def integer_of(value: object) -> int:
    """A whole number, also as a text. Raises Misuse for anything else."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, str) and _INTEGER.fullmatch(value.strip()):
        return int(_bounded(value.strip()))
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise Misuse("needs a whole number")


def _bounded(digits: str) -> str:
    if len(digits) > _LONGEST_NUMBER:
        raise Misuse("the number is too long")
    return digits


def is_number(value: object) -> bool:
    """Whether it is a number; true and false are none."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def is_true(value: object) -> bool:
    """Whether a condition holds for it: all but nil and false."""
    return value is not None and value is not False


def is_empty(value: object) -> bool:
    """Whether it equals `empty`: a text, list or object with nothing in it."""
    return isinstance(value, (str, list, tuple, dict)) and not value


def is_blank(value: object) -> bool:
    """Whether it equals `blank`: empty, white space alone, nil or false."""
    if isinstance(value, str):
        return _BLANK.fullmatch(value) is not None
    return value is None or value is False or is_empty(value)


def equal(left: object, right: object) -> bool:
    """Equality at any depth. Nothing is converted: `1` is neither `"1"` nor true."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(
            equal(value, right[key]) for key, value in left.items()
        )
    if isinstance(left, (list, tuple)) and isinstance(right, (list, tuple)):
        return len(left) == len(right) and all(map(equal, left, right))
    return left == right


def identity(value: object) -> object:
    """Something hashable that two values share if `uniq` takes them for one."""
    if isinstance(value, dict):
        return "object", frozenset((key, identity(each)) for key, each in value.items())
    if isinstance(value, (list, tuple)):
        return "list", tuple(map(identity, value))
    if isinstance(value, str):
        return "text", str(value)
    return type(value).__name__, value


def contains(whole: object, part: object) -> bool:
    """Whether a text has a text in it, a list an item, an object a key."""
    if not is_true(whole) or not is_true(part):
        return False
    if isinstance(whole, str):
        return text_of(part) in whole
    if isinstance(whole, dict):
        return isinstance(part, str) and part in whole
    if isinstance(whole, range):
        return is_number(part) and part in whole
    return isinstance(whole, (list, tuple)) and any(equal(each, part) for each in whole)


def in_order(left: object, right: object) -> int | None:
    """Below, equal to or above 0, as `left` comes before, with or after `right`; None if they
    cannot be compared."""
    if (is_number(left) and is_number(right)) or (isinstance(left, str) and isinstance(right, str)):
        return int(left > right) - int(left < right)  # type: ignore[operator]  # of one kind
    if isinstance(left, (list, tuple)) and isinstance(right, (list, tuple)):
        first = next(
            (way for pair in zip(left, right, strict=False) if (way := in_order(*pair)) != 0), 0
        )
        return first if first != 0 else (len(left) > len(right)) - (len(left) < len(right))
    return 0 if equal(left, right) else None


def _nil_last(left: object, right: object) -> int:
    way = in_order(left, right)
    if way is None:
        if left is not None and right is not None:
            raise Misuse("cannot sort values of different kinds")
        way = 1 if left is None else -1
    return way


sort_key: Any = cmp_to_key(_nil_last)
"""Key of a value to sort by: nil goes last. Comparing raises Misuse for values of different
kinds."""


def flattened(value: object) -> list[object]:
    """What a list filter works on: the items of a list at any depth, a range's numbers, nothing for
    nil, else the value alone."""
    if isinstance(value, range):
        return list(value)
    if not isinstance(value, (list, tuple)):
        return [] if value is None else [value]
    items: list[object] = []
    open_lists: list[Iterator[object]] = [iter(value)]
    while open_lists:
        for each in open_lists[-1]:
            if isinstance(each, (list, tuple)):
                open_lists.append(iter(each))
                break
            items.append(each)
        else:
            open_lists.pop()
    return items

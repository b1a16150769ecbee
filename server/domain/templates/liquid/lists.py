"""Liquid's filters over lists. Source: Liquid's reference, `standardfilters.rb`.

A value that is no list is a list of one, nil an empty one, and lists within lists are opened. A
property is looked for in objects; where an item is nothing that could have one (nil, true), the
whole filter gives nil, as in the reference.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from liquid.filter import with_context
from markupsafe import Markup

from server.domain.templates.liquid.numbers import Number, total
from server.domain.templates.liquid.values import (
    Misuse,
    equal,
    flattened,
    identity,
    is_true,
    items_of,
    sort_key,
    text_of,
)
from server.domain.templates.rendering_budget import MeteredContext

_Result = TypeVar("_Result")


class _NoProperty(Exception):
    """An item can have no property at all."""


@with_context
def join(value: object, separator: object = " ", *, context: MeteredContext) -> str:
    """The items as text, with `separator` between them."""
    # Between items that are markup, a blank of our own is markup too.
    mark = Markup(" ") if context.autoescape and separator == " " else text_of(separator)
    return mark.join(map(text_of, flattened(value)))


def first(value: object) -> object:
    """The first item; of a text its first character, of an object its first key and value."""
    if isinstance(value, dict):
        return next(iter(items_of(value)), None)
    return value[0] if isinstance(value, (str, list, tuple, range)) and value else _none_of(value)


def last(value: object) -> object:
    """The last item; of a text its last character."""
    return value[-1] if isinstance(value, (str, list, tuple, range)) and value else _none_of(value)


def _none_of(value: object) -> object:
    return "" if isinstance(value, str) else None


def size(value: object) -> int:
    """How many items, characters or keys; 0 for what has none."""
    return len(value) if isinstance(value, (str, list, tuple, dict, range)) else 0


def concat(value: object, other: object) -> list[object]:
    """The items of both lists."""
    if not isinstance(other, (list, tuple)):
        raise Misuse("needs a list to add")
    return [*flattened(value), *other]


def reverse(value: object) -> list[object]:
    """The items, last one first."""
    return flattened(value)[::-1]


def compact(value: object, name: object = None) -> list[object] | None:
    """The items that are not nil, or whose property is not."""
    items = flattened(value)
    if name is None:
        return [item for item in items if item is not None]
    return _unless_none_has(lambda: [item for item in items if _property(item, name) is not None])


def uniq(value: object, name: object = None) -> list[object] | None:
    """The items without those that were there before, by their property if one is named."""
    items = flattened(value)
    return _unless_none_has(lambda: _first_of_each(_keyed(items, name)))


def _first_of_each(keyed: Iterable[tuple[object, object]]) -> list[object]:
    found: dict[object, object] = {}
    for key, item in keyed:
        found.setdefault(identity(key), item)
    return list(found.values())


def sort(value: object, name: object = None) -> list[object] | None:
    """The items in order, nil last; texts by upper and lower case. Numbers and texts are not
    compared with each other."""
    items = flattened(value)
    return _unless_none_has(
        lambda: [
            item for _, item in sorted(_keyed(items, name), key=lambda pair: sort_key(pair[0]))
        ]
    )


def sort_natural(value: object, name: object = None) -> list[object] | None:
    """The items in the order of their texts, whatever their case; nil last."""
    items = flattened(value)
    return _unless_none_has(
        lambda: [
            item
            for _, item in sorted(
                _keyed(items, name), key=lambda pair: (pair[0] is None, text_of(pair[0]).lower())
            )
        ]
    )


def map_items(value: object, name: object) -> list[object]:
    """The property of every item."""
    return [
        _property(item, name) if _can_have_property(item) else None for item in flattened(value)
    ]


def total_of(value: object, name: object = None) -> Number:
    """The sum of all items, or of their property."""
    items = flattened(value)
    if name is not None:
        items = flattened(
            [_property(item, name) if _can_have_property(item) else 0 for item in items]
        )
    return total(items)


def where(value: object, name: object, wanted: object = None) -> list[object] | None:
    """The items whose property is `wanted`, or without that, holds."""
    return _unless_none_has(lambda: [item for item in flattened(value) if _has(item, name, wanted)])


def reject(value: object, name: object, wanted: object = None) -> list[object] | None:
    """The items that `where` leaves out."""
    return _unless_none_has(
        lambda: [item for item in flattened(value) if not _has(item, name, wanted)]
    )


def has(value: object, name: object, wanted: object = None) -> bool | None:
    """Whether `where` would find an item."""
    return _unless_none_has(lambda: any(_has(item, name, wanted) for item in flattened(value)))


def find(value: object, name: object, wanted: object = None) -> object:
    """The first item that `where` would find, or nil."""
    return _unless_none_has(
        lambda: next((item for item in flattened(value) if _has(item, name, wanted)), None)
    )


def find_index(value: object, name: object, wanted: object = None) -> int | None:
    """The place of that item, counted from 0, or nil."""
    return _unless_none_has(
        lambda: next(
            (index for index, item in enumerate(flattened(value)) if _has(item, name, wanted)), None
        )
    )


def _unless_none_has(make: Callable[[], _Result]) -> _Result | None:
    try:
        return make()
    except _NoProperty:
        return None


def _keyed(items: Iterable[object], name: object) -> list[tuple[object, object]]:
    return [(item if name is None else _property(item, name), item) for item in items]


def _has(item: object, name: object, wanted: object) -> bool:
    found = _property(item, name)
    return is_true(found) if wanted is None else equal(found, wanted)


def _can_have_property(item: object) -> bool:
    return item is not None and not isinstance(item, bool)


def _property(item: object, name: object) -> object:
    """The property of an item; nil if it has none of that name."""
    if isinstance(item, dict):
        return item.get(name) if isinstance(name, str) else None
    if not _can_have_property(item):
        raise _NoProperty
    if not isinstance(item, str):
        raise Misuse("a number has no properties")
    if not isinstance(name, str):
        raise Misuse("the name of a property must be a text")
    return name if name in item else None

"""Settles most messages without protovalidate, in a fraction of its time: those of which it is
plain that they keep every rule.

It reads the rules from the descriptor as protovalidate does. Whatever it does not know, it leaves
to that: a message that it settles keeps its rules, one that it does not settle may keep them too.
tests/rules/test_quick.py holds the two together.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from operator import attrgetter, methodcaller
from typing import Any

from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor

from buf.validate import validate_pb2
from server.rules.unique import unique_key

Settles = Callable[[Any], bool]
"""Whether a message keeps every rule for sure."""
_Check = tuple[Callable[[Any], Any], Callable[[Any], bool]]
"""What of a message is looked at, and whether it is good."""

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_LANGUAGE_TAG = re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*")
_LONGEST = 2**63


class _Unknown(Exception):
    """A rule that only protovalidate knows."""


def quick_check(message: Descriptor) -> Settles:
    """A check of messages of this type; one that settles none where a rule is not known here."""
    try:
        checks = _checks(message)
    except _Unknown:
        return lambda _: False

    def settles(value: Any) -> bool:
        for get, fits in checks:  # noqa: SIM110 - a generator would take half as long again
            if not fits(get(value)):
                return False
        return True

    return settles


def _checks(message: Descriptor) -> list[_Check]:
    if message.GetOptions().HasExtension(validate_pb2.message):
        raise _Unknown
    return [check for field in message.fields if (check := _of_field(field)) is not None]


def _of_field(field: FieldDescriptor) -> _Check | None:
    """None if nothing can be wrong with the field."""
    rules = field.GetOptions().Extensions[validate_pb2.field]
    fits = _fits(field, rules)
    if fits is None:
        if rules.required:
            return methodcaller("HasField", field.name), bool
        return None
    value = attrgetter(field.name)
    if field.has_presence:
        name, absent_fits = field.name, not rules.required
        return (lambda message: message), (
            lambda message: fits(value(message)) if message.HasField(name) else absent_fits
        )
    return value, fits


def _fits(field: FieldDescriptor, rules: validate_pb2.FieldRules) -> Callable[[Any], bool] | None:
    """Whether a value that is there is good; None if every one is."""
    if field.is_repeated:
        return _list_fits(field, rules)
    if field.message_type is not None:
        _know(rules, "required")
        return None if _is_well_known(field.message_type) else quick_check(field.message_type)
    if field.enum_type is not None:
        _know(rules, "required", "enum")
        return _enum_fits(
            field.enum_type, rules, may_be_zero=field.has_presence or not rules.required
        )
    if field.cpp_type == FieldDescriptor.CPPTYPE_STRING:
        _know(rules, "required", "string")
        return _string_fits(rules.string, may_be_empty=field.has_presence or not rules.required)
    _know(rules, *(("required",) if field.has_presence else ()))
    return None


def _know(rules: Any, *names: str) -> None:
    """Raises _Unknown if there are rules of other names."""
    if not {rule.name for rule, _ in rules.ListFields()} <= {*names}:
        raise _Unknown


def _is_well_known(message: Descriptor) -> bool:
    return message.full_name.startswith("google.protobuf.")


def _list_fits(
    field: FieldDescriptor, rules: validate_pb2.FieldRules
) -> Callable[[Any], bool] | None:
    _know(rules, "repeated")
    _know(rules.repeated, "min_items", "max_items", "items")
    key = unique_key(field)
    fewest, most = rules.repeated.min_items, rules.repeated.max_items or _LONGEST
    item = _item_fits(field, rules.repeated.items)

    def fits(items: Any) -> bool:
        return (
            fewest <= len(items) <= most
            and (item is None or all(map(item, items)))
            and (key is None or len(set(map(key.of, items))) == len(items))
        )

    return fits


def _item_fits(
    field: FieldDescriptor, rules: validate_pb2.FieldRules
) -> Callable[[Any], bool] | None:
    if field.message_type is not None:
        _know(rules)
        return quick_check(field.message_type)
    if field.cpp_type == FieldDescriptor.CPPTYPE_STRING:
        _know(rules, "string")
        return _string_fits(rules.string, may_be_empty=True)
    _know(rules)
    return None


def _enum_fits(
    enum: EnumDescriptor, rules: validate_pb2.FieldRules, *, may_be_zero: bool
) -> Callable[[Any], bool] | None:
    _know(rules.enum, "defined_only", "not_in")
    if not rules.enum.defined_only:
        raise _Unknown
    return (
        frozenset(enum.values_by_number) - {*rules.enum.not_in, *(() if may_be_zero else (0,))}
    ).__contains__


def _string_fits(
    rules: validate_pb2.StringRules, *, may_be_empty: bool
) -> Callable[[Any], bool] | None:
    longest = rules.max_len if rules.HasField("max_len") else _LONGEST
    names = frozenset(rule.name for rule, value in rules.ListFields() if value is not False) - {
        "max_len"
    }
    if not names and longest == _LONGEST and may_be_empty:
        return None
    if names not in _TEXTS:
        raise _Unknown
    fits = _TEXTS[names]
    if may_be_empty:
        return lambda text: len(text) <= longest and fits(text)
    return lambda text: 0 < len(text) <= longest and fits(text)


# Each in one expression: a call of one function by another takes as long as the test itself.
def _is_line(text: str) -> bool:
    # What is printable has no control characters, and most texts are.
    return text.isprintable() or _CONTROL.search(text) is None


def _is_filled_line(text: str) -> bool:
    return (
        text != "" and not text.isspace() and (text.isprintable() or _CONTROL.search(text) is None)
    )


def _is_text(text: str) -> bool:
    return "\x00" not in text


def _is_filled_text(text: str) -> bool:
    return text != "" and not text.isspace() and "\x00" not in text


_TEXTS: dict[frozenset[str], Callable[[str], bool]] = {
    frozenset(): lambda _: True,
    frozenset({"line"}): _is_line,
    frozenset({"filled", "line"}): _is_filled_line,
    frozenset({"text"}): _is_text,
    frozenset({"filled", "text"}): _is_filled_text,
    frozenset({"key"}): lambda text: _KEY.fullmatch(text) is not None,
    frozenset({"language_tag"}): lambda text: _LANGUAGE_TAG.fullmatch(text) is not None,
}
"""Tests of texts, by the names of the rules that they stand for."""

"""Finds what is wrong with the fields of a message, by the rules in the protos."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from protovalidate import Validator, Violation

from buf.validate import validate_pb2
from server.domain.errors import FieldViolation
from server.rules.quick import Settles, quick_check
from server.rules.unique import unique_key

MOST_FAULTS = 20
"""After so many faults of a list of messages, the rest of it is not looked at."""
LONG_LIST = 1000
"""Messages in a list, beyond which judging it takes long enough for other calls to notice."""

_validator = Validator()
_kinds: dict[type[Message], _Kind] = {}


@dataclass(frozen=True, slots=True)
class _Kind:
    """What is known of a type of message beforehand."""

    settles: Settles
    lists: tuple[FieldDescriptor, ...]
    lists_of_messages: tuple[str, ...]


def find_faults(message: Message) -> list[FieldViolation]:
    """Every field that breaks a rule, once each; of each list of messages the first MOST_FAULTS."""
    return [] if _kind(message).settles(message) else judge(message)


def takes_long(message: Message) -> bool:
    """Whether there is so much in the message that it is to be judged on a thread of its own."""
    names = _kind(message).lists_of_messages
    return bool(names) and any(len(getattr(message, name)) > LONG_LIST for name in names)


def judge(message: Message) -> list[FieldViolation]:
    """The same without the quick look."""
    faults: dict[str, str] = {}
    apart = _judged_apart(message)
    for violation in _validator.collect_violations(
        _without_items(message, apart) if apart else message
    ):
        path, field = _place(violation, message.DESCRIPTOR)
        faults.setdefault(path, _text(violation, field))
    for field in apart:
        faults |= {
            fault.field: fault.message
            for fault in _faults_of_items(field, getattr(message, field.name))
        }
    return [FieldViolation(path, text) for path, text in faults.items()]


def _kind(message: Message) -> _Kind:
    kind = type(message)
    if kind not in _kinds:
        descriptor: Any = kind.DESCRIPTOR
        lists = tuple(field for field in descriptor.fields if field.is_repeated)
        _kinds[kind] = _Kind(
            quick_check(descriptor),
            lists,
            tuple(field.name for field in lists if field.message_type is not None),
        )
    return _kinds[kind]


def _judged_apart(message: Message) -> list[FieldDescriptor]:
    """Lists of messages, and other lists that are too long to look into."""
    return [
        field
        for field in _kind(message).lists
        if field.message_type is not None or _is_too_long(field, message)
    ]


def _is_too_long(field: FieldDescriptor, message: Message) -> bool:
    return len(getattr(message, field.name)) > (_rules(field).repeated.max_items or LONG_LIST)


def _without_items(message: Message, apart: Sequence[FieldDescriptor]) -> Message:
    """A copy with one message in each list: enough for the rules of the message itself, which would
    else take a million of them along."""
    kept = {field.name: 0 if field.message_type is None else 1 for field in apart}
    values = {
        field.name: value[: kept[field.name]] if field.name in kept else value
        for field, value in message.ListFields()
    }
    return type(message)(**values)


def _faults_of_items(field: FieldDescriptor, items: Sequence[Message]) -> Iterator[FieldViolation]:
    rules = _rules(field).repeated
    if not rules.min_items <= len(items) <= (rules.max_items or len(items)):
        yield FieldViolation(field.name, _size(field))
        return
    key = unique_key(field)
    places: dict[object, int] = {}
    count = 0
    for index, item in enumerate(items):
        if count >= MOST_FAULTS:
            text = (
                f"have been checked up to {field.name}[{index - 1}] only, because of so much "
                f"before it"
            )
            yield FieldViolation(field.name, text)
            return
        found = [] if _kind(item).settles(item) else judge(item)
        if key and (first := places.setdefault(key.of(item), index)) != index:
            *others, last = key.names
            same = f", with the same {' and '.join(others)}" if others else ""
            found.append(FieldViolation(last, f"is also that of {field.name}[{first}]{same}"))
        for fault in found:
            yield FieldViolation(f"{field.name}[{index}].{fault.field}", fault.message)
        count += len(found)


def _place(violation: Violation, descriptor: Any) -> tuple[str, FieldDescriptor | None]:
    """Path and descriptor of the field in a message of this descriptor. A rule of a whole message
    has the field in its id."""
    path, field = "", None
    found = violation.proto
    for element in found.field.elements if found.field is not None else ():
        field = descriptor.fields_by_number[element.field_number]
        path += f".{field.name}" if path else field.name
        if element.subscript is not None:
            path += f"[{element.subscript.value}]"
        descriptor = field.message_type
    if found.rule is None:
        return f"{path}.{found.rule_id}" if path else found.rule_id, None
    return path, field


def _text(violation: Violation, field: FieldDescriptor | None) -> str:
    """What is told of the fault: protovalidate's words, but where it cannot know ours."""
    found = violation.proto
    match found.rule_id:
        case "required" | "enum.not_in":
            # The value that an enum does not take is the one that says nothing.
            return "is required"
        case "enum.defined_only" if field is not None and field.enum_type is not None:
            return f"must be one of {', '.join(list(field.enum_type.values_by_name)[1:])}"
        case "repeated.min_items" | "repeated.max_items" if field is not None:
            return _size(field)
        case _:
            return found.message


def _size(field: FieldDescriptor) -> str:
    rules = _rules(field).repeated
    return (
        f"must be {rules.min_items} to {rules.max_items}"
        if rules.min_items
        else f"must be at most {rules.max_items}"
    )


def _rules(field: Any) -> validate_pb2.FieldRules:
    rules: validate_pb2.FieldRules = field.GetOptions().Extensions[validate_pb2.field]
    return rules

"""What is wrong with the fields of a message, by the rules that stand in the protos."""

from __future__ import annotations

from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from protovalidate import Validator, Violation

from buf.validate import validate_pb2
from server.domain.errors import FieldViolation
from server.rules.quick import Settles, quick_check

_validator = Validator()
_settles: dict[type[Message], Settles] = {}


def find_faults(message: Message) -> list[FieldViolation]:
    """Every field that breaks a rule, once each."""
    kind = type(message)
    if kind not in _settles:
        _settles[kind] = quick_check(kind.DESCRIPTOR)  # type: ignore[arg-type]  # the stubs know two classes of it
    return [] if _settles[kind](message) else judge(message)


def judge(message: Message) -> list[FieldViolation]:
    """The same by protovalidate alone."""
    first: dict[str, str] = {}
    for violation in _validator.collect_violations(message):
        path, field = _place(violation, message.DESCRIPTOR)
        first.setdefault(path, _text(violation, field))
    return [FieldViolation(path, text) for path, text in first.items()]


def _place(violation: Violation, descriptor: Any) -> tuple[str, FieldDescriptor | None]:
    """Path and descriptor of the field in a message of this descriptor. A rule of a whole message has the field in its id."""
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
            rules = field.GetOptions().Extensions[validate_pb2.field].repeated
            return f"must be {rules.min_items} to {rules.max_items}" if rules.min_items else f"must be at most {rules.max_items}"
        case _:
            return found.message

"""No field of a request is without its rules."""

from __future__ import annotations

from collections.abc import Iterator

from google.api import field_behavior_pb2
from google.protobuf.descriptor import Descriptor, FieldDescriptor

from buf.validate import validate_pb2
from tests.rules.messages import REQUESTS

# An empty one is skipped and counted, as the documented API has it.
MAY_BE_EMPTY = {
    "carillon.messaging.v1.Recipient.person_id",
    "carillon.messaging.v1.Recipient.recipient",
}


def fields(message: Descriptor) -> Iterator[FieldDescriptor]:
    """The fields of a request and of the messages in it."""
    for field in message.fields:
        yield field
        if field.message_type is not None and not field.message_type.full_name.startswith(
            "google.protobuf."
        ):
            yield from fields(field.message_type)


FIELDS = {field.full_name: field for request in REQUESTS.values() for field in fields(request)}


def rules(field: FieldDescriptor) -> validate_pb2.FieldRules:
    found = field.GetOptions().Extensions[validate_pb2.field]
    return found.repeated.items if field.is_repeated else found


def test_no_text_may_hold_a_nul() -> None:
    texts = {
        name: rules(field)
        for name, field in FIELDS.items()
        if field.cpp_type == FieldDescriptor.CPPTYPE_STRING
    }
    guards = {"line", "text", "key", "language_tag"}
    # Names of variables are judged where they are read.
    known = {
        name: {rule.name for rule, _ in found.string.ListFields()}
        for name, found in texts.items()
        if not found.cel
    }
    assert [name for name, names in known.items() if not guards & names] == []


def test_no_enum_takes_a_number_that_it_has_not() -> None:
    enums = {name: field for name, field in FIELDS.items() if field.enum_type is not None}
    assert [name for name, field in enums.items() if not rules(field).enum.defined_only] == []


def test_no_number_goes_without_bounds() -> None:
    numbers = {FieldDescriptor.CPPTYPE_INT32: "int32", FieldDescriptor.CPPTYPE_DOUBLE: "double"}
    bare = [
        name
        for name, field in FIELDS.items()
        if field.cpp_type in numbers and not rules(field).HasField("type")
    ]
    # A rule of the whole message bounds it.
    assert bare == ["carillon.ops.v1.SetBrandPolicyRequest.misfire_seconds"]


def test_what_is_said_to_be_required_is() -> None:
    said = {
        name: field
        for name, field in FIELDS.items()
        if field_behavior_pb2.REQUIRED
        in field.GetOptions().Extensions[field_behavior_pb2.field_behavior]
    }
    asked = {name for name, field in said.items() if rules(field).required or field.is_repeated}
    assert set(said) - asked == MAY_BE_EMPTY
    assert not [
        name
        for name, field in said.items()
        if field.is_repeated and not _rules_of_list(field).min_items
    ]


def _rules_of_list(field: FieldDescriptor) -> validate_pb2.RepeatedRules:
    found: validate_pb2.FieldRules = field.GetOptions().Extensions[validate_pb2.field]
    return found.repeated

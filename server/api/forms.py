"""Finds what is wrong with fields that it takes code to judge: addresses, criteria, Liquid, time
zones (`carillon.rules.v1.form` in the protos).

Commands judge the same, by the same functions, when they read such a field. This looks at all of a
request at once, so that the answer to one that is refused anyway names everything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from itertools import islice
from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from carillon.rules.v1 import rules_pb2
from server.api.converters.templates import read_variable_type
from server.api.converters.values import channel_name, is_instant, read_struct, read_value
from server.domain.contacts.addresses import check_address, check_person_id
from server.domain.contacts.push_subscriptions import check_auth, check_endpoint, check_p256dh
from server.domain.criteria.check import check_criteria
from server.domain.errors import FieldViolation
from server.domain.templates.rendering import TemplateSource, TemplateSyntaxError, compile_template
from server.domain.templates.variables import check_default
from server.domain.validation import OBJECT_BYTES, Checks
from server.rules.faults import MOST_FAULTS
from storage.model.channels import Channel

OVERSIZED = 8 * OBJECT_BYTES
"""Bytes that an object takes as protobuf, at which it is too large as JSON: there, nothing is
shorter by more than a factor of four."""
_STRUCT = "google.protobuf.Struct"
_TIMESTAMP = "google.protobuf.Timestamp"


def find_oversized(request: Message) -> list[FieldViolation]:
    """A violation for each JSON object in a request that is plainly too large. Looking at them any
    closer would keep other calls waiting."""
    return list(islice(_oversized(request, ""), MOST_FAULTS))


def find_violations(request: Message) -> list[FieldViolation]:
    """The first MOST_FAULTS fields that do not hold what they should. May take a second, so not for
    the event loop."""
    return list(islice(_violations(request, ""), MOST_FAULTS))


def _oversized(message: Message, prefix: str) -> Iterator[FieldViolation]:
    for path, field, value in _held(message, prefix):
        if not _is_message(field):
            if field.message_type is not None and value.ByteSize() > OVERSIZED:
                yield FieldViolation(path, f"must be at most {OBJECT_BYTES} bytes as JSON")
        else:
            yield from _oversized(value, f"{path}.")


def _violations(message: Message, prefix: str) -> Iterator[FieldViolation]:
    for path, field, value in _held(message, prefix):
        if _is_message(field):
            yield from _violations(value, f"{path}.")
        else:
            checks = Checks()
            _judge(checks, path, message, field, value)
            yield from checks.violations


def _held(message: Message, prefix: str) -> Iterator[tuple[str, FieldDescriptor, Any]]:
    """Path, field and value of all in a message that there is anything to judge of; of lists each
    item."""
    for field, value in message.ListFields():
        if not _has_form(field):
            continue
        path = f"{prefix}{field.name}"
        if field.is_repeated:
            yield from ((f"{path}[{index}]", field, item) for index, item in enumerate(value))
        else:
            yield path, field, value


def _judge(checks: Checks, path: str, message: Any, field: FieldDescriptor, value: Any) -> None:
    form = field.GetOptions().Extensions[rules_pb2.form]
    if form in _FORMS:
        _FORMS[form](checks, path, message, value)
    elif field.message_type is not None and field.message_type.full_name == _STRUCT:
        checks.json_object(path, read_struct(value))
    elif field.message_type is not None:
        checks.require(is_instant(value), path, "is not a valid instant")


def _liquid(checks: Checks, path: str, _: Any, value: str) -> None:
    try:
        compile_template(TemplateSource(subject=value, body="", html=None))
    except TemplateSyntaxError as error:
        checks.add(path, str(error))


def _address(checks: Checks, path: str, message: Any, value: str) -> None:
    channel = channel_name(message.channel)
    if channel is not None:
        check_address(checks, path, channel, value)


_FORMS: Mapping[int, Callable[[Checks, str, Any, Any], object]] = {
    rules_pb2.FORM_CRITERIA: lambda checks, path, _, value: check_criteria(
        checks, path, read_struct(value)
    ),
    rules_pb2.FORM_TIME_ZONE: lambda checks, path, _, value: checks.time_zone(path, value),
    rules_pb2.FORM_EMAIL: lambda checks, path, _, value: check_address(
        checks, path, Channel.EMAIL, value
    ),
    rules_pb2.FORM_PHONE: lambda checks, path, _, value: check_address(
        checks, path, Channel.SMS, value
    ),
    rules_pb2.FORM_PUSH_TOKEN: lambda checks, path, _, value: check_address(
        checks, path, Channel.PUSH, value
    ),
    rules_pb2.FORM_PUSH_ENDPOINT: lambda checks, path, _, value: check_endpoint(
        checks, path, value
    ),
    rules_pb2.FORM_PUSH_P256DH: lambda checks, path, _, value: check_p256dh(checks, path, value),
    rules_pb2.FORM_PUSH_AUTH: lambda checks, path, _, value: check_auth(checks, path, value),
    rules_pb2.FORM_ADDRESS: _address,
    rules_pb2.FORM_PERSON_ID: lambda checks, path, _, value: check_person_id(checks, path, value),
    rules_pb2.FORM_LIQUID: _liquid,
    rules_pb2.FORM_DEFAULT_VALUE: lambda checks, path, variable, value: check_default(
        checks, path, read_variable_type(variable), read_value(value)
    ),
}


@cache
def _has_form(field: FieldDescriptor) -> bool:
    """Whether there is anything to judge in the field."""
    if field.message_type is None:
        return bool(field.GetOptions().Extensions[rules_pb2.form])
    if _is_well_known(field.message_type):
        return field.message_type.full_name in (
            _STRUCT,
            _TIMESTAMP,
        ) or field.GetOptions().HasExtension(rules_pb2.form)
    return any(map(_has_form, field.message_type.fields))


def _is_message(field: FieldDescriptor) -> bool:
    """Whether the field holds a message that has fields of its own."""
    return field.message_type is not None and not _is_well_known(field.message_type)


def _is_well_known(message: Descriptor) -> bool:
    return message.full_name.startswith("google.protobuf.")

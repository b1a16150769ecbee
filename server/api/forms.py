"""What is wrong with fields of a request beyond the rules in its proto: texts and objects that it takes code to judge.

Commands judge the same, by the same functions, when they read such a field. This looks at all of a request at once, so that one that is
refused anyway is told of everything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from itertools import islice
from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from carillon.rules.v1 import rules_pb2
from server.api.converters.comms import read_variable_type
from server.api.converters.values import is_instant, read_struct, read_value
from server.domain.addresses import normalise_email, normalise_phone
from server.domain.criteria import parse_criteria
from server.domain.errors import FieldViolation
from server.domain.rendering import Source, TemplateSyntaxError, compile_template
from server.domain.template_variables import check_default
from server.domain.validation import Checks
from server.rules.faults import MOST_FAULTS

_STRUCT = "google.protobuf.Struct"
_TIMESTAMP = "google.protobuf.Timestamp"


def find_misfits(request: Message) -> list[FieldViolation]:
    """The first MOST_FAULTS fields that do not hold what they should. May take a second, so not for the event loop."""
    return list(islice(_misfits(request, ""), MOST_FAULTS))


def _misfits(message: Message, prefix: str) -> Iterator[FieldViolation]:
    for field, value in message.ListFields():
        if not _has_form(field):
            continue
        path = f"{prefix}{field.name}"
        if field.is_repeated:
            for index, item in enumerate(value):
                yield from _misfits(item, f"{path}[{index}].")
        elif field.message_type is not None and not _is_well_known(field.message_type):
            yield from _misfits(value, f"{path}.")
        else:
            checks = Checks()
            _judge(checks, path, message, field, value)
            yield from checks.violations


def _judge(checks: Checks, path: str, message: Any, field: FieldDescriptor, value: Any) -> None:
    form = field.GetOptions().Extensions[rules_pb2.form]
    if form == rules_pb2.FORM_DEFAULT_VALUE:
        check_default(checks, path, read_variable_type(message), read_value(value))
    elif form in _FORMS:
        _FORMS[form](checks, path, value)
    elif field.message_type is not None and field.message_type.full_name == _STRUCT:
        checks.json_object(path, read_struct(value))
    elif field.message_type is not None:
        checks.require(is_instant(value), path, "is not a valid instant")


def _criteria(checks: Checks, path: str, value: Any) -> None:
    checks.attempt(lambda: parse_criteria(read_struct(value), path))


def _liquid(checks: Checks, path: str, value: str) -> None:
    try:
        compile_template(Source(subject=value, body="", html=None))
    except TemplateSyntaxError as error:
        checks.add(path, str(error))


def _address(normalise: Callable[[str], object]) -> Callable[[Checks, str, str], None]:
    def judge(checks: Checks, path: str, value: str) -> None:
        try:
            normalise(value)
        except ValueError as error:
            checks.add(path, str(error))

    return judge


_FORMS: Mapping[int, Callable[[Checks, str, Any], None]] = {
    rules_pb2.FORM_CRITERIA: _criteria,
    rules_pb2.FORM_TIME_ZONE: lambda checks, path, value: checks.time_zone(path, value),
    rules_pb2.FORM_EMAIL: _address(normalise_email),
    rules_pb2.FORM_PHONE: _address(normalise_phone),
    rules_pb2.FORM_LIQUID: _liquid,
}


@cache
def _has_form(field: FieldDescriptor) -> bool:
    """Whether there is anything to judge in the field."""
    if field.message_type is None:
        return bool(field.GetOptions().Extensions[rules_pb2.form])
    if _is_well_known(field.message_type):
        return field.message_type.full_name in (_STRUCT, _TIMESTAMP) or field.GetOptions().HasExtension(rules_pb2.form)
    return any(map(_has_form, field.message_type.fields))


def _is_well_known(message: Descriptor) -> bool:
    return message.full_name.startswith("google.protobuf.")

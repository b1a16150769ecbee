"""Converts instants, JSON objects, enums and optional strings."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from google.protobuf import json_format, struct_pb2, timestamp_pb2
from google.protobuf.message import Message as ProtoMessage

from carillon.type.v1 import channel_pb2
from server.domain.errors import ValidationFailed
from server.domain.validation import INEXACT

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECONDS_A_DAY = 24 * 60 * 60
_FIRST_SECOND = -62135596800
_LAST_SECOND = 253402300799
"""Of years 1 and 9999: what a Timestamp may hold."""
_CHANNELS = dict(channel_pb2.Channel.items())
_CHANNEL_NAMES: dict[int, str] = {int(number): name for name, number in _CHANNELS.items() if number}


def timestamp(instant: datetime | None) -> timestamp_pb2.Timestamp | None:
    """The instant as protobuf has it; None stays None and leaves the field unset."""
    if instant is None:
        return None
    stamp = timestamp_pb2.Timestamp()
    write_timestamp(stamp, instant)
    return stamp


def write_timestamp(stamp: timestamp_pb2.Timestamp, instant: datetime) -> None:
    """Sets an instant. FromDatetime does the same in several times the time, since it goes by way
    of a calendar."""
    since = instant - _EPOCH
    stamp.seconds = since.days * _SECONDS_A_DAY + since.seconds
    stamp.nanos = since.microseconds * 1000


def read_timestamp(request: ProtoMessage, field: str) -> datetime | None:
    """The instant in a field, to the microsecond; None if unset. Raises ValidationFailed if it is
    outside of years 1 to 9999."""
    if not request.HasField(field):
        return None
    stamp: timestamp_pb2.Timestamp = getattr(request, field)
    if not is_instant(stamp):
        raise ValidationFailed.of(field, "is not a valid instant")
    return _EPOCH + timedelta(0, stamp.seconds, stamp.nanos // 1000)


def is_instant(stamp: timestamp_pb2.Timestamp) -> bool:
    """Whether it is within years 1 to 9999, with a fraction that is less than a second."""
    return _FIRST_SECOND <= stamp.seconds <= _LAST_SECOND and 0 <= stamp.nanos < 1_000_000_000


def require_timestamp(request: ProtoMessage, field: str) -> datetime:
    """The instant in a field that must be there by its rules. Raises ValidationFailed if it is not
    valid."""
    instant = read_timestamp(request, field)
    assert instant is not None, "its rules are kept"
    return instant


def struct(document: Mapping[str, object] | None) -> struct_pb2.Struct:
    """A JSON object; None is the empty one, so that REST shows `{}` and never null."""
    message = struct_pb2.Struct()
    if document:
        json_format.ParseDict(dict(document), message)
    return message


def json_value(value: object) -> struct_pb2.Value | None:
    """A JSON value; None leaves the field unset, which REST shows as null too."""
    return None if value is None else struct({"value": value}).fields["value"]


def read_struct(message: struct_pb2.Struct) -> dict[str, object]:
    """A JSON object. Whole numbers become int: protobuf has only doubles, and a template should
    print 5, not 5.0."""
    fields = message.fields
    return {key: read_value(fields[key]) for key in fields} if fields else {}


def read_value(value: struct_pb2.Value) -> object:
    """A JSON value; one that is not set is None. Whole numbers become int."""
    match value.WhichOneof("kind"):
        case "struct_value":
            return read_struct(value.struct_value)
        case "list_value":
            return [read_value(item) for item in value.list_value.values]
        case "number_value":
            number = value.number_value
            return int(number) if abs(number) <= INEXACT and number.is_integer() else number
        case "string_value":
            return value.string_value
        case "bool_value":
            return value.bool_value
        case _:
            return None


def read_channel(number: int) -> str:
    """Name of a channel that the rules of its field have let through."""
    return _CHANNEL_NAMES[number]


def channel_name(number: int) -> str | None:
    """Name of a channel; None if it is missing or not one."""
    return _CHANNEL_NAMES.get(number)


def channel(name: str) -> channel_pb2.Channel.ValueType:
    """The channel of a record."""
    return _CHANNELS[name]


def read_enum(request: ProtoMessage, field: str) -> str | None:
    """Name of the value of an enum that the rules of the field have let through; None if it is
    unspecified."""
    return read_choice(request, field) if getattr(request, field) else None


def read_choice(request: ProtoMessage, field: str) -> str:
    """The same of a field that must be given."""
    enum = request.DESCRIPTOR.fields_by_name[field].enum_type
    assert enum is not None, "a field of an enum"
    return enum.values_by_number[getattr(request, field)].name


def read_optional(request: ProtoMessage, field: str) -> str | None:
    """An optional string; absent and empty are both None."""
    value: str = getattr(request, field)
    return value if request.HasField(field) and value else None

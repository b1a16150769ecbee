"""Reads which fields no two items of a list may have alike (`carillon.rules.v1.unique_by`)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from buf.validate import validate_pb2
from carillon.rules.v1 import rules_pb2


def unique_fields(items: FieldDescriptor) -> tuple[str, ...]:
    """Their names, of a list of messages; none if items may be alike."""
    names: str = items.GetOptions().Extensions[rules_pb2.unique_by]
    return tuple(names.split())


def key_of(item: Message, names: Sequence[str]) -> tuple[object, ...]:
    """What no other item may have alike."""
    return tuple(_value(item, name) for name in names)


def _value(item: Message, name: str) -> object:
    value: Any = getattr(item, name)
    options = item.DESCRIPTOR.fields_by_name[name].GetOptions()
    strings = options.Extensions[validate_pb2.field].string
    return value.lower() if strings.Extensions[rules_pb2.language_tag] else value

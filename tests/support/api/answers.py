"""What a call was answered, in one form for both transports."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from google.protobuf import json_format
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message


@dataclass(frozen=True)
class Answer:
    """HTTP status (over gRPC: the one the method names for REST) and JSON body."""

    status: int
    body: Any
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def error(self) -> str:
        """The error code of a refusal."""
        return str(self.body["error"])

    @property
    def fields(self) -> set[str]:
        """The fields a validation error names."""
        return {entry["field"] for entry in self.body["details"]["fields"]}


def to_json(message: Message) -> dict[str, Any]:
    """The documented JSON of a protobuf answer: every key there, absent ones null."""
    document = json_format.MessageToDict(
        message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
    )
    _fill(document, message.DESCRIPTOR)
    return document


def _fill(document: dict[str, Any], descriptor: Any) -> None:
    for entry in descriptor.fields:
        if entry.name not in document and entry.has_presence:
            document[entry.name] = None
        elif _is_plain_message(entry):
            value = document[entry.name]
            for item in value if isinstance(value, list) else [value]:
                _fill(item, entry.message_type)


def _is_plain_message(entry: FieldDescriptor) -> bool:
    return entry.message_type is not None and not entry.message_type.full_name.startswith(
        "google.protobuf."
    )

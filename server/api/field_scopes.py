"""Which fields of a request ask for a scope besides that of its method, as the protos say."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor

from carillon.options.v1 import options_pb2


@dataclass(frozen=True, slots=True)
class FieldScope:
    """A field, and the scope that a request with it asks for."""

    path: tuple[FieldDescriptor, ...]
    """From the request down to the field."""
    scope: str


def field_scopes(request: Descriptor) -> tuple[FieldScope, ...]:
    """Of the fields of a request and of what is in it."""
    return tuple(_found(request, ()))


def scopes_of_fields(request: Any, of_fields: Sequence[FieldScope]) -> Iterator[str]:
    """What this request asks for by the fields that it has."""
    return (each.scope for each in of_fields if _has(request, each.path))


def _found(message: Descriptor, above: tuple[FieldDescriptor, ...]) -> Iterator[FieldScope]:
    for field in message.fields:
        path = (*above, field)
        if scope := field.GetOptions().Extensions[options_pb2.field_scope]:
            yield FieldScope(path, scope)
        # A Struct is made of itself.
        if field.message_type is not None and field not in above:
            yield from _found(field.message_type, path)


def _has(message: Any, path: Sequence[FieldDescriptor]) -> bool:
    field, *below = path
    if field.has_presence:
        return message.HasField(field.name) and (
            not below or _has(getattr(message, field.name), below)
        )
    value = getattr(message, field.name)
    return any(_has(item, below) for item in value) if below else bool(value)

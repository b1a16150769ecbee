"""Prints a proto file as text from its descriptor, for packages that ship the descriptor alone.

Comments are lost, and so are options of fields: what imports the file needs neither.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    EnumDescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
)

Field = FieldDescriptorProto

_LABELS = {
    Field.LABEL_OPTIONAL: "optional ",
    Field.LABEL_REQUIRED: "required ",
    Field.LABEL_REPEATED: "repeated ",
}


def proto_text(file: FileDescriptorProto) -> str:
    """The file as protoc and buf read it. Raises ValueError for what this does not print: syntax
    other than proto2, services."""
    if file.syntax not in ("", "proto2") or file.service:
        raise ValueError(
            f"{file.name}: only messages, enums and extensions of proto2 are supported"
        )
    lines = ['syntax = "proto2";', f"package {file.package};"]
    lines += [f'import "{name}";' for name in file.dependency]
    lines += [
        f"option {option.name} = {_literal(value)};" for option, value in file.options.ListFields()
    ]
    for enum in file.enum_type:
        lines += _enum(enum)
    for message in file.message_type:
        lines += _message(message)
    for extension in file.extension:
        lines += [f"extend {extension.extendee} {{", _field(extension), "}"]
    return "\n".join([*lines, ""])


def _message(message: DescriptorProto) -> Iterator[str]:
    yield f"message {message.name} {{"
    for enum in message.enum_type:
        yield from _enum(enum)
    for nested in message.nested_type:
        yield from _message(nested)
    for in_oneof, fields in groupby(
        message.field, lambda field: field.oneof_index if field.HasField("oneof_index") else None
    ):
        if in_oneof is None:
            yield from map(_field, fields)
        else:
            yield f"oneof {message.oneof_decl[in_oneof].name} {{"
            yield from (_field(field).removeprefix("optional ") for field in fields)
            yield "}"
    for taken in message.extension_range:
        yield f"extensions {taken.start} to {taken.end - 1};"
    for gone in message.reserved_range:
        yield f"reserved {gone.start} to {gone.end - 1};"
    for name in message.reserved_name:
        yield f'reserved "{name}";'
    yield "}"


def _enum(enum: EnumDescriptorProto) -> Iterator[str]:
    yield f"enum {enum.name} {{"
    for value in enum.value:
        yield f"{value.name} = {value.number};"
    for gone in enum.reserved_range:
        yield f"reserved {gone.start} to {gone.end};"
    for name in enum.reserved_name:
        yield f'reserved "{name}";'
    yield "}"


def _field(field: FieldDescriptorProto) -> str:
    kind = field.type_name or Field.Type.Name(field.type).removeprefix("TYPE_").lower()
    default = f" [default = {field.default_value}]" if field.default_value else ""
    return f"{_LABELS[field.label]}{kind} {field.name} = {field.number}{default};"


def _literal(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return '"' + str(value).replace("\\", "\\\\") + '"'

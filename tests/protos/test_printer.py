"""The proto text that is printed from a descriptor."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from google.protobuf.descriptor_pb2 import (
    FieldDescriptorProto,
    FileDescriptorProto,
    FileDescriptorSet,
)

from imports import rules_of_fields
from printer import proto_text


def compiled(text: str, name: str, directory: Path) -> FileDescriptorProto:
    source, target = directory / name, directory / "out.binpb"
    source.parent.mkdir(parents=True, exist_ok=True)
    source.write_text(text, "utf-8")
    command = (
        sys.executable,
        "-m",
        "grpc_tools.protoc",
        f"-I{directory}",
        f"--descriptor_set_out={target}",
        name,
    )
    subprocess.run(command, check=True)
    (file,) = FileDescriptorSet.FromString(target.read_bytes()).file
    return file


def without_field_options(file: FileDescriptorProto) -> FileDescriptorProto:
    for message in file.message_type:
        for field in message.field:
            field.ClearField("options")
    return file


def test_compiles_to_what_it_was_printed_from(tmp_path: Path) -> None:
    rules = rules_of_fields()
    assert compiled(proto_text(rules), rules.name, tmp_path) == without_field_options(rules)


def test_other_syntax_is_refused() -> None:
    with pytest.raises(ValueError, match="proto2"):
        proto_text(FileDescriptorProto(name="a.proto", syntax="proto3"))


def test_defaults_nested_types_and_reserved_values_are_kept(tmp_path: Path) -> None:
    file = FileDescriptorProto(name="a.proto", package="a")
    outer = file.message_type.add(name="Outer")
    outer.nested_type.add(name="Inner")
    outer.enum_type.add(name="Kind").value.add(name="ONE", number=1)
    outer.field.add(
        name="size",
        number=1,
        json_name="size",
        type=FieldDescriptorProto.TYPE_INT32,
        label=FieldDescriptorProto.LABEL_OPTIONAL,
        default_value="5",
    )
    outer.reserved_range.add(start=7, end=9)
    outer.reserved_name.append("gone")
    assert compiled(proto_text(file), file.name, tmp_path) == file

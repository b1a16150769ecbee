"""What the protos promise to clients in languages that are not ours."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from google.api import field_behavior_pb2
from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    EnumDescriptorProto,
    FileDescriptorProto,
    FileDescriptorSet,
)

IMAGE = Path(__file__).resolve().parents[2] / "generated" / "image.binpb"
OURS = [
    file
    for file in FileDescriptorSet.FromString(IMAGE.read_bytes()).file
    if file.package.startswith("carillon.")
]

KEYWORDS = {
    "Go": "break case chan const continue default defer else fallthrough for func go goto if "
    "import interface map package range return "
    "select struct switch type var",
    "Java": "abstract assert boolean break byte case catch char class const continue default do "
    "double else enum extends false final "
    "finally float for goto if implements import instanceof int interface long native new null "
    "package private protected public return "
    "short static strictfp super switch synchronized this throw throws transient true try void "
    "volatile while _",
    "Kotlin": "as break class continue do else false for fun if in interface is null object "
    "package return super this throw true try "
    "typealias typeof val var when while",
    "C#": "abstract as base bool break byte case catch char checked class const continue decimal "
    "default delegate do double else enum "
    "event explicit extern false finally fixed float for foreach goto if implicit in int interface "
    "internal is lock long namespace new "
    "null object operator out override params private protected public readonly ref return sbyte "
    "sealed short sizeof stackalloc static "
    "string struct switch this throw true try typeof uint ulong unchecked unsafe ushort using "
    "virtual void volatile while",
    # With the names of types; but for `unknown`, which is a documented status and a name like any
    # other outside a type.
    "TypeScript": "any bigint boolean break case catch class const continue debugger default "
    "delete do else enum export extends false "
    "finally for function if implements import in instanceof interface let never new null number "
    "object package private protected public "
    "return static string super switch symbol this throw true try typeof undefined var void while "
    "with yield await",
    "Python": "False None True and as assert async await break class continue def del elif else "
    "except finally for from global if import "
    "in is lambda nonlocal not or pass raise return try while with yield match type",
}


def messages(file: FileDescriptorProto) -> Iterator[tuple[str, DescriptorProto]]:
    """All messages of a file with their full names."""

    def below(prefix: str, found: DescriptorProto) -> Iterator[tuple[str, DescriptorProto]]:
        name = f"{prefix}.{found.name}"
        yield name, found
        for nested in found.nested_type:
            yield from below(name, nested)

    for message in file.message_type:
        yield from below(file.package, message)


def enums() -> Iterator[EnumDescriptorProto]:
    for file in OURS:
        yield from file.enum_type
        for _, message in messages(file):
            yield from message.enum_type


@pytest.mark.parametrize("language", KEYWORDS)
def test_no_enum_value_is_a_keyword(language: str) -> None:
    values = {value.name for enum in enums() for value in enum.value}
    assert {"draft", "in_app", "flag"} <= values
    assert values & set(KEYWORDS[language].split()) == set()


def test_every_file_says_where_its_go_and_java_code_belongs() -> None:
    assert OURS
    for file in OURS:
        _, area, version = file.package.split(".")
        assert file.options.go_package == f"carillon/{area}/{version};{area}{version}", file.name
        assert (file.options.java_package, file.options.java_multiple_files) == (
            file.package,
            True,
        ), file.name


def test_every_field_of_every_resource_says_who_sets_it() -> None:
    extension = field_behavior_pb2.field_behavior
    unsaid = [
        f"{name}.{field.name}"
        for file in OURS
        if file.package != "carillon.options.v1"
        for name, message in messages(file)
        if not name.endswith(("Request", "Response"))
        for field in message.field
        if not field.options.Extensions[extension]
    ]
    assert unsaid == []


def test_the_image_has_the_comments_and_all_that_it_imports() -> None:
    everything = FileDescriptorSet.FromString(IMAGE.read_bytes()).file
    names = {file.name for file in everything}
    assert {imported for file in everything for imported in file.dependency} <= names
    assert all(
        any(place.leading_comments for place in file.source_code_info.location) for file in OURS
    )

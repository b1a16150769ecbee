"""The services of the protos with what their comments say, read from `generated/image.binpb`."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

from google.protobuf.descriptor import EnumDescriptor, ServiceDescriptor
from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    EnumDescriptorProto,
    FileDescriptorProto,
    FileDescriptorSet,
    ServiceDescriptorProto,
)
from google.protobuf.descriptor_pool import DescriptorPool

IMAGE = Path(__file__).resolve().parent.parent / "generated" / "image.binpb"
_MESSAGES, _ENUMS, _SERVICES = 4, 5, 6
"""Numbers of the fields of a FileDescriptorProto, by which paths of comments begin."""
_FIELDS, _NESTED, _NESTED_ENUMS = 2, 3, 4
"""The same of a DescriptorProto; values of an enum and methods of a service are 2 too."""


class Described:
    """What an image has."""

    def __init__(self, image: bytes) -> None:
        self._files = FileDescriptorSet.FromString(image)

    @classmethod
    def read(cls, path: Path = IMAGE) -> Described:
        """The image in a file."""
        return cls(path.read_bytes())

    @cached_property
    def services(self) -> list[ServiceDescriptor]:
        """All of them, by name."""
        names = sorted(
            f"{file.package}.{service.name}"
            for file in self._files.file
            for service in file.service
        )
        return [self._pool.FindServiceByName(name) for name in names]

    def enum(self, full_name: str) -> EnumDescriptor:
        """An enum by its full name. Raises KeyError."""
        return self._pool.FindEnumTypeByName(full_name)

    def comment(self, full_name: str) -> str:
        """What stands above something in its proto, in one line a paragraph."""
        paragraphs = self._comments.get(full_name, "").split("\n\n")
        return "\n\n".join(" ".join(each.split()) for each in paragraphs)

    @cached_property
    def _pool(self) -> DescriptorPool:
        pool = DescriptorPool()
        for file in self._files.file:
            pool.Add(file)
        return pool

    @cached_property
    def _comments(self) -> dict[str, str]:
        return {
            name: text for file in self._files.file for name, text in _comments_of(file).items()
        }


def first_sentence(text: str) -> str:
    """Without the full stop."""
    return text.partition(". ")[0].removesuffix(".")


def _comments_of(file: FileDescriptorProto) -> dict[str, str]:
    texts = {
        tuple(location.path): "\n".join(
            line.removeprefix(" ") for line in location.leading_comments.splitlines()
        )
        for location in file.source_code_info.location
        if location.leading_comments
    }
    return {name: texts[path] for path, name in _named(file) if path in texts}


def _named(file: FileDescriptorProto) -> Iterator[tuple[tuple[int, ...], str]]:
    """The path and the full name of everything in a file."""
    for at, message in enumerate(file.message_type):
        yield from _in_message(message, (_MESSAGES, at), file.package)
    for at, enum in enumerate(file.enum_type):
        yield from _in_list(enum, (_ENUMS, at), file.package)
    for at, service in enumerate(file.service):
        yield from _in_list(service, (_SERVICES, at), file.package)


def _in_message(
    message: DescriptorProto, path: tuple[int, ...], above: str
) -> Iterator[tuple[tuple[int, ...], str]]:
    name = f"{above}.{message.name}"
    yield path, name
    for at, field in enumerate(message.field):
        yield (*path, _FIELDS, at), f"{name}.{field.name}"
    for at, nested in enumerate(message.nested_type):
        yield from _in_message(nested, (*path, _NESTED, at), name)
    for at, enum in enumerate(message.enum_type):
        yield from _in_list(enum, (*path, _NESTED_ENUMS, at), name)


def _in_list(
    holder: EnumDescriptorProto | ServiceDescriptorProto, path: tuple[int, ...], above: str
) -> Iterator[tuple[tuple[int, ...], str]]:
    name = f"{above}.{holder.name}"
    yield path, name
    names = (
        [each.name for each in holder.value]
        if isinstance(holder, EnumDescriptorProto)
        else [each.name for each in holder.method]
    )
    for at, each in enumerate(names):
        yield (*path, _FIELDS, at), f"{name}.{each}"

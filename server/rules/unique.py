"""Reads which fields no two items of a list may have alike (`carillon.rules.v1.unique_by`)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from google.protobuf.descriptor import FieldDescriptor

from buf.validate import validate_pb2
from carillon.rules.v1 import rules_pb2


@dataclass(frozen=True, slots=True)
class UniqueKey:
    """Some fields of the items of a list."""

    names: tuple[str, ...]
    in_any_case: frozenset[str]
    """Those that are alike in any case."""

    def of(self, item: Any) -> tuple[object, ...]:
        """What no other item may have alike."""
        return tuple(
            getattr(item, name).lower() if name in self.in_any_case else getattr(item, name)
            for name in self.names
        )


def unique_key(items: FieldDescriptor) -> UniqueKey | None:
    """That of a list of messages; None if items may be alike."""
    names: str = items.GetOptions().Extensions[rules_pb2.unique_by]
    if not names:
        return None
    of_item: Any = items.message_type
    tags = (name for name in names.split() if _is_language_tag(of_item.fields_by_name[name]))
    return UniqueKey(tuple(names.split()), frozenset(tags))


def _is_language_tag(field: FieldDescriptor) -> bool:
    strings = field.GetOptions().Extensions[validate_pb2.field].string
    tag: bool = strings.Extensions[rules_pb2.language_tag]
    return tag

"""Types that records are made of."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeVar, dataclass_transform

JsonObject = dict[str, object]

T = TypeVar("T")


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(field,))
def made_often(cls: type[T]) -> type[T]:
    """A record of many fields that only the type checker keeps from being changed: kept by Python
    itself, it takes two and a half times as long to make, which is an eighth of a publication to a
    million."""
    return dataclass(slots=True, kw_only=True, unsafe_hash=True)(cls)

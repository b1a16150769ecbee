"""The fields of a person that templates and criteria read."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol


class PersonFields(Protocol):
    """What templates see of a person."""

    @property
    def person_id(self) -> str: ...
    @property
    def attributes(self) -> dict[str, object]: ...
    @property
    def email(self) -> str | None: ...
    @property
    def phone(self) -> str | None: ...
    @property
    def locale(self) -> str | None: ...
    @property
    def time_zone(self) -> str | None: ...


class DatedPersonFields(PersonFields, Protocol):
    """What criteria see of a person: the same, and since when they are known."""

    @property
    def created_at(self) -> datetime: ...
    @property
    def updated_at(self) -> datetime: ...

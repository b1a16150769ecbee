"""People: what is kept of each."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from storage.model.values import JsonObject


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody who can be reached."""

    brand_id: str
    person_id: str
    attributes: JsonObject
    email: str | None
    phone: str | None
    push_tokens: tuple[str, ...]
    locale: str | None
    time_zone: str | None
    created_at: datetime
    updated_at: datetime

"""Items in the inbox of a person."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class InboxItem:
    """An in_app message as the person's client reads it."""

    message_id: str
    brand_id: str
    person_id: str
    subject: str | None
    body: str
    created_at: datetime

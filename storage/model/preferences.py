"""Preferences: whether a person wants a category of messages on a channel."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Preference:
    """What a person wants; one per brand, person, channel and category. Without one they want
    it."""

    id: str
    brand_id: str
    person_id: str
    channel: str
    category: str
    enabled: bool
    created_at: datetime
    updated_at: datetime

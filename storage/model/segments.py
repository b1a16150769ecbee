"""Segments: named audiences."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from storage.model.values import JsonObject


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """A named set of people."""

    id: str
    brand_id: str
    name: str
    criteria: JsonObject
    created_by: str
    created_at: datetime

"""Segments: named audiences, and the statuses of one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from storage.model.values import JsonObject


class SegmentStatus(StrEnum):
    """Whether anything new goes to a segment."""

    ACTIVE = "active"
    """Campaigns and sends may go to it."""
    ARCHIVED = "archived"
    """No new campaign or send goes to it; sends that have started go on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """A named set of people."""

    id: str
    brand_id: str
    name: str
    description: str | None = None
    predicate: JsonObject
    """Criteria: who is in it."""
    status: SegmentStatus = SegmentStatus.ACTIVE
    created_by: str
    created_at: datetime
    updated_at: datetime

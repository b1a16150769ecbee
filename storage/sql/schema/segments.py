"""The table of segments."""

from __future__ import annotations

from sqlalchemy import Column, Index, PrimaryKeyConstraint, Table, Text

from storage.model.segments import SegmentStatus
from storage.sql.dialects.types import JSON_TEXT, KEY, Instant, Word
from storage.sql.schema.metadata import metadata, one_of

segments = Table(
    "segments",
    metadata,
    Column("id", KEY, nullable=False),
    Column("brand_id", KEY, nullable=False),
    Column("name", Text, nullable=False),
    Column("description", Text),
    Column("predicate", JSON_TEXT, nullable=False),
    Column("status", Word(SegmentStatus), nullable=False),
    Column("created_by", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    PrimaryKeyConstraint("id"),
    one_of("status", SegmentStatus),
)
# All of a brand, and those of a status, newest first.
Index("ix_segments_brand_id_id", segments.c.brand_id, segments.c.id)
Index("ix_segments_brand_id_status_id", segments.c.brand_id, segments.c.status, segments.c.id)

"""The table of segments."""

from __future__ import annotations

from sqlalchemy import Column, Index, PrimaryKeyConstraint, Table, Text

from storage.sql.dialects.types import JSON_TEXT, KEY, Instant
from storage.sql.schema.metadata import metadata

segments = Table(
    "segments",
    metadata,
    Column("id", KEY, nullable=False),
    Column("brand_id", KEY, nullable=False),
    Column("name", Text, nullable=False),
    Column("criteria", JSON_TEXT, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    PrimaryKeyConstraint("id"),
)
Index("ix_segments_brand_id_id", segments.c.brand_id, segments.c.id)

"""The table of people."""

from __future__ import annotations

from sqlalchemy import Column, PrimaryKeyConstraint, Table, Text

from storage.sql.dialects.types import JSON_INDEXABLE, KEY, Instant, Strings
from storage.sql.schema.metadata import metadata

people = Table(
    "people",
    metadata,
    Column("brand_id", KEY, nullable=False),
    Column("person_id", KEY, nullable=False),
    Column("attributes", JSON_INDEXABLE, nullable=False),
    Column("email", Text),
    Column("phone", Text),
    Column("push_tokens", Strings, nullable=False),
    Column("locale", Text),
    Column("time_zone", Text),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    PrimaryKeyConstraint("brand_id", "person_id"),
)

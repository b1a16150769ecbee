"""The table of preferences."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Index, PrimaryKeyConstraint, Table

from storage.sql.dialects.types import KEY, Instant
from storage.sql.schema.metadata import metadata

preferences = Table(
    "preferences",
    metadata,
    Column("id", KEY, nullable=False),
    Column("brand_id", KEY, nullable=False),
    Column("person_id", KEY, nullable=False),
    Column("channel", KEY, nullable=False),
    Column("category", KEY, nullable=False),
    Column("enabled", Boolean, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    PrimaryKeyConstraint("id"),
)
# What the gate looks up, and whether there is any of a category.
Index(
    "uq_preferences_person",
    preferences.c.brand_id,
    preferences.c.channel,
    preferences.c.category,
    preferences.c.person_id,
    unique=True,
)
Index(
    "ix_preferences_brand_id_person_id_id",
    preferences.c.brand_id,
    preferences.c.person_id,
    preferences.c.id,
)

"""The table of consents."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Index, PrimaryKeyConstraint, Table, Text

from storage.sql.dialects.types import KEY, Instant
from storage.sql.schema.metadata import metadata

consents = Table(
    "consents",
    metadata,
    Column("id", KEY, nullable=False),
    Column("brand_id", KEY, nullable=False),
    Column("person_id", KEY, nullable=False),
    Column("channel", KEY, nullable=False),
    Column("category", KEY, nullable=False),
    Column("opted_in", Boolean, nullable=False),
    Column("source", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    PrimaryKeyConstraint("id"),
)
# What the gate looks up, and whether there is any of a category.
Index(
    "uq_consents_person",
    consents.c.brand_id,
    consents.c.channel,
    consents.c.category,
    consents.c.person_id,
    unique=True,
)
Index("ix_consents_brand_id_person_id_id", consents.c.brand_id, consents.c.person_id, consents.c.id)

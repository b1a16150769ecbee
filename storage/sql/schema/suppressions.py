"""The table of suppressions."""

from __future__ import annotations

from sqlalchemy import Column, Index, PrimaryKeyConstraint, Table, Text, text

from storage.model.suppressions import SuppressionReason
from storage.sql.dialects.indexes import partial_index
from storage.sql.dialects.types import KEY, Instant, Word
from storage.sql.schema.metadata import metadata, one_of

suppressions = Table(
    "suppressions",
    metadata,
    Column("id", KEY, nullable=False),
    Column("brand_id", KEY, nullable=False),
    Column("channel", KEY, nullable=False),
    Column("address", KEY, nullable=False),
    Column("reason", Word(SuppressionReason), nullable=False),
    Column("source", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("lifted_at", Instant),
    PrimaryKeyConstraint("id"),
    one_of("reason", SuppressionReason),
)
# One per address; also what previews, sends and claims look up.
partial_index(
    "uq_suppressions_address",
    suppressions.c.brand_id,
    suppressions.c.channel,
    suppressions.c.address,
    unique=True,
    where=text("lifted_at IS NULL"),
)
Index("ix_suppressions_brand_id_id", suppressions.c.brand_id, suppressions.c.id)

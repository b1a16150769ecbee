"""The table of revoked tokens."""

from __future__ import annotations

from sqlalchemy import Column, PrimaryKeyConstraint, Table

from storage.sql.dialects.types import KEY, Instant
from storage.sql.schema.metadata import metadata

revocations = Table(
    "revocations",
    metadata,
    Column("token_id", KEY, nullable=False),
    Column("revoked_at", Instant, nullable=False),
    PrimaryKeyConstraint("token_id"),
)

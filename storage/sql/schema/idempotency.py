"""The table of answers kept under idempotency keys."""

from __future__ import annotations

from sqlalchemy import Column, LargeBinary, PrimaryKeyConstraint, Table

from storage.sql.dialects.types import KEY, Instant
from storage.sql.schema.metadata import metadata

idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    Column("scope", KEY, nullable=False),
    Column("key", KEY, nullable=False),
    Column("fingerprint", KEY, nullable=False),
    Column("response", LargeBinary, nullable=False),
    Column("created_at", Instant, nullable=False),
    PrimaryKeyConstraint("scope", "key"),
)

"""The tables of dispatchers and of the hold on delivery."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
)

from storage.sql.dialects.types import KEY, Instant
from storage.sql.schema.metadata import metadata

dispatchers = Table(
    "dispatchers",
    metadata,
    Column("id", KEY, nullable=False),
    Column("generation", BigInteger, nullable=False),
    PrimaryKeyConstraint("id"),
    # Changed with every batch of marks.
    postgresql_with={"fillfactor": 50},
)

# At most one row.
holds = Table(
    "holds",
    metadata,
    Column("id", Integer, nullable=False),
    Column("held_at", Instant),
    Column("reason", Text),
    Column("released_at", Instant),
    Column("released_by", Text),
    PrimaryKeyConstraint("id"),
    CheckConstraint("id = 1", name="single"),
)

"""The table of inbox items."""

from __future__ import annotations

from sqlalchemy import Column, PrimaryKeyConstraint, Table, Text

from storage.sql.dialects.types import KEY, Instant
from storage.sql.schema.metadata import metadata

inbox_items = Table(
    "inbox_items",
    metadata,
    Column("message_id", KEY, nullable=False),
    Column("brand_id", KEY, nullable=False),
    Column("person_id", KEY, nullable=False),
    Column("subject", Text),
    Column("body", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    # In the order of the one list it is read by.
    PrimaryKeyConstraint("brand_id", "person_id", "message_id"),
)

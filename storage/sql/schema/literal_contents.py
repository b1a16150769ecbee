"""The table of what messages say that are made of no template."""

from __future__ import annotations

from sqlalchemy import Column, PrimaryKeyConstraint, Table, Text

from storage.sql.dialects.types import KEY
from storage.sql.schema.metadata import metadata

literal_contents = Table(
    "literal_contents",
    metadata,
    Column("message_id", KEY, nullable=False),
    Column("title", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("action_url", Text),
    PrimaryKeyConstraint("message_id"),
)

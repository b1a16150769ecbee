"""The table of inbox items."""

from __future__ import annotations

from sqlalchemy import Column, PrimaryKeyConstraint, Table, Text, text

from storage.sql.dialects.indexes import partial_index
from storage.sql.dialects.types import JSON_TEXT, KEY, Instant
from storage.sql.schema.metadata import metadata

inbox_items = Table(
    "inbox_items",
    metadata,
    Column("id", KEY, nullable=False),
    Column("brand_id", KEY, nullable=False),
    Column("person_id", KEY, nullable=False),
    Column("message_id", KEY),
    Column("category", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("body", Text),
    Column("action_url", Text),
    Column("metadata", JSON_TEXT, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("read_at", Instant),
    Column("archived_at", Instant),
    # In the order of the list of one person, by which items are found and changed too.
    PrimaryKeyConstraint("brand_id", "person_id", "id"),
)

# Queries name the condition as the index does, so that both databases see that it serves.
UNREAD = text("inbox_items.read_at IS NULL AND inbox_items.archived_at IS NULL")
partial_index(
    "ix_inbox_items_unread",
    inbox_items.c.brand_id,
    inbox_items.c.person_id,
    where=text("read_at IS NULL AND archived_at IS NULL"),
)

"""The table of push subscriptions."""

from __future__ import annotations

from sqlalchemy import Column, Index, PrimaryKeyConstraint, Table, Text

from storage.sql.dialects.types import KEY, Instant
from storage.sql.schema.metadata import metadata

push_subscriptions = Table(
    "push_subscriptions",
    metadata,
    Column("id", KEY, nullable=False),
    Column("brand_id", KEY, nullable=False),
    Column("person_id", KEY, nullable=False),
    Column("endpoint", KEY, nullable=False),
    Column("p256dh", Text, nullable=False),
    Column("auth", Text, nullable=False),
    Column("user_agent", Text),
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant),
    PrimaryKeyConstraint("id"),
)
# One per browser.
Index(
    "uq_push_subscriptions_endpoint",
    push_subscriptions.c.brand_id,
    push_subscriptions.c.endpoint,
    unique=True,
)
Index(
    "ix_push_subscriptions_person",
    push_subscriptions.c.brand_id,
    push_subscriptions.c.person_id,
    push_subscriptions.c.id,
)

"""The table of what mail providers reported."""

from __future__ import annotations

from sqlalchemy import Column, Index, PrimaryKeyConstraint, Table, Text

from storage.model.suppressions import SuppressionReason
from storage.sql.dialects.types import KEY, Instant, Word
from storage.sql.schema.metadata import metadata, one_of

email_events = Table(
    "email_events",
    metadata,
    Column("brand_id", KEY, nullable=False),
    Column("id", KEY, nullable=False),
    Column("type", Text, nullable=False),
    Column("vendor_message_id", KEY, nullable=False),
    Column("reason", Word(SuppressionReason)),
    Column("received_at", Instant, nullable=False),
    PrimaryKeyConstraint("brand_id", "id"),
    one_of("reason", SuppressionReason),
)
# Those of a message.
Index(
    "ix_email_events_message",
    email_events.c.brand_id,
    email_events.c.vendor_message_id,
    email_events.c.received_at,
)
# Those that are old.
Index("ix_email_events_received_at", email_events.c.received_at)

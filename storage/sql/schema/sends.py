"""The table of sends, with their counters and receipts."""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
    text,
)

from storage.model.sends import SendStatus
from storage.sql.dialects.indexes import partial_index
from storage.sql.dialects.types import JSON_TEXT, KEY, Instant, Word
from storage.sql.schema.campaigns import campaigns
from storage.sql.schema.metadata import metadata, one_of

COUNTERS = ("pending", "in_flight", "sent", "failed", "skipped", "cancelled", "expired", "unknown")
RECEIPT = ("sent", "in_flight", "cancelled")
RECIPIENTS = ("pending", "sent", "failed", "skipped")
"""What becomes of recipients, where they are not counted by their one message each."""

sends = Table(
    "sends",
    metadata,
    Column("id", KEY, nullable=False),
    Column("campaign_id", KEY, nullable=False),
    Column("brand_id", KEY, nullable=False),
    Column("status", Word(SendStatus), nullable=False),
    Column("channel", KEY, nullable=False),
    Column("template_key", KEY, nullable=False),
    Column("template_revision", Integer, nullable=False),
    Column("subject", Text),
    Column("variables", JSON_TEXT, nullable=False),
    Column("criteria", JSON_TEXT),
    Column("audience_cursor", KEY),
    Column("audience_done", Boolean, nullable=False),
    Column("total", Integer, nullable=False),
    *(Column(name, Integer, nullable=False) for name in COUNTERS),
    Column("started_at", Instant),
    Column("completed_at", Instant),
    Column("created_by", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("paused_at", Instant),
    Column("expire_at", Instant),
    Column("parent_send_id", KEY),
    # The defaults are for rows that are older than these columns.
    Column("retries_unknown", Boolean, server_default=text("false"), nullable=False),
    Column("pruned", Boolean, server_default=text("false"), nullable=False),
    Column("allow_shared_addresses", Boolean, server_default=text("false"), nullable=False),
    *(Column(f"receipt_{name}", Integer) for name in RECEIPT),
    Column("enrolls", Boolean, server_default=text("false"), nullable=False),
    *(
        Column(f"recipients_{name}", Integer, server_default=text("0"), nullable=False)
        for name in RECIPIENTS
    ),
    PrimaryKeyConstraint("id"),
    ForeignKeyConstraint(["campaign_id"], [campaigns.c.id]),
    one_of("status", SendStatus),
    CheckConstraint(f"total = {' + '.join(COUNTERS)}", name="total"),
    CheckConstraint(" AND ".join(f"{name} >= 0" for name in COUNTERS), name="not_negative"),
    # One row takes an update from every batch of its messages: room for the new version on the same
    # page.
    postgresql_with={
        "fillfactor": 70,
        "autovacuum_vacuum_scale_factor": 0.02,
        "autovacuum_vacuum_threshold": 200,
    },
)
# Also what the foreign key needs when a campaign is deleted.
Index("ix_sends_campaign_id_id", sends.c.campaign_id, sends.c.id)
_sending = text("status = 'sending'")
partial_index("ix_sends_running", sends.c.id, where=_sending)
_open = text("completed_at IS NULL")
partial_index("ix_sends_open", sends.c.id, where=_open)

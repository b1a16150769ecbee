"""Indexes of the lists of messages by address, channel, reason and status, and of one-offs."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

INDEXES = (
    ("ix_messages_brand_id_recipient_id", ["brand_id", "recipient", "id"], None),
    ("ix_messages_brand_id_channel_id", ["brand_id", "channel", "id"], None),
    ("ix_messages_reason", ["brand_id", "failure_reason", "id"], "failure_reason IS NOT NULL"),
    (
        "ix_messages_ended_unsent",
        ["brand_id", "status", "id"],
        "status IN ('failed', 'skipped', 'cancelled', 'expired')",
    ),
    ("ix_messages_of_no_send", ["brand_id", "id"], "send_id IS NULL"),
)


def upgrade() -> None:
    # A brand's own list is read by channel now.
    op.drop_index("ix_messages_brand_id_id", "messages")
    for name, columns, condition in INDEXES:
        where = None if condition is None else sa.text(condition)
        op.create_index(name, "messages", columns, sqlite_where=where, postgresql_where=where)

"""What mail providers reported."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

# Frozen: a revision keeps its meaning whatever the code calls these later.
KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
INSTANT = sa.BigInteger().with_variant(sa.TIMESTAMP(timezone=True), "postgresql")


def upgrade() -> None:
    op.create_table(
        "email_events",
        sa.Column("brand_id", KEY, nullable=False),
        sa.Column("id", KEY, nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("vendor_message_id", KEY, nullable=False),
        sa.Column("reason", KEY),
        sa.Column("received_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("brand_id", "id", name="pk_email_events"),
        sa.CheckConstraint(
            "reason IN ('unsubscribe', 'manual', 'hard_bounce', 'complaint')",
            name=op.f("ck_email_events_reason"),
        ),
    )
    op.create_index(
        "ix_email_events_message",
        "email_events",
        ["brand_id", "vendor_message_id", "received_at"],
    )
    op.create_index("ix_email_events_received_at", "email_events", ["received_at"])

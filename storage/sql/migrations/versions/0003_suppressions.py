"""Suppressions."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

# Frozen: a revision keeps its meaning whatever the code calls these later.
KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
INSTANT = sa.BigInteger().with_variant(sa.TIMESTAMP(timezone=True), "postgresql")


def upgrade() -> None:
    op.create_table(
        "suppressions",
        sa.Column("id", KEY, nullable=False),
        sa.Column("brand_id", KEY, nullable=False),
        sa.Column("channel", KEY, nullable=False),
        sa.Column("address", KEY, nullable=False),
        sa.Column("reason", KEY, nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_suppressions"),
        sa.CheckConstraint(
            "reason IN ('unsubscribe', 'manual', 'hard_bounce', 'complaint')",
            name=op.f("ck_suppressions_reason"),
        ),
    )
    op.create_index(
        "uq_suppressions_address", "suppressions", ["brand_id", "channel", "address"], unique=True
    )
    op.create_index("ix_suppressions_brand_id_id", "suppressions", ["brand_id", "id"])

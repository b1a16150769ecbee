"""Push subscriptions."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

# Frozen: a revision keeps its meaning whatever the code calls these later.
KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
INSTANT = sa.BigInteger().with_variant(sa.TIMESTAMP(timezone=True), "postgresql")


def upgrade() -> None:
    op.create_table(
        "push_subscriptions",
        sa.Column("id", KEY, nullable=False),
        sa.Column("brand_id", KEY, nullable=False),
        sa.Column("person_id", KEY, nullable=False),
        sa.Column("endpoint", KEY, nullable=False),
        sa.Column("p256dh", sa.Text(), nullable=False),
        sa.Column("auth", sa.Text(), nullable=False),
        sa.Column("user_agent", sa.Text()),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("expires_at", INSTANT),
        sa.PrimaryKeyConstraint("id", name="pk_push_subscriptions"),
    )
    op.create_index(
        "uq_push_subscriptions_endpoint",
        "push_subscriptions",
        ["brand_id", "endpoint"],
        unique=True,
    )
    op.create_index(
        "ix_push_subscriptions_person", "push_subscriptions", ["brand_id", "person_id", "id"]
    )

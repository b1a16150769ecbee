"""Messages that try out a campaign."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

# Frozen: a revision keeps its meaning whatever the code calls this later.
KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "campaign_tests",
        sa.Column("message_id", KEY, nullable=False),
        sa.Column("campaign_id", KEY, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text()),
        sa.PrimaryKeyConstraint("message_id", name="pk_campaign_tests"),
    )

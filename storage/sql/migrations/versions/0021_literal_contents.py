"""Messages that are made of no template."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

# Frozen: a revision keeps its meaning whatever the code calls this later.
KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "literal_contents",
        sa.Column("message_id", KEY, nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("action_url", sa.Text()),
        sa.PrimaryKeyConstraint("message_id", name="pk_literal_contents"),
    )

"""Suppressions that were lifted stay; an address has one that was not."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

# Frozen: a revision keeps its meaning whatever the code calls these later.
INSTANT = sa.BigInteger().with_variant(sa.TIMESTAMP(timezone=True), "postgresql")


def upgrade() -> None:
    op.add_column("suppressions", sa.Column("lifted_at", INSTANT))
    op.drop_index("uq_suppressions_address", "suppressions")
    holds = sa.text("lifted_at IS NULL")
    op.create_index(
        "uq_suppressions_address",
        "suppressions",
        ["brand_id", "channel", "address"],
        unique=True,
        sqlite_where=holds,
        postgresql_where=holds,
    )

"""Segments are described and archived; their criteria are called predicate."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

# Frozen: a revision keeps its meaning whatever the code calls these later.
KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
INSTANT = sa.BigInteger().with_variant(sa.TIMESTAMP(timezone=True), "postgresql")


def upgrade() -> None:
    # Made anew, with its columns in order: there are few segments, and SQLite adds no column that
    # must not be null without a default.
    op.execute("CREATE TABLE segments_before AS SELECT * FROM segments")
    op.drop_table("segments")
    op.create_table(
        "segments",
        sa.Column("id", KEY, nullable=False),
        sa.Column("brand_id", KEY, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text()),
        sa.Column("predicate", sa.JSON(), nullable=False),
        sa.Column("status", KEY, nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("updated_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_segments"),
        sa.CheckConstraint("status IN ('active', 'archived')", name=op.f("ck_segments_status")),
    )
    op.create_index("ix_segments_brand_id_id", "segments", ["brand_id", "id"])
    op.create_index("ix_segments_brand_id_status_id", "segments", ["brand_id", "status", "id"])
    op.execute(
        "INSERT INTO segments (id, brand_id, name, predicate, status, created_by, created_at, "
        "updated_at) SELECT id, brand_id, name, criteria, 'active', created_by, created_at, "
        "created_at FROM segments_before"
    )
    op.drop_table("segments_before")

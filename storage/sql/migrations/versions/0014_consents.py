"""Consents and preferences, and what a brand's policy says of them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

# Frozen: a revision keeps its meaning whatever the code calls these later.
KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
INSTANT = sa.BigInteger().with_variant(sa.TIMESTAMP(timezone=True), "postgresql")


def upgrade() -> None:
    _create("consents", "opted_in", sa.Column("source", sa.Text(), nullable=False))
    _create("preferences", "enabled")
    for name, default in (("consent_defaults", "'{}'"), ("transactional_categories", "'[]'")):
        column = sa.Column(name, sa.JSON(), server_default=sa.text(default), nullable=False)
        op.add_column("brand_policies", column)


def _create(table: str, answer: str, *more: sa.Column[str]) -> None:
    op.create_table(
        table,
        sa.Column("id", KEY, nullable=False),
        sa.Column("brand_id", KEY, nullable=False),
        sa.Column("person_id", KEY, nullable=False),
        sa.Column("channel", KEY, nullable=False),
        sa.Column("category", KEY, nullable=False),
        sa.Column(answer, sa.Boolean(), nullable=False),
        *more,
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("updated_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=f"pk_{table}"),
    )
    op.create_index(
        f"uq_{table}_person",
        table,
        ["brand_id", "channel", "category", "person_id"],
        unique=True,
    )
    op.create_index(f"ix_{table}_brand_id_person_id_id", table, ["brand_id", "person_id", "id"])

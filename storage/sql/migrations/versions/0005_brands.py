"""Brands as records, those that rows name taken over; the request of an audit entry."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

# Frozen: a revision keeps its meaning whatever the code calls these later.
KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
INSTANT = sa.BigInteger().with_variant(sa.TIMESTAMP(timezone=True), "postgresql")
NAMING_BRANDS = (
    "campaigns", "templates", "people", "segments", "suppressions", "messages", "inbox_items",
    "brand_policies", "audit_entries"
)  # fmt: skip
"""All that have a brand, but for sends: a send is of a campaign. Each has an index that begins with
it."""


def upgrade() -> None:
    op.add_column("audit_entries", sa.Column("request_id", sa.Text()))
    op.create_table(
        "brands",
        sa.Column("id", KEY, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("updated_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_brands"),
    )
    for table in NAMING_BRANDS:
        _take_over(table)


def _take_over(table: str) -> None:
    """From one brand to the next by the index: a look at every row of messages would take
    minutes."""
    connection = op.get_bind()
    now = datetime.now(UTC)
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    instant: object = (
        now
        if connection.dialect.name == "postgresql"
        else (now - epoch) // timedelta(microseconds=1)
    )
    statement = sa.text(
        "INSERT INTO brands (id, name, created_by, created_at, "  # noqa: S608
        "updated_at)"  # names of our own
        " WITH RECURSIVE found (id) AS ("  # names of our own
        f"SELECT min(brand_id) FROM {table} WHERE brand_id > ''"
        f" UNION ALL SELECT (SELECT min(brand_id) FROM {table} WHERE brand_id > found.id) FROM "
        f"found WHERE found.id IS NOT NULL"
        ") SELECT id, id, 'carillon', :now, :now FROM found WHERE id IS NOT NULL AND id NOT IN "
        "(SELECT id FROM brands)"
    )
    connection.execute(statement.bindparams(sa.bindparam("now", instant, INSTANT)))

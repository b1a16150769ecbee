"""Inbox items of notifications beside those of messages: category, link, metadata, read and
archived. People by their attribute `patient_id`."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

# Frozen: a revision keeps its meaning whatever the code calls these later.
KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
INSTANT = sa.BigInteger().with_variant(sa.TIMESTAMP(timezone=True), "postgresql")
PATIENT_ID = "(CAST((attributes ->> 'patient_id') AS TEXT))"
# None where the message has left with the retention.
CATEGORY = (
    "SELECT CASE WHEN send_id IS NULL THEN 'transactional' ELSE 'marketing' END "
    "FROM messages WHERE messages.id = inbox_items_before.message_id"
)


def upgrade() -> None:
    # Made anew, since SQLite cannot let a column be null that could not be; by way of a copy,
    # since PostgreSQL names constraints after the table for which they were made.
    op.execute("CREATE TABLE inbox_items_before AS SELECT * FROM inbox_items")
    op.drop_table("inbox_items")
    _create_inbox_items()
    op.execute(
        "INSERT INTO inbox_items (id, brand_id, person_id, message_id, category, "  # noqa: S608
        "title, body, "  # names of our own
        "metadata, created_at) SELECT message_id, brand_id, person_id, message_id, "
        f"coalesce(({CATEGORY}), 'transactional'), coalesce(subject, ''), body, '{{}}', "
        "created_at FROM inbox_items_before"
    )
    op.drop_table("inbox_items_before")
    _create_index(
        "ix_inbox_items_unread",
        "inbox_items",
        ["brand_id", "person_id"],
        "read_at IS NULL AND archived_at IS NULL",
    )
    _create_index(
        "ix_people_patient_id",
        "people",
        ["brand_id", sa.text(PATIENT_ID), "person_id"],
        f"{PATIENT_ID} IS NOT NULL",
    )


def _create_index(
    name: str, table: str, columns: list[str | sa.TextClause], condition: str
) -> None:
    where = sa.text(condition)
    op.create_index(name, table, columns, sqlite_where=where, postgresql_where=where)


def _create_inbox_items() -> None:
    op.create_table(
        "inbox_items",
        sa.Column("id", KEY, nullable=False),
        sa.Column("brand_id", KEY, nullable=False),
        sa.Column("person_id", KEY, nullable=False),
        sa.Column("message_id", KEY),
        sa.Column("category", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("body", sa.Text()),
        sa.Column("action_url", sa.Text()),
        sa.Column("metadata", sa.JSON(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("read_at", INSTANT),
        sa.Column("archived_at", INSTANT),
        sa.PrimaryKeyConstraint("brand_id", "person_id", "id", name="pk_inbox_items"),
    )

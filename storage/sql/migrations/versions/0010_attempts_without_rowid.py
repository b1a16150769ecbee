"""Attempts are kept in the order of their ids on SQLite, not of row numbers beside them: each is
written to one tree of pages less."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

ATTEMPTS = sa.Table(
    "attempts",
    sa.MetaData(),
    sa.Column("id", sa.Text(), nullable=False),
    sa.Column("message_id", sa.Text(), nullable=False),
    sa.Column("number", sa.Integer(), nullable=False),
    sa.Column("lease", sa.BigInteger(), nullable=False),
    sa.Column("provider", sa.Text(), nullable=False),
    sa.Column("started_at", sa.BigInteger(), nullable=False),
    sa.Column("finished_at", sa.BigInteger(), nullable=False),
    sa.Column("outcome", sa.Text(), nullable=False),
    sa.Column("reason", sa.Text()),
    sa.Column("provider_message_id", sa.Text()),
    sa.PrimaryKeyConstraint("id", name="pk_attempts"),
    sa.CheckConstraint(
        "outcome IN ('accepted', 'rejected', 'ambiguous')", name="ck_attempts_outcome"
    ),
    sa.Index("ix_attempts_message_id_id", "message_id", "id"),
)


def upgrade() -> None:
    if op.get_bind().dialect.name != "sqlite":
        return
    with op.batch_alter_table(
        "attempts",
        recreate="always",
        copy_from=ATTEMPTS,
        table_kwargs={"sqlite_with_rowid": False},
    ):
        pass

"""Queues, expiry, pauses, retried sends, unknown outcomes, brand policies, the audit log, rate
limits, and the hold."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

# Frozen: a revision keeps its meaning whatever the code calls these later.
KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
INSTANT = sa.BigInteger().with_variant(sa.TIMESTAMP(timezone=True), "postgresql")


def upgrade() -> None:
    _change_campaigns_and_sends()
    _change_messages()
    _create_policies_and_audit()
    _create_shared_state()


def _change_campaigns_and_sends() -> None:
    op.add_column("campaigns", sa.Column("expire_at", INSTANT))
    op.add_column("sends", sa.Column("paused_at", INSTANT))
    op.add_column("sends", sa.Column("expire_at", INSTANT))
    op.add_column("sends", sa.Column("parent_send_id", KEY))
    op.add_column(
        "sends",
        sa.Column("retries_unknown", sa.Boolean(), server_default=sa.text("false"), nullable=False),
    )
    op.add_column(
        "sends", sa.Column("pruned", sa.Boolean(), server_default=sa.text("false"), nullable=False)
    )
    _create_partial_index("ix_sends_open", "sends", ["id"], "completed_at IS NULL")


def _change_messages() -> None:
    op.add_column("messages", sa.Column("expire_at", INSTANT))
    op.add_column("messages", sa.Column("first_sending_at", INSTANT))
    op.add_column(
        "messages",
        sa.Column("in_doubt", sa.Boolean(), server_default=sa.text("false"), nullable=False),
    )
    op.add_column("messages", sa.Column("retried_in", KEY))
    op.drop_index("ix_messages_due", "messages")
    one_offs = ["channel", "brand_id", "due_at", "id"]
    _create_partial_index(
        "ix_messages_one_offs", "messages", one_offs, "status = 'pending' AND send_id IS NULL"
    )
    _create_partial_index(
        "ix_messages_of_sends",
        "messages",
        ["send_id", "due_at", "id"],
        "status = 'pending' AND send_id IS NOT NULL",
    )
    _create_partial_index(
        "ix_messages_expire_at",
        "messages",
        ["expire_at"],
        "status = 'pending' AND expire_at IS NOT NULL",
    )
    _create_partial_index(
        "ix_messages_unknown", "messages", ["brand_id", "id"], "status = 'unknown'"
    )


def _create_policies_and_audit() -> None:
    op.create_table(
        "brand_policies",
        sa.Column("brand_id", KEY, nullable=False),
        sa.Column("unknown_policy", KEY, nullable=False),
        sa.Column("misfire_policy", KEY, nullable=False),
        sa.Column("misfire_seconds", sa.Integer(), nullable=False),
        sa.Column("rate_limits", sa.JSON(), nullable=False),
        sa.Column("updated_at", INSTANT),
        sa.Column("updated_by", sa.Text()),
        sa.PrimaryKeyConstraint("brand_id", name="pk_brand_policies"),
        sa.CheckConstraint(
            "unknown_policy IN ('park', 'resend')", name=op.f("ck_brand_policies_unknown_policy")
        ),
        sa.CheckConstraint(
            "misfire_policy IN ('send_now', 'skip', 'expire_after')",
            name=op.f("ck_brand_policies_misfire_policy"),
        ),
    )
    op.create_table(
        "audit_entries",
        sa.Column("id", KEY, nullable=False),
        sa.Column("brand_id", KEY, nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("subject_id", KEY, nullable=False),
        sa.Column("details", sa.JSON(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit_entries"),
    )
    op.create_index("ix_audit_entries_brand_id_id", "audit_entries", ["brand_id", "id"])
    op.create_index("ix_audit_entries_subject_id_id", "audit_entries", ["subject_id", "id"])


def _create_shared_state() -> None:
    op.create_table(
        "rate_states",
        sa.Column("key", KEY, nullable=False),
        sa.Column("full_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_rate_states"),
        postgresql_with={"fillfactor": 50},
    )
    op.create_table(
        "dispatchers",
        sa.Column("id", KEY, nullable=False),
        sa.Column("generation", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_dispatchers"),
        postgresql_with={"fillfactor": 50},
    )
    op.create_table(
        "holds",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("held_at", INSTANT),
        sa.Column("reason", sa.Text()),
        sa.Column("released_at", INSTANT),
        sa.Column("released_by", sa.Text()),
        sa.PrimaryKeyConstraint("id", name="pk_holds"),
        sa.CheckConstraint("id = 1", name=op.f("ck_holds_single")),
    )


def _create_partial_index(name: str, table: str, columns: list[str], where: str) -> None:
    op.create_index(
        name, table, columns, sqlite_where=sa.text(where), postgresql_where=sa.text(where)
    )

"""The first schema."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# Frozen: a revision keeps its meaning whatever the code calls these later.
KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
INSTANT = sa.BigInteger().with_variant(sa.TIMESTAMP(timezone=True), "postgresql")
JSON = sa.JSON()
JSONB = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    _create_campaigns()
    _create_templates()
    _create_people()
    _create_segments()
    _create_idempotency_keys()
    _create_sends()
    _create_messages()
    _create_attempts()
    _create_inbox_items()


def _create_campaigns() -> None:
    op.create_table(
        "campaigns",
        sa.Column("id", KEY, nullable=False),
        sa.Column("brand_id", KEY, nullable=False),
        sa.Column("face", KEY, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text()),
        sa.Column("subject", sa.Text()),
        sa.Column("channel", KEY, nullable=False),
        sa.Column("template_key", KEY, nullable=False),
        sa.Column("segment_id", KEY),
        sa.Column("segment_criteria", JSON),
        sa.Column("variables", JSON, nullable=False),
        sa.Column("status", KEY, nullable=False),
        sa.Column("scheduled_at", INSTANT),
        sa.Column("published_at", INSTANT),
        sa.Column("sent_at", INSTANT),
        sa.Column("cancelled_at", INSTANT),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("updated_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_campaigns"),
        sa.CheckConstraint(
            "status IN ('draft', 'scheduled', 'sending', 'sent', 'cancelled')",
            name=op.f("ck_campaigns_status"),
        ),
    )
    op.create_index("ix_campaigns_brand_id_face_id", "campaigns", ["brand_id", "face", "id"])
    op.create_index(
        "ix_campaigns_due",
        "campaigns",
        ["scheduled_at", "id"],
        sqlite_where=sa.text("status = 'scheduled'"),
        postgresql_where=sa.text("status = 'scheduled'"),
    )


def _create_templates() -> None:
    op.create_table(
        "templates",
        sa.Column("brand_id", KEY, nullable=False),
        sa.Column("channel", KEY, nullable=False),
        sa.Column("template_key", KEY, nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("subject", sa.Text()),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("html", sa.Text()),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint(
            "brand_id", "channel", "template_key", "revision", name="pk_templates"
        ),
    )


def _create_people() -> None:
    op.create_table(
        "people",
        sa.Column("brand_id", KEY, nullable=False),
        sa.Column("person_id", KEY, nullable=False),
        sa.Column("attributes", JSONB, nullable=False),
        sa.Column("email", sa.Text()),
        sa.Column("phone", sa.Text()),
        sa.Column("push_tokens", JSON, nullable=False),
        sa.Column("locale", sa.Text()),
        sa.Column("time_zone", sa.Text()),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("updated_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("brand_id", "person_id", name="pk_people"),
    )


def _create_segments() -> None:
    op.create_table(
        "segments",
        sa.Column("id", KEY, nullable=False),
        sa.Column("brand_id", KEY, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("criteria", JSON, nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_segments"),
    )
    op.create_index("ix_segments_brand_id_id", "segments", ["brand_id", "id"])


def _create_idempotency_keys() -> None:
    op.create_table(
        "idempotency_keys",
        sa.Column("scope", KEY, nullable=False),
        sa.Column("key", KEY, nullable=False),
        sa.Column("fingerprint", KEY, nullable=False),
        sa.Column("response", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("scope", "key", name="pk_idempotency_keys"),
    )


def _create_sends() -> None:
    op.create_table(
        "sends",
        sa.Column("id", KEY, nullable=False),
        sa.Column("campaign_id", KEY, nullable=False),
        sa.Column("brand_id", KEY, nullable=False),
        sa.Column("status", KEY, nullable=False),
        sa.Column("channel", KEY, nullable=False),
        sa.Column("template_key", KEY, nullable=False),
        sa.Column("template_revision", sa.Integer(), nullable=False),
        sa.Column("subject", sa.Text()),
        sa.Column("variables", JSON, nullable=False),
        sa.Column("criteria", JSON),
        sa.Column("audience_cursor", KEY),
        sa.Column("audience_done", sa.Boolean(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("pending", sa.Integer(), nullable=False),
        sa.Column("in_flight", sa.Integer(), nullable=False),
        sa.Column("sent", sa.Integer(), nullable=False),
        sa.Column("failed", sa.Integer(), nullable=False),
        sa.Column("skipped", sa.Integer(), nullable=False),
        sa.Column("cancelled", sa.Integer(), nullable=False),
        sa.Column("expired", sa.Integer(), nullable=False),
        sa.Column("unknown", sa.Integer(), nullable=False),
        sa.Column("started_at", INSTANT),
        sa.Column("completed_at", INSTANT),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_sends"),
        sa.CheckConstraint(
            "pending >= 0 AND in_flight >= 0 AND sent >= 0 AND failed >= 0 AND skipped >= 0 AND "
            "cancelled >= 0"
            " AND expired >= 0 AND unknown >= 0",
            name=op.f("ck_sends_not_negative"),
        ),
        sa.CheckConstraint(
            "status IN ('sending', 'completed', 'cancelled')", name=op.f("ck_sends_status")
        ),
        sa.CheckConstraint(
            "total = pending + in_flight + sent + failed + skipped + cancelled + expired + unknown",
            name=op.f("ck_sends_total"),
        ),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaigns.id"], name="fk_sends_campaign_id"),
        postgresql_with={
            "fillfactor": 70,
            "autovacuum_vacuum_scale_factor": 0.02,
            "autovacuum_vacuum_threshold": 200,
        },
    )
    op.create_index("ix_sends_campaign_id_id", "sends", ["campaign_id", "id"])
    op.create_index(
        "ix_sends_running",
        "sends",
        ["id"],
        sqlite_where=sa.text("status = 'sending'"),
        postgresql_where=sa.text("status = 'sending'"),
    )


def _create_messages() -> None:
    op.create_table(
        "messages",
        sa.Column("id", KEY, nullable=False),
        sa.Column("brand_id", KEY, nullable=False),
        sa.Column("person_id", KEY, nullable=False),
        sa.Column("channel", KEY, nullable=False),
        sa.Column("template_key", KEY, nullable=False),
        sa.Column("template_revision", sa.Integer(), nullable=False),
        sa.Column("recipient", sa.Text(), nullable=False),
        sa.Column("send_id", KEY),
        sa.Column("dedup_key", KEY),
        sa.Column("fingerprint", KEY),
        sa.Column("variables", JSON, nullable=False),
        sa.Column("hipaa", sa.Boolean(), nullable=False),
        sa.Column("status", KEY, nullable=False),
        sa.Column("scheduled_at", INSTANT, nullable=False),
        sa.Column("due_at", INSTANT, nullable=False),
        sa.Column("lease", sa.BigInteger(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("sent_at", INSTANT),
        sa.Column("cancelled_at", INSTANT),
        sa.Column("failure_reason", sa.Text()),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("lease_expires_at", INSTANT),
        sa.Column("provider", sa.Text()),
        sa.Column("sending_at", INSTANT),
        sa.Column("audience_key", KEY),
        sa.PrimaryKeyConstraint("id", name="pk_messages"),
        sa.CheckConstraint(
            "(status IN ('leased', 'sending')) = (lease_expires_at IS NOT NULL)",
            name=op.f("ck_messages_held"),
        ),
        sa.CheckConstraint(
            "status IN ('pending', 'leased', 'sending', 'sent', 'failed', 'skipped', 'cancelled', "
            "'expired', 'unknown')",
            name=op.f("ck_messages_status"),
        ),
        postgresql_with={
            "fillfactor": 85,
            "autovacuum_vacuum_scale_factor": 0.02,
            "autovacuum_vacuum_threshold": 1000,
            "autovacuum_analyze_scale_factor": 0.02,
            "autovacuum_vacuum_cost_limit": 2000,
        },
    )
    op.create_index(
        "uq_messages_audience",
        "messages",
        ["send_id", "audience_key"],
        unique=True,
        sqlite_where=sa.text("audience_key IS NOT NULL"),
        postgresql_where=sa.text("audience_key IS NOT NULL"),
    )
    op.create_index(
        "ix_messages_lease",
        "messages",
        ["lease_expires_at"],
        sqlite_where=sa.text("lease_expires_at IS NOT NULL"),
        postgresql_where=sa.text("lease_expires_at IS NOT NULL"),
    )
    op.create_index(
        "ix_messages_send_id_id",
        "messages",
        ["send_id", "id"],
        sqlite_where=sa.text("send_id IS NOT NULL"),
        postgresql_where=sa.text("send_id IS NOT NULL"),
    )
    op.create_index(
        "ix_messages_due",
        "messages",
        ["channel", "due_at", "id"],
        sqlite_where=sa.text("status = 'pending'"),
        postgresql_where=sa.text("status = 'pending'"),
    )
    op.create_index(
        "uq_messages_dedup_key",
        "messages",
        ["brand_id", "dedup_key"],
        unique=True,
        sqlite_where=sa.text("dedup_key IS NOT NULL"),
        postgresql_where=sa.text("dedup_key IS NOT NULL"),
    )
    op.create_index("ix_messages_brand_id_id", "messages", ["brand_id", "id"])
    op.create_index(
        "ix_messages_brand_id_person_id_id", "messages", ["brand_id", "person_id", "id"]
    )


def _create_attempts() -> None:
    op.create_table(
        "attempts",
        sa.Column("id", KEY, nullable=False),
        sa.Column("message_id", KEY, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("lease", sa.BigInteger(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("started_at", INSTANT, nullable=False),
        sa.Column("finished_at", INSTANT, nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text()),
        sa.Column("provider_message_id", sa.Text()),
        sa.PrimaryKeyConstraint("id", name="pk_attempts"),
        sa.CheckConstraint(
            "outcome IN ('accepted', 'rejected', 'ambiguous')", name=op.f("ck_attempts_outcome")
        ),
    )
    op.create_index("ix_attempts_message_id_id", "attempts", ["message_id", "id"])


def _create_inbox_items() -> None:
    op.create_table(
        "inbox_items",
        sa.Column("message_id", KEY, nullable=False),
        sa.Column("brand_id", KEY, nullable=False),
        sa.Column("person_id", KEY, nullable=False),
        sa.Column("subject", sa.Text()),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("brand_id", "person_id", "message_id", name="pk_inbox_items"),
    )

"""Sequences, the steps of programs and enrollments, and with messages the enrollment and step that
one is of."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

# Frozen: a revision keeps its meaning whatever the code calls these later.
KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
INSTANT = sa.BigInteger().with_variant(sa.TIMESTAMP(timezone=True), "postgresql")
STATUSES = "'active', 'completed', 'cancelled', 'stopped'"
ONE_OFF = "send_id IS NULL AND enrollment_id IS NULL"
STEP = "send_id IS NULL AND enrollment_id IS NOT NULL"


def upgrade() -> None:
    _create_sequences()
    _create_steps()
    _create_enrollments()
    op.add_column("messages", sa.Column("enrollment_id", KEY))
    op.add_column("messages", sa.Column("step", sa.Integer()))
    # Steps of enrollments wait apart from one-offs, and are not listed among them.
    op.drop_index("ix_messages_one_offs", "messages")
    op.drop_index("ix_messages_of_no_send", "messages")
    queue = ["channel", "brand_id", "due_at", "id"]
    _partial("ix_messages_one_offs", "messages", queue, f"status = 'pending' AND {ONE_OFF}")
    _partial("ix_messages_steps", "messages", queue, f"status = 'pending' AND {STEP}")
    _partial("ix_messages_scheduled", "messages", ["brand_id", "id"], ONE_OFF)
    _partial(
        "uq_messages_step",
        "messages",
        ["enrollment_id", "step"],
        "enrollment_id IS NOT NULL",
        unique=True,
    )


def _create_sequences() -> None:
    op.create_table(
        "sequences",
        sa.Column("id", KEY, nullable=False),
        sa.Column("brand_id", KEY, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text()),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("updated_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_sequences"),
    )
    op.create_index("ix_sequences_brand_id_id", "sequences", ["brand_id", "id"])


def _create_steps() -> None:
    op.create_table(
        "program_steps",
        sa.Column("id", KEY, nullable=False),
        sa.Column("program_id", KEY, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("channel", KEY, nullable=False),
        sa.Column("template_key", KEY, nullable=False),
        sa.Column("template_revision", sa.Integer(), nullable=False),
        sa.Column("delay_minutes", sa.Integer(), nullable=False),
        sa.Column("variables", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_program_steps"),
        sa.CheckConstraint("position >= 0 AND delay_minutes >= 0", name="not_negative"),
    )
    op.create_index(
        "uq_program_steps_position", "program_steps", ["program_id", "position"], unique=True
    )


def _create_enrollments() -> None:
    op.create_table(
        "enrollments",
        sa.Column("id", KEY, nullable=False),
        sa.Column("brand_id", KEY, nullable=False),
        sa.Column("program_id", KEY, nullable=False),
        sa.Column("person_id", KEY, nullable=False),
        sa.Column("recipient", sa.Text(), nullable=False),
        sa.Column("recipient_channel", KEY, nullable=False),
        sa.Column("status", KEY, nullable=False),
        sa.Column("reason", sa.Text()),
        sa.Column("current_step", sa.Integer(), nullable=False),
        sa.Column("next_step_at", INSTANT),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("enrolled_at", INSTANT, nullable=False),
        sa.Column("ended_at", INSTANT),
        sa.PrimaryKeyConstraint("id", name="pk_enrollments"),
        sa.CheckConstraint(f"status IN ({STATUSES})", name="status"),
        sa.CheckConstraint("(status = 'active') = (ended_at IS NULL)", name="ended"),
        sa.CheckConstraint("(status = 'active') = (next_step_at IS NOT NULL)", name="next_step"),
        sa.CheckConstraint("(status = 'stopped') = (reason IS NOT NULL)", name="reason"),
    )
    active, over = "status = 'active'", "ended_at IS NOT NULL"
    who = ["program_id", "person_id", "recipient"]
    _partial("uq_enrollments_active", "enrollments", who, active, unique=True)
    _partial("ix_enrollments_person", "enrollments", ["brand_id", "person_id"], active)
    op.create_index("ix_enrollments_program_id_id", "enrollments", ["program_id", "id"])
    _partial("ix_enrollments_ended_at", "enrollments", ["ended_at"], over)


def _partial(
    name: str, table: str, columns: list[str], condition: str, *, unique: bool = False
) -> None:
    where = sa.text(condition)
    op.create_index(name, table, columns, unique=unique, sqlite_where=where, postgresql_where=where)

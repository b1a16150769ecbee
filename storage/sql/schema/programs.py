"""The tables of sequences, the steps of programs, and enrollments."""

from __future__ import annotations

from sqlalchemy import (
    CheckConstraint,
    Column,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
    text,
)

from storage.model.programs import EnrollmentStatus, RecipientOutcome
from storage.sql.dialects.indexes import partial_index
from storage.sql.dialects.types import JSON_TEXT, KEY, Instant, Word
from storage.sql.schema.metadata import metadata, one_of

sequences = Table(
    "sequences",
    metadata,
    Column("id", KEY, nullable=False),
    Column("brand_id", KEY, nullable=False),
    Column("name", Text, nullable=False),
    Column("description", Text),
    Column("created_by", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    PrimaryKeyConstraint("id"),
)
Index("ix_sequences_brand_id_id", sequences.c.brand_id, sequences.c.id)

program_steps = Table(
    "program_steps",
    metadata,
    Column("id", KEY, nullable=False),
    # Not in the record: the sequence or campaign it is of.
    Column("program_id", KEY, nullable=False),
    Column("position", Integer, nullable=False),
    Column("channel", KEY, nullable=False),
    Column("template_key", KEY, nullable=False),
    Column("template_revision", Integer, nullable=False),
    Column("template_id", KEY),
    Column("template_version_id", KEY),
    Column("delay_minutes", Integer, nullable=False),
    Column("variables", JSON_TEXT, nullable=False),
    PrimaryKeyConstraint("id"),
    CheckConstraint("position >= 0 AND delay_minutes >= 0", name="not_negative"),
)
# Also what finds the step after another.
Index(
    "uq_program_steps_position", program_steps.c.program_id, program_steps.c.position, unique=True
)
STEP = tuple(column for column in program_steps.c if column.name != "program_id")
"""The columns of a `Step` record."""

enrollments = Table(
    "enrollments",
    metadata,
    Column("id", KEY, nullable=False),
    Column("brand_id", KEY, nullable=False),
    Column("program_id", KEY, nullable=False),
    Column("person_id", KEY, nullable=False),
    Column("recipient", Text, nullable=False),
    Column("recipient_channel", KEY, nullable=False),
    Column("status", Word(EnrollmentStatus), nullable=False),
    Column("reason", Text),
    Column("current_step", Integer, nullable=False),
    Column("next_step_at", Instant),
    Column("created_by", Text, nullable=False),
    Column("enrolled_at", Instant, nullable=False),
    Column("ended_at", Instant),
    # Of a campaign.
    Column("send_id", KEY),
    Column("outcome", Word(RecipientOutcome)),
    PrimaryKeyConstraint("id"),
    one_of("status", EnrollmentStatus),
    CheckConstraint("(status = 'active') = (ended_at IS NULL)", name="ended"),
    CheckConstraint("(status = 'active') = (next_step_at IS NOT NULL)", name="next_step"),
    CheckConstraint("(status = 'stopped') = (reason IS NOT NULL)", name="reason"),
)
# Conditions of partial indexes are written out: the planner uses such an index only for a query
# that repeats its condition.
ACTIVE = text("enrollments.status = 'active'")
OVER = text("enrollments.ended_at IS NOT NULL")
_active = text("status = 'active'")
_active_in_sequence = text("status = 'active' AND send_id IS NULL")
_over = text("ended_at IS NOT NULL")
# Nobody is in a sequence twice at one address at a time, whoever enrolls them.
partial_index(
    "uq_enrollments_active",
    enrollments.c.program_id,
    enrollments.c.person_id,
    enrollments.c.recipient,
    unique=True,
    where=_active_in_sequence,
)
# The lists, newest first: of a person, which their deletion reads too, and of a program.
Index(
    "ix_enrollments_brand_id_person_id_id",
    *(enrollments.c[name] for name in ("brand_id", "person_id", "id")),
)
Index(
    "ix_enrollments_program_id_status_id",
    *(enrollments.c[name] for name in ("program_id", "status", "id")),
)
# What retention reads.
partial_index("ix_enrollments_ended_at", enrollments.c.ended_at, where=_over)

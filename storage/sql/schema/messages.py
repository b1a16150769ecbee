"""The tables of messages and their attempts."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
    text,
)

from storage.model.messages import MessageStatus
from storage.sql.dialects.indexes import partial_index
from storage.sql.dialects.types import JSON_TEXT, KEY, Instant, Word
from storage.sql.schema.metadata import metadata, one_of

# The hot table: a row is written once, then changed at claim, mark and settle, and on PostgreSQL
# each change pays for every index. There is no foreign key to sends: checking one costs a look-up
# per row, while the counters, which must find their send, prove it once per batch.
messages = Table(
    "messages",
    metadata,
    Column("id", KEY, nullable=False),
    Column("brand_id", KEY, nullable=False),
    Column("person_id", KEY, nullable=False),
    Column("channel", KEY, nullable=False),
    Column("template_key", KEY, nullable=False),
    Column("template_revision", Integer, nullable=False),
    Column("recipient", Text, nullable=False),
    Column("send_id", KEY),
    Column("dedup_key", KEY),
    Column("fingerprint", KEY),
    Column("variables", JSON_TEXT, nullable=False),
    Column("hipaa", Boolean, nullable=False),
    Column("status", Word(MessageStatus), nullable=False),
    Column("scheduled_at", Instant, nullable=False),
    Column("due_at", Instant, nullable=False),
    Column("lease", BigInteger, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("sent_at", Instant),
    Column("cancelled_at", Instant),
    Column("failure_reason", Text),
    Column("created_at", Instant, nullable=False),
    Column("expire_at", Instant),
    Column("first_sending_at", Instant),
    # The default is for rows that are older than this column.
    Column("in_doubt", Boolean, server_default=text("false"), nullable=False),
    Column("retried_in", KEY),
    Column("enrollment_id", KEY),
    Column("step", Integer),
    # Not in the record. While a worker holds the row: until when, and for recovery what it was
    # doing with it.
    Column("lease_expires_at", Instant),
    Column("provider", Text),
    Column("sending_at", Instant),
    # Not in the record. Of a one-off: who had it accepted, and in which call.
    Column("accepted_by", Text),
    Column("request_id", Text),
    # Not in the record. Recipient of a row of a send that was to go out, with the person before it
    # where addresses may be shared; skips have none and may repeat.
    Column("audience_key", KEY),
    # Not in the record. When a worker last took the row.
    Column("claimed_at", Instant),
    PrimaryKeyConstraint("id"),
    one_of("status", MessageStatus),
    CheckConstraint(
        "(status IN ('leased', 'sending')) = (lease_expires_at IS NOT NULL)", name="held"
    ),
    # A batch of rows dies with every claim, mark and settle: vacuum by count rather than wait for a
    # fifth of the table.
    postgresql_with={
        "fillfactor": 85,
        "autovacuum_vacuum_scale_factor": 0.02,
        "autovacuum_vacuum_threshold": 1000,
        "autovacuum_analyze_scale_factor": 0.02,
        "autovacuum_vacuum_cost_limit": 2000,
    },
)
# Conditions of partial indexes are written out: the planner uses such an index only for a query
# that repeats its condition.
ONE_OFF = text("messages.send_id IS NULL AND messages.enrollment_id IS NULL")
PENDING_ONE_OFF = text(f"messages.status = 'pending' AND {ONE_OFF}")
PENDING_STEP = text(
    "messages.status = 'pending' AND messages.send_id IS NULL"
    " AND messages.enrollment_id IS NOT NULL"
)
PENDING_OF_SEND = text("messages.status = 'pending' AND messages.send_id IS NOT NULL")
MAY_EXPIRE = text("messages.status = 'pending' AND messages.expire_at IS NOT NULL")
UNKNOWN = text("messages.status = 'unknown'")
ENDED_UNSENT = text("messages.status IN ('failed', 'skipped', 'cancelled', 'expired')")
HAS_REASON = text("messages.failure_reason IS NOT NULL")
_one_off = text("send_id IS NULL AND enrollment_id IS NULL")
_pending_one_off = text(f"status = 'pending' AND {_one_off}")
_pending_step = text("status = 'pending' AND send_id IS NULL AND enrollment_id IS NOT NULL")
_pending_of_send = text("status = 'pending' AND send_id IS NOT NULL")
_may_expire = text("status = 'pending' AND expire_at IS NOT NULL")
_unknown = text("status = 'unknown'")
_ended_unsent = text("status IN ('failed', 'skipped', 'cancelled', 'expired')")
_has_reason = text("failure_reason IS NOT NULL")
_held = text("lease_expires_at IS NOT NULL")
_keyed = text("dedup_key IS NOT NULL")
_guarded = text("audience_key IS NOT NULL")
_of_send = text("send_id IS NOT NULL")
_of_enrollment = text("enrollment_id IS NOT NULL")
# The queues: what list_queues and claim read. A pending row is in exactly one of them.
partial_index(
    "ix_messages_one_offs",
    *(messages.c[name] for name in ("channel", "brand_id", "due_at", "id")),
    where=_pending_one_off,
)
partial_index(
    "ix_messages_steps",
    *(messages.c[name] for name in ("channel", "brand_id", "due_at", "id")),
    where=_pending_step,
)
partial_index(
    "ix_messages_of_sends",
    messages.c.send_id,
    messages.c.channel,
    messages.c.due_at,
    messages.c.id,
    where=_pending_of_send,
)
# What goes stale, and what operators look at.
partial_index(
    "ix_messages_expire_at",
    messages.c.expire_at,
    where=_may_expire,
)
partial_index(
    "ix_messages_unknown",
    messages.c.brand_id,
    messages.c.id,
    where=_unknown,
)
# What recovery reads.
partial_index("ix_messages_lease", messages.c.lease_expires_at, where=_held)
# The promise of dedup_key.
partial_index(
    "uq_messages_dedup_key",
    messages.c.brand_id,
    messages.c.dedup_key,
    unique=True,
    where=_keyed,
)
# No step of an enrollment runs twice, whoever plans it.
partial_index(
    "uq_messages_step",
    messages.c.enrollment_id,
    messages.c.step,
    unique=True,
    where=_of_enrollment,
)
# No address is sent to twice by one send, or where people may share it no person at it, whoever
# resolves the audience. Also what tells the next batch of an audience which addresses were reached.
partial_index(
    "uq_messages_audience",
    messages.c.send_id,
    messages.c.audience_key,
    unique=True,
    where=_guarded,
)
# Lists, newest first: of a send (also its cancellation and report), of a person, an address, a
# channel (and so of a brand), by reason and status, of one-offs.
partial_index(
    "ix_messages_send_id_id",
    messages.c.send_id,
    messages.c.id,
    where=_of_send,
)
Index("ix_messages_brand_id_person_id_id", messages.c.brand_id, messages.c.person_id, messages.c.id)
Index("ix_messages_brand_id_recipient_id", messages.c.brand_id, messages.c.recipient, messages.c.id)
Index("ix_messages_brand_id_channel_id", messages.c.brand_id, messages.c.channel, messages.c.id)
partial_index(
    "ix_messages_reason",
    messages.c.brand_id,
    messages.c.failure_reason,
    messages.c.id,
    where=_has_reason,
)
partial_index(
    "ix_messages_ended_unsent",
    messages.c.brand_id,
    messages.c.status,
    messages.c.id,
    where=_ended_unsent,
)
partial_index(
    "ix_messages_scheduled",
    messages.c.brand_id,
    messages.c.id,
    where=_one_off,
)

_BOOKKEEPING = {
    "lease_expires_at",
    "provider",
    "sending_at",
    "accepted_by",
    "request_id",
    "audience_key",
    "claimed_at",
}
MESSAGE = tuple(column for column in messages.c if column.name not in _BOOKKEEPING)
"""The columns of a `Message` record."""

attempts = Table(
    "attempts",
    metadata,
    Column("id", KEY, nullable=False),
    Column("message_id", KEY, nullable=False),
    Column("number", Integer, nullable=False),
    Column("lease", BigInteger, nullable=False),
    Column("provider", Text, nullable=False),
    Column("started_at", Instant, nullable=False),
    Column("finished_at", Instant, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("reason", Text),
    Column("provider_message_id", Text),
    PrimaryKeyConstraint("id"),
    CheckConstraint("outcome IN ('accepted', 'rejected', 'ambiguous')", name="outcome"),
    # Kept in the order of ids, which grow: a row is written to one tree of pages less.
    sqlite_with_rowid=False,
)
Index("ix_attempts_message_id_id", attempts.c.message_id, attempts.c.id)

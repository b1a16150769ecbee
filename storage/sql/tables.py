"""The schema. Columns bear the names of the record fields they hold; a migration makes it, and a test compares the two."""

from __future__ import annotations

from enum import StrEnum

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    text,
)

from server.domain.lifecycle import CampaignStatus, MessageStatus, SendStatus
from server.domain.suppression import SuppressionReason
from storage.sql.types import JSON_INDEXABLE, JSON_TEXT, KEY, TEMPLATE_VARIABLES, TEMPLATE_VARIANTS, Instant, Strings, Word

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)

COUNTERS = ("pending", "in_flight", "sent", "failed", "skipped", "cancelled", "expired", "unknown")


def _one_of(column: str, words: type[StrEnum]) -> CheckConstraint:
    return CheckConstraint(f"{column} IN ({', '.join(repr(word.value) for word in words)})", name=column)


campaigns = Table(
    "campaigns",
    metadata,
    Column("id", KEY, nullable=False),
    Column("brand_id", KEY, nullable=False),
    Column("face", KEY, nullable=False),
    Column("name", Text, nullable=False),
    Column("description", Text),
    Column("subject", Text),
    Column("channel", KEY, nullable=False),
    Column("template_key", KEY, nullable=False),
    Column("segment_id", KEY),
    Column("segment_criteria", JSON_TEXT),
    Column("variables", JSON_TEXT, nullable=False),
    Column("status", Word(CampaignStatus), nullable=False),
    Column("scheduled_at", Instant),
    Column("published_at", Instant),
    Column("sent_at", Instant),
    Column("cancelled_at", Instant),
    Column("created_by", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    Column("template_revision", Integer),
    PrimaryKeyConstraint("id"),
    _one_of("status", CampaignStatus),
)
Index("ix_campaigns_brand_id_face_id", campaigns.c.brand_id, campaigns.c.face, campaigns.c.id)
# What the scheduler looks for, and nothing else.
_scheduled = text("status = 'scheduled'")
Index("ix_campaigns_due", campaigns.c.scheduled_at, campaigns.c.id, sqlite_where=_scheduled, postgresql_where=_scheduled)

templates = Table(
    "templates",
    metadata,
    Column("brand_id", KEY, nullable=False),
    Column("channel", KEY, nullable=False),
    Column("template_key", KEY, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("subject", Text),
    Column("body", Text, nullable=False),
    Column("html", Text),
    # Defaults for revisions that are older than these columns.
    Column("variables", TEMPLATE_VARIABLES, server_default=text("'[]'"), nullable=False),
    Column("variables_inferred", Boolean, server_default=text("true"), nullable=False),
    Column("variants", TEMPLATE_VARIANTS, server_default=text("'[]'"), nullable=False),
    Column("created_by", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    PrimaryKeyConstraint("brand_id", "channel", "template_key", "revision"),
)

people = Table(
    "people",
    metadata,
    Column("brand_id", KEY, nullable=False),
    Column("person_id", KEY, nullable=False),
    Column("attributes", JSON_INDEXABLE, nullable=False),
    Column("email", Text),
    Column("phone", Text),
    Column("push_tokens", Strings, nullable=False),
    Column("locale", Text),
    Column("time_zone", Text),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    PrimaryKeyConstraint("brand_id", "person_id"),
)

segments = Table(
    "segments",
    metadata,
    Column("id", KEY, nullable=False),
    Column("brand_id", KEY, nullable=False),
    Column("name", Text, nullable=False),
    Column("criteria", JSON_TEXT, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    PrimaryKeyConstraint("id"),
)
Index("ix_segments_brand_id_id", segments.c.brand_id, segments.c.id)

suppressions = Table(
    "suppressions",
    metadata,
    Column("id", KEY, nullable=False),
    Column("brand_id", KEY, nullable=False),
    Column("channel", KEY, nullable=False),
    Column("address", KEY, nullable=False),
    Column("reason", Word(SuppressionReason), nullable=False),
    Column("source", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    PrimaryKeyConstraint("id"),
    _one_of("reason", SuppressionReason),
)
# One per address; also what previews, sends and claims look up.
Index("uq_suppressions_address", suppressions.c.brand_id, suppressions.c.channel, suppressions.c.address, unique=True)
Index("ix_suppressions_brand_id_id", suppressions.c.brand_id, suppressions.c.id)

idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    Column("scope", KEY, nullable=False),
    Column("key", KEY, nullable=False),
    Column("fingerprint", KEY, nullable=False),
    Column("response", LargeBinary, nullable=False),
    Column("created_at", Instant, nullable=False),
    PrimaryKeyConstraint("scope", "key"),
)

sends = Table(
    "sends",
    metadata,
    Column("id", KEY, nullable=False),
    Column("campaign_id", KEY, nullable=False),
    Column("brand_id", KEY, nullable=False),
    Column("status", Word(SendStatus), nullable=False),
    Column("channel", KEY, nullable=False),
    Column("template_key", KEY, nullable=False),
    Column("template_revision", Integer, nullable=False),
    Column("subject", Text),
    Column("variables", JSON_TEXT, nullable=False),
    Column("criteria", JSON_TEXT),
    Column("audience_cursor", KEY),
    Column("audience_done", Boolean, nullable=False),
    Column("total", Integer, nullable=False),
    *(Column(name, Integer, nullable=False) for name in COUNTERS),
    Column("started_at", Instant),
    Column("completed_at", Instant),
    Column("created_by", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    PrimaryKeyConstraint("id"),
    ForeignKeyConstraint(["campaign_id"], ["campaigns.id"]),
    _one_of("status", SendStatus),
    CheckConstraint(f"total = {' + '.join(COUNTERS)}", name="total"),
    CheckConstraint(" AND ".join(f"{name} >= 0" for name in COUNTERS), name="not_negative"),
    # One row takes an update from every batch of its messages: room for the new version on the same page.
    postgresql_with={"fillfactor": 70, "autovacuum_vacuum_scale_factor": 0.02, "autovacuum_vacuum_threshold": 200},
)
# Also what the foreign key needs when a campaign is deleted.
Index("ix_sends_campaign_id_id", sends.c.campaign_id, sends.c.id)
_sending = text("status = 'sending'")
Index("ix_sends_running", sends.c.id, sqlite_where=_sending, postgresql_where=_sending)

# The hot table: a row is written once, then changed at claim, mark and settle, and on PostgreSQL each change pays for every index.
# There is no foreign key to sends: checking one costs a look-up per row, while the counters, which must find their send, prove it once
# per batch.
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
    # Not in the record. While a worker holds the row: until when, and for recovery what it was doing with it.
    Column("lease_expires_at", Instant),
    Column("provider", Text),
    Column("sending_at", Instant),
    # Not in the record. Person and recipient of a row of a send that was to go out; skips have none and may repeat.
    Column("audience_key", KEY),
    PrimaryKeyConstraint("id"),
    _one_of("status", MessageStatus),
    CheckConstraint("(status IN ('leased', 'sending')) = (lease_expires_at IS NOT NULL)", name="held"),
    # A batch of rows dies with every claim, mark and settle: vacuum by count rather than wait for a fifth of the table.
    postgresql_with={
        "fillfactor": 85,
        "autovacuum_vacuum_scale_factor": 0.02,
        "autovacuum_vacuum_threshold": 1000,
        "autovacuum_analyze_scale_factor": 0.02,
        "autovacuum_vacuum_cost_limit": 2000,
    },
)
# Conditions of partial indexes are written out: the planner uses such an index only for a query that repeats its condition.
PENDING = text("messages.status = 'pending'")
_pending = text("status = 'pending'")
_held = text("lease_expires_at IS NOT NULL")
_keyed = text("dedup_key IS NOT NULL")
_guarded = text("audience_key IS NOT NULL")
_of_send = text("send_id IS NOT NULL")
# The queue: what claim_due and next_due read.
Index("ix_messages_due", messages.c.channel, messages.c.due_at, messages.c.id, sqlite_where=_pending, postgresql_where=_pending)
# What recovery reads.
Index("ix_messages_lease", messages.c.lease_expires_at, sqlite_where=_held, postgresql_where=_held)
# The promise of dedup_key.
Index("uq_messages_dedup_key", messages.c.brand_id, messages.c.dedup_key, unique=True, sqlite_where=_keyed, postgresql_where=_keyed)
# No person is sent to twice at one address by one send, whoever resolves the audience.
Index("uq_messages_audience", messages.c.send_id, messages.c.audience_key, unique=True, sqlite_where=_guarded, postgresql_where=_guarded)
# Lists, newest first: of a send (also its cancellation and report), of a person, of a brand.
Index("ix_messages_send_id_id", messages.c.send_id, messages.c.id, sqlite_where=_of_send, postgresql_where=_of_send)
Index("ix_messages_brand_id_person_id_id", messages.c.brand_id, messages.c.person_id, messages.c.id)
Index("ix_messages_brand_id_id", messages.c.brand_id, messages.c.id)

_BOOKKEEPING = {"lease_expires_at", "provider", "sending_at", "audience_key"}
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
)
Index("ix_attempts_message_id_id", attempts.c.message_id, attempts.c.id)

inbox_items = Table(
    "inbox_items",
    metadata,
    Column("message_id", KEY, nullable=False),
    Column("brand_id", KEY, nullable=False),
    Column("person_id", KEY, nullable=False),
    Column("subject", Text),
    Column("body", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    # In the order of the one list it is read by.
    PrimaryKeyConstraint("brand_id", "person_id", "message_id"),
)

"""The schema. Columns bear the names of the record fields they hold; a migration makes it, and a
test compares the two."""

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

from storage.model.brands import MisfirePolicy, UnknownPolicy
from storage.model.campaigns import CampaignStatus
from storage.model.messages import MessageStatus
from storage.model.sends import SendStatus
from storage.model.suppressions import SuppressionReason
from storage.sql.dialects.indexes import partial_index
from storage.sql.dialects.types import (
    JSON_INDEXABLE,
    JSON_TEXT,
    KEY,
    TEMPLATE_VARIABLES,
    TEMPLATE_VARIANTS,
    Instant,
    Strings,
    Word,
)

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)

COUNTERS = ("pending", "in_flight", "sent", "failed", "skipped", "cancelled", "expired", "unknown")
RECEIPT = ("sent", "in_flight", "cancelled")


def _one_of(column: str, words: type[StrEnum]) -> CheckConstraint:
    return CheckConstraint(
        f"{column} IN ({', '.join(repr(word.value) for word in words)})", name=column
    )


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
    Column("expire_at", Instant),
    # The defaults are for rows that are older than these columns.
    Column("allow_shared_addresses", Boolean, server_default=text("false"), nullable=False),
    Column("cancelled_send_ids", Strings, server_default=text("'[]'"), nullable=False),
    PrimaryKeyConstraint("id"),
    _one_of("status", CampaignStatus),
)
Index("ix_campaigns_brand_id_face_id", campaigns.c.brand_id, campaigns.c.face, campaigns.c.id)
# What the scheduler looks for, and nothing else.
_scheduled = text("status = 'scheduled'")
partial_index(
    "ix_campaigns_due",
    campaigns.c.scheduled_at,
    campaigns.c.id,
    where=_scheduled,
)

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
Index(
    "uq_suppressions_address",
    suppressions.c.brand_id,
    suppressions.c.channel,
    suppressions.c.address,
    unique=True,
)
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
    Column("paused_at", Instant),
    Column("expire_at", Instant),
    Column("parent_send_id", KEY),
    # The defaults are for rows that are older than these columns.
    Column("retries_unknown", Boolean, server_default=text("false"), nullable=False),
    Column("pruned", Boolean, server_default=text("false"), nullable=False),
    Column("allow_shared_addresses", Boolean, server_default=text("false"), nullable=False),
    *(Column(f"receipt_{name}", Integer) for name in RECEIPT),
    PrimaryKeyConstraint("id"),
    ForeignKeyConstraint(["campaign_id"], ["campaigns.id"]),
    _one_of("status", SendStatus),
    CheckConstraint(f"total = {' + '.join(COUNTERS)}", name="total"),
    CheckConstraint(" AND ".join(f"{name} >= 0" for name in COUNTERS), name="not_negative"),
    # One row takes an update from every batch of its messages: room for the new version on the same
    # page.
    postgresql_with={
        "fillfactor": 70,
        "autovacuum_vacuum_scale_factor": 0.02,
        "autovacuum_vacuum_threshold": 200,
    },
)
# Also what the foreign key needs when a campaign is deleted.
Index("ix_sends_campaign_id_id", sends.c.campaign_id, sends.c.id)
_sending = text("status = 'sending'")
partial_index("ix_sends_running", sends.c.id, where=_sending)
_open = text("completed_at IS NULL")
partial_index("ix_sends_open", sends.c.id, where=_open)

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
    PrimaryKeyConstraint("id"),
    _one_of("status", MessageStatus),
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
PENDING_ONE_OFF = text("messages.status = 'pending' AND messages.send_id IS NULL")
PENDING_OF_SEND = text("messages.status = 'pending' AND messages.send_id IS NOT NULL")
MAY_EXPIRE = text("messages.status = 'pending' AND messages.expire_at IS NOT NULL")
UNKNOWN = text("messages.status = 'unknown'")
_pending_one_off = text("status = 'pending' AND send_id IS NULL")
_pending_of_send = text("status = 'pending' AND send_id IS NOT NULL")
_may_expire = text("status = 'pending' AND expire_at IS NOT NULL")
_unknown = text("status = 'unknown'")
_held = text("lease_expires_at IS NOT NULL")
_keyed = text("dedup_key IS NOT NULL")
_guarded = text("audience_key IS NOT NULL")
_of_send = text("send_id IS NOT NULL")
# The queues: what list_queues and claim read. A pending row is in exactly one of the two.
partial_index(
    "ix_messages_one_offs",
    *(messages.c[name] for name in ("channel", "brand_id", "due_at", "id")),
    where=_pending_one_off,
)
partial_index(
    "ix_messages_of_sends",
    messages.c.send_id,
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
# No address is sent to twice by one send, or where people may share it no person at it, whoever
# resolves the audience. Also what tells the next batch of an audience which addresses were reached.
partial_index(
    "uq_messages_audience",
    messages.c.send_id,
    messages.c.audience_key,
    unique=True,
    where=_guarded,
)
# Lists, newest first: of a send (also its cancellation and report), of a person, of a brand.
partial_index(
    "ix_messages_send_id_id",
    messages.c.send_id,
    messages.c.id,
    where=_of_send,
)
Index("ix_messages_brand_id_person_id_id", messages.c.brand_id, messages.c.person_id, messages.c.id)
Index("ix_messages_brand_id_id", messages.c.brand_id, messages.c.id)

_BOOKKEEPING = {
    "lease_expires_at",
    "provider",
    "sending_at",
    "accepted_by",
    "request_id",
    "audience_key",
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

brands = Table(
    "brands",
    metadata,
    Column("id", KEY, nullable=False),
    Column("name", Text, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    PrimaryKeyConstraint("id"),
)

brand_policies = Table(
    "brand_policies",
    metadata,
    Column("brand_id", KEY, nullable=False),
    Column("unknown_policy", Word(UnknownPolicy), nullable=False),
    Column("misfire_policy", Word(MisfirePolicy), nullable=False),
    Column("misfire_seconds", Integer, nullable=False),
    Column("rate_limits", JSON_TEXT, nullable=False),
    Column("updated_at", Instant),
    Column("updated_by", Text),
    PrimaryKeyConstraint("brand_id"),
    _one_of("unknown_policy", UnknownPolicy),
    _one_of("misfire_policy", MisfirePolicy),
)

audit_entries = Table(
    "audit_entries",
    metadata,
    Column("id", KEY, nullable=False),
    Column("brand_id", KEY, nullable=False),
    Column("actor", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("subject_id", KEY, nullable=False),
    Column("details", JSON_TEXT, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("request_id", Text),
    PrimaryKeyConstraint("id"),
)
Index("ix_audit_entries_brand_id_id", audit_entries.c.brand_id, audit_entries.c.id)
Index("ix_audit_entries_subject_id_id", audit_entries.c.subject_id, audit_entries.c.id)

# One row per limit, changed with every claim that is limited: room for the new version on the same
# page.
rate_states = Table(
    "rate_states",
    metadata,
    Column("key", KEY, nullable=False),
    # The theoretical arrival time of the algorithm: when the limit is back at its full burst.
    Column("full_at", Instant, nullable=False),
    PrimaryKeyConstraint("key"),
    postgresql_with={"fillfactor": 50},
)

dispatchers = Table(
    "dispatchers",
    metadata,
    Column("id", KEY, nullable=False),
    Column("generation", BigInteger, nullable=False),
    PrimaryKeyConstraint("id"),
    # Changed with every batch of marks.
    postgresql_with={"fillfactor": 50},
)

# At most one row.
holds = Table(
    "holds",
    metadata,
    Column("id", Integer, nullable=False),
    Column("held_at", Instant),
    Column("reason", Text),
    Column("released_at", Instant),
    Column("released_by", Text),
    PrimaryKeyConstraint("id"),
    CheckConstraint("id = 1", name="single"),
)

"""Every table, for what looks at the schema whole. Columns bear the names of the record fields
they hold; a migration makes them, and a test compares the two."""

from __future__ import annotations

from storage.sql.schema.audit import audit_entries
from storage.sql.schema.brands import brand_policies, brands
from storage.sql.schema.campaigns import campaign_tests, campaigns
from storage.sql.schema.consents import consents
from storage.sql.schema.dispatchers import dispatchers, holds
from storage.sql.schema.email_events import email_events
from storage.sql.schema.given_recipients import given_recipients
from storage.sql.schema.idempotency import idempotency_keys
from storage.sql.schema.inbox import inbox_items
from storage.sql.schema.literal_contents import literal_contents
from storage.sql.schema.messages import attempts, messages
from storage.sql.schema.metadata import metadata
from storage.sql.schema.people import people
from storage.sql.schema.preferences import preferences
from storage.sql.schema.programs import enrollments, program_steps, sequences
from storage.sql.schema.push_subscriptions import push_subscriptions
from storage.sql.schema.rates import rate_states
from storage.sql.schema.revocations import revocations
from storage.sql.schema.segments import segments
from storage.sql.schema.sends import sends
from storage.sql.schema.suppressions import suppressions
from storage.sql.schema.templates import template_versions, templates

__all__ = [
    "attempts",
    "audit_entries",
    "brand_policies",
    "brands",
    "campaign_tests",
    "campaigns",
    "consents",
    "dispatchers",
    "email_events",
    "enrollments",
    "given_recipients",
    "holds",
    "idempotency_keys",
    "inbox_items",
    "literal_contents",
    "messages",
    "metadata",
    "people",
    "preferences",
    "program_steps",
    "push_subscriptions",
    "rate_states",
    "revocations",
    "segments",
    "sends",
    "sequences",
    "suppressions",
    "template_versions",
    "templates",
]

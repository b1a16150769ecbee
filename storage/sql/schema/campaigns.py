"""The tables of campaigns, and of messages that try one out."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Index, Integer, PrimaryKeyConstraint, Table, Text, text

from storage.model.campaigns import CampaignStatus
from storage.sql.dialects.indexes import partial_index
from storage.sql.dialects.types import JSON_TEXT, KEY, Instant, Strings, Word
from storage.sql.schema.metadata import metadata, one_of

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
    one_of("status", CampaignStatus),
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

campaign_tests = Table(
    "campaign_tests",
    metadata,
    Column("message_id", KEY, nullable=False),
    Column("campaign_id", KEY, nullable=False),
    Column("name", Text, nullable=False),
    Column("subject", Text),
    PrimaryKeyConstraint("message_id"),
)

"""The table of the audit log."""

from __future__ import annotations

from sqlalchemy import Column, Index, PrimaryKeyConstraint, Table, Text

from storage.sql.dialects.types import JSON_TEXT, KEY, Instant
from storage.sql.schema.metadata import metadata

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

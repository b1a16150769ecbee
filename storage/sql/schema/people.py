"""The table of people."""

from __future__ import annotations

from sqlalchemy import Column, Index, PrimaryKeyConstraint, Table, Text, text

from storage.sql.dialects.types import JSON_INDEXABLE, KEY, Instant, Strings
from storage.sql.schema.metadata import metadata

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

PATIENT_ID = "(CAST((attributes ->> 'patient_id') AS TEXT))"
"""Under which others may know a person; both databases write it so."""
Index(
    "ix_people_patient_id",
    people.c.brand_id,
    text(PATIENT_ID),
    people.c.person_id,
    sqlite_where=text(f"{PATIENT_ID} IS NOT NULL"),
    postgresql_where=text(f"{PATIENT_ID} IS NOT NULL"),
)

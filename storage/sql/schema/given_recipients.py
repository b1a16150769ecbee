"""The table of recipients that were given and wait to be begun with."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKeyConstraint, Integer, PrimaryKeyConstraint, Table

from storage.sql.dialects.types import JSON_TEXT, KEY
from storage.sql.schema.metadata import metadata
from storage.sql.schema.sends import sends

given_recipients = Table(
    "given_recipients",
    metadata,
    Column("send_id", KEY, nullable=False),
    # Slices of the recipients of a send, in the order in which they were given.
    Column("position", Integer, nullable=False),
    Column("count", Integer, nullable=False),
    # Of each its person, address, and the reason to skip it or null.
    Column("recipients", JSON_TEXT, nullable=False),
    PrimaryKeyConstraint("send_id", "position"),
    ForeignKeyConstraint(["send_id"], [sends.c.id]),
)

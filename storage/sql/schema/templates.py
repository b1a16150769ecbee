"""The table of revisions of templates."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Integer, PrimaryKeyConstraint, Table, Text, text

from storage.sql.dialects.types import KEY, TEMPLATE_VARIABLES, TEMPLATE_VARIANTS, Instant
from storage.sql.schema.metadata import metadata

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

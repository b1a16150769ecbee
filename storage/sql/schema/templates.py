"""The tables of templates and their versions."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Index, Integer, PrimaryKeyConstraint, Table, Text

from storage.sql.dialects.types import (
    KEY,
    TEMPLATE_VARIABLES,
    TEMPLATE_VARIANTS,
    Instant,
    Strings,
)
from storage.sql.schema.metadata import metadata

templates = Table(
    "templates",
    metadata,
    Column("id", KEY, nullable=False),
    Column("brand_id", KEY, nullable=False),
    Column("channel", KEY, nullable=False),
    Column("template_key", KEY, nullable=False),
    Column("description", Text),
    Column("category", KEY),
    Column("current_version_id", KEY),
    Column("created_by", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    Column("archived_at", Instant),
    PrimaryKeyConstraint("id"),
)
Index(
    "uq_templates_key",
    templates.c.brand_id,
    templates.c.channel,
    templates.c.template_key,
    unique=True,
)

# Rows of messages and sends name a version by key and number: the delivery path reads it so.
template_versions = Table(
    "template_versions",
    metadata,
    Column("id", KEY, nullable=False),
    Column("template_id", KEY, nullable=False),
    Column("brand_id", KEY, nullable=False),
    Column("channel", KEY, nullable=False),
    Column("template_key", KEY, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("subject", Text),
    Column("body", Text, nullable=False),
    Column("html", Text),
    Column("names", Strings, nullable=False),
    Column("variables", TEMPLATE_VARIABLES, nullable=False),
    Column("variables_inferred", Boolean, nullable=False),
    Column("variants", TEMPLATE_VARIANTS, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    PrimaryKeyConstraint("brand_id", "channel", "template_key", "revision"),
)
Index("uq_template_versions_id", template_versions.c.id, unique=True)

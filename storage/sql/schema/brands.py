"""The tables of brands and their policies."""

from __future__ import annotations

from sqlalchemy import Column, Integer, PrimaryKeyConstraint, Table, Text, text

from storage.model.brands import MisfirePolicy, UnknownPolicy
from storage.sql.dialects.types import JSON_TEXT, KEY, Instant, Strings, Word
from storage.sql.schema.metadata import metadata, one_of

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
    Column("consent_defaults", JSON_TEXT, nullable=False, server_default=text("'{}'")),
    Column("transactional_categories", Strings, nullable=False, server_default=text("'[]'")),
    Column("budgets", JSON_TEXT, nullable=False, server_default=text("'{}'")),
    Column("updated_at", Instant),
    Column("updated_by", Text),
    PrimaryKeyConstraint("brand_id"),
    one_of("unknown_policy", UnknownPolicy),
    one_of("misfire_policy", MisfirePolicy),
)

"""The table of rate limits."""

from __future__ import annotations

from sqlalchemy import Column, PrimaryKeyConstraint, Table

from storage.sql.dialects.types import KEY, Instant
from storage.sql.schema.metadata import metadata

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

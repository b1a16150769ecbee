"""Finds the suppression that holds an address back."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, ScalarSelect, Text, literal_column, select

from storage.model.suppressions import SuppressionReason
from storage.sql.schema.suppressions import suppressions

HOLDS = suppressions.c.lifted_at.is_(None)
"""It was not lifted."""
# Written into the statement: it takes no parameter.
_UNSUBSCRIBE: ColumnElement[str] = literal_column(f"'{SuppressionReason.UNSUBSCRIBE}'", Text())


def suppression_of(
    brand_id: ColumnElement[Any],
    channel: ColumnElement[Any],
    address: ColumnElement[Any],
    *,
    transactional: bool,
) -> ScalarSelect[Any]:
    """The id of the suppression that holds a message to the address back, null without one; what is
    transactional passes an unsubscribe. One look into a unique index."""
    found = select(suppressions.c.id).where(
        suppressions.c.brand_id == brand_id, suppressions.c.channel == channel, HOLDS
    )
    found = found.where(suppressions.c.address == address)
    if transactional:
        found = found.where(suppressions.c.reason != _UNSUBSCRIBE)
    return found.scalar_subquery()

"""Criteria as a condition on a JSON column."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, true

from server.domain.criteria import Criteria, Everyone
from storage.sql.dialects import SqlDialect


def matches(criteria: Criteria, attributes: ColumnElement[Any], dialect: SqlDialect) -> ColumnElement[bool]:
    """Whether `attributes` meet the criteria, as `People.list_matching` says."""
    if isinstance(criteria, Everyone):
        return true()
    return dialect.json_equals(attributes, criteria.path, criteria.value)

"""Criteria as a condition on people."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement, true

from server.domain.criteria import Criteria, Everyone
from storage.sql.dialects import SqlDialect
from storage.sql.tables import people


def matches(criteria: Criteria, now: datetime, dialect: SqlDialect) -> ColumnElement[bool]:
    """Whether a row of `people` meets the criteria; relative dates count from `now`."""
    if isinstance(criteria, Everyone):
        return true()
    return dialect.json_equals(people.c.attributes, criteria.path, criteria.value)

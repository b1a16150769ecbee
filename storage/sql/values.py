"""Values of any JSON type in SQL."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement


@dataclass(frozen=True, slots=True)
class SqlValue:
    """One value, seen as each type it may be of: an expression that is NULL where the value is of another type, or None if it never is of
    that type."""

    text: ColumnElement[str] | None = None
    number: ColumnElement[float] | None = None
    boolean: ColumnElement[bool] | None = None
    is_null: ColumnElement[bool] | None = None
    """Whether it is null or missing; never NULL."""
    filled: ColumnElement[bool] | None = None
    """Whether it is an object or a list with elements; never NULL."""
    instant: ColumnElement[Any] | None = None
    """The date that it is."""

"""Expressions of SQL for values of any JSON type."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from sqlalchemy import ColumnElement


class SqlValue(Protocol):
    """One value, seen as each type it may be of: an expression that is NULL where the value is of
    another type, or None if it never is of that type."""

    @property
    def text(self) -> ColumnElement[str] | None: ...

    @property
    def number(self) -> ColumnElement[float] | None: ...

    @property
    def boolean(self) -> ColumnElement[bool] | None: ...

    @property
    def is_null(self) -> ColumnElement[bool] | None:
        """Whether it is null or missing; never NULL."""
        ...

    @property
    def filled(self) -> ColumnElement[bool] | None:
        """Whether it is an object or a list with elements; never NULL."""
        ...


@dataclass(frozen=True, slots=True)
class TypedValue:
    """A value of which it is known what it may be."""

    text: ColumnElement[str] | None = None
    number: ColumnElement[float] | None = None
    boolean: ColumnElement[bool] | None = None
    is_null: ColumnElement[bool] | None = None
    filled: ColumnElement[bool] | None = None
    instant: ColumnElement[Any] | None = None
    """For a text that is kept as an instant: that instant."""

"""Indexes of a part of a table, for which each database has a keyword of its own."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Column, Index, TextClause


def partial_index(
    name: str, *columns: Column[Any], where: TextClause, unique: bool = False
) -> Index:
    """An index of the rows for which `where` holds."""
    return Index(name, *columns, unique=unique, sqlite_where=where, postgresql_where=where)

"""Databases for crash points, on both kinds."""

from __future__ import annotations

from tests.support.databases import (
    database_url,
    migrated_database,
    migrated_file,
    postgres_url,
    sqlite_url,
)

__all__ = [
    "database_url",
    "migrated_database",
    "migrated_file",
    "postgres_url",
    "sqlite_url",
]

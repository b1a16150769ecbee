"""Use cases on both databases: a test that takes `stage` runs once on each."""

from __future__ import annotations

from tests.dispatch.conftest import (
    database_url,
    migrated_database,
    migrated_file,
    postgres_url,
    sqlite_url,
    stage,
    stage_on_postgres,
)

__all__ = [
    "database_url",
    "migrated_database",
    "migrated_file",
    "postgres_url",
    "sqlite_url",
    "stage",
    "stage_on_postgres",
]

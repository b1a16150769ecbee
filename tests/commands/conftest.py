"""Use cases on both databases: a test that takes `stage` runs once on each."""

from __future__ import annotations

from tests.dispatch.conftest import (
    lender,
    lent_postgres,
    lent_sqlite,
    migrated_database,
    migrated_file,
    stage,
    stage_on_postgres,
)

__all__ = [
    "lender",
    "lent_postgres",
    "lent_sqlite",
    "migrated_database",
    "migrated_file",
    "stage",
    "stage_on_postgres",
]

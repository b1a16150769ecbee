"""Brands for tests, put into a database that a service has."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime

import asyncpg
from sqlalchemy import make_url

from storage.sql.dialects.types import to_microseconds
from storage.sql.sqlite.engine import database_path

_INTO = "INSERT INTO brands (id, name, created_by, created_at, updated_at) VALUES"


def create_brands(url: str, brands: Iterable[str]) -> None:
    """Brands with these ids, where there are none yet. Any id will do. Not a coroutine, so that
    making a token is none."""
    if url.startswith("sqlite"):
        now = to_microseconds(datetime.now(UTC))
        with closing(sqlite3.connect(database_path(url), timeout=10)) as connection, connection:
            connection.executemany(
                f"{_INTO} (?1, ?1, 'tests', ?2, ?2) ON CONFLICT DO NOTHING",
                [(brand, now) for brand in brands],
            )
    else:
        # A loop of its own, since the caller's is running.
        with ThreadPoolExecutor(1) as thread:
            thread.submit(asyncio.run, _on_postgres(url, list(brands))).result()


async def _on_postgres(url: str, brands: list[str]) -> None:
    parts = make_url(url)
    connection = await asyncpg.connect(
        user=parts.username, database=parts.database, host=parts.query["host"]
    )
    try:
        values = "($1, $1, 'tests', now(), now()) ON CONFLICT DO NOTHING"
        await connection.executemany(f"{_INTO} {values}", [(brand,) for brand in brands])
    finally:
        await connection.close()

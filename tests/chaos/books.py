"""What the database says, read by plain SQL of these tests' own and not by the code that is on
trial."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

import asyncpg
from sqlalchemy import make_url

UNFINISHED = ("pending", "leased", "sending")
COUNTED = ("pending", "in_flight", "sent", "failed", "skipped", "cancelled", "expired", "unknown")
_COLUMN = {"leased": "pending", "sending": "in_flight"}
END_LEASES = "UPDATE messages SET lease_expires_at = created_at WHERE lease_expires_at IS NOT NULL"
"""As if half a minute had passed: whoever holds rows has lost them."""
POLL_INTERVAL = 0.05
"""Seconds between looks at a database that has no way to call."""


class Books(Protocol):
    """A database to ask."""

    async def rows(self, sql: str) -> Sequence[Sequence[Any]]:
        """The rows of a query."""

    async def change(self, sql: str) -> None:
        """Runs a statement."""


class SqliteBooks:
    """An SQLite file, beside the process that owns it."""

    def __init__(self, url: str) -> None:
        self._path = url.removeprefix("sqlite:///")

    async def rows(self, sql: str) -> Sequence[Sequence[Any]]:
        return await asyncio.to_thread(self._run, sql)

    async def change(self, sql: str) -> None:
        await asyncio.to_thread(self._run, sql)

    def _run(self, sql: str) -> Sequence[Sequence[Any]]:
        connection = sqlite3.connect(self._path, timeout=10, isolation_level=None)
        try:
            return connection.execute(sql).fetchall()
        finally:
            connection.close()


class PostgresBooks:
    """A PostgreSQL database, over a new connection for each question: it may have gone away since
    the last."""

    def __init__(self, url: str) -> None:
        self._url = make_url(url)

    async def rows(self, sql: str) -> Sequence[Sequence[Any]]:
        connection = await asyncpg.connect(
            user=self._url.username, database=self._url.database, host=self._url.query["host"]
        )
        try:
            found: Sequence[Sequence[Any]] = await connection.fetch(sql)
            return found
        finally:
            await connection.close()

    async def change(self, sql: str) -> None:
        await self.rows(sql)


def books_of(url: str) -> Books:
    """The books of a database by its URL."""
    return SqliteBooks(url) if url.startswith("sqlite:") else PostgresBooks(url)


def seconds(value: int | datetime) -> float:
    """An instant as the database keeps it, in seconds since 1970."""
    return value.timestamp() if isinstance(value, datetime) else value / 1_000_000


@dataclass(frozen=True, slots=True)
class Row:
    """A message as it stands."""

    id: str
    send_id: str | None
    person_id: str
    status: str


@dataclass(frozen=True, slots=True)
class Doubt:
    """A call whose end nobody saw, and when it was found."""

    message_id: str
    started_at: float
    found_at: float


async def messages(books: Books) -> list[Row]:
    """All of them."""
    return [
        Row(*row) for row in await books.rows("SELECT id, send_id, person_id, status FROM messages")
    ]


async def doubts(books: Books) -> list[Doubt]:
    """What recovery found."""
    found = await books.rows(
        "SELECT message_id, started_at, finished_at FROM attempts WHERE reason = 'in_doubt'"
    )
    return [
        Doubt(message_id, seconds(started), seconds(finished))
        for message_id, started, finished in found
    ]


async def drift(books: Books) -> list[str]:
    """Sends whose counters break the law or differ from a recount of their rows."""
    recount: dict[str, Counter[str]] = {}
    for send_id, status, count in await books.rows(
        "SELECT send_id, status, count(*) FROM messages GROUP BY send_id, status"
    ):
        recount.setdefault(send_id, Counter())[_COLUMN.get(status, status)] += count
    wrong = []
    for send_id, total, *counters in await books.rows(
        f"SELECT id, total, {', '.join(COUNTED)} FROM sends"  # noqa: S608
    ):
        rows = recount.get(send_id, Counter())
        if total != sum(counters) or dict(zip(COUNTED, counters, strict=True)) != {
            name: rows[name] for name in COUNTED
        }:
            wrong.append(
                f"{send_id}: {total} = {dict(zip(COUNTED, counters, strict=True))}, rows "
                f"{dict(rows)}"
            )
    return wrong


async def settled(books: Books, patience: float = 120.0) -> None:
    """Returns when every message has ended, and every send and campaign is over. Raises
    AssertionError if it takes longer than `patience` seconds."""
    end = time.monotonic() + patience
    words = ", ".join(f"'{word}'" for word in UNFINISHED)
    left: Sequence[Sequence[Any]] = ()
    while time.monotonic() < end:
        left = await books.rows(
            f"SELECT status, count(*) FROM messages WHERE status IN ({words}) GROUP BY "  # noqa: S608
            f"status"
            " UNION ALL SELECT 'send', count(*) FROM sends WHERE completed_at IS NULL HAVING "
            "count(*) > 0"
            " UNION ALL SELECT 'campaign', count(*) FROM campaigns WHERE status IN ('scheduled', "
            "'sending') HAVING count(*) > 0"
        )
        if not left:
            return
        await asyncio.sleep(POLL_INTERVAL)
    raise AssertionError(f"not over after {patience} s: {[tuple(each) for each in left]}")

"""Reads that end only when they are stopped, or much later."""

from __future__ import annotations

import asyncio
from typing import Self

import asyncpg
from sqlalchemy import text

from storage.contract.storage import Storage, Transaction
from storage.contract.work import Work
from storage.sql.dialects.postgres import PostgresDialect

_ENDLESS = text(
    "WITH RECURSIVE endless (number) AS (SELECT 1 UNION ALL SELECT number + 0 FROM endless)"
    " SELECT count(*) FROM endless"
)
# Held up by the server itself, so that nothing else of the run waits for a processor.
_ASLEEP = text("SELECT 'endless', pg_sleep(3600)")
_LONG = text(
    "WITH RECURSIVE long (number) AS"
    " (SELECT 1 UNION ALL SELECT number + 1 FROM long WHERE number < 50000000)"
    " SELECT count(*) FROM long"
)


class Endless:
    """Reads that are running, each as a task to cancel."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self.tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        # Else closing the storage would wait for them.
        await self.cancel()

    async def begin(self, count: int, work: Work = Work.PREVIEWS) -> None:
        """Starts as many and returns when each of them is about to run its statement."""
        for begun in self.submit(count, work):
            await begun.wait()

    async def begin_first(self, count: int, work: Work, whose: str) -> None:
        """Starts as many of a party and returns when the first of them is running."""
        begun = [asyncio.create_task(each.wait()) for each in self.submit(count, work, whose)]
        _, others = await asyncio.wait(begun, return_when=asyncio.FIRST_COMPLETED)
        for each in others:
            each.cancel()

    def submit(self, count: int, work: Work, whose: str = "") -> list[asyncio.Event]:
        """Starts as many; set when each of them is about to run its statement."""
        loop = asyncio.get_running_loop()
        running = [asyncio.Event() for _ in range(count)]

        async def read(tx: Transaction, begun: asyncio.Event) -> None:
            # It may be on another thread.
            loop.call_soon_threadsafe(begun.set)
            await run_endlessly(tx)

        for begun in running:
            self.tasks.append(
                asyncio.create_task(
                    self._storage.read(
                        lambda tx, begun=begun: read(tx, begun),  # type: ignore[misc]
                        work,
                        whose,
                    )
                )
            )
        return running

    async def cancel(self) -> None:
        """Lets go of all of them."""
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        self.tasks.clear()


async def run_long(tx: Transaction) -> None:
    """Runs a statement that takes many seconds unless it is stopped."""
    await tx.people._connection.execute(_LONG)  # type: ignore[attr-defined]


async def run_endlessly(tx: Transaction) -> None:
    """Runs a statement without an end."""
    connection = tx.people._connection  # type: ignore[attr-defined]
    sleeps = isinstance(connection.dialect, PostgresDialect)
    await connection.execute(_ASLEEP if sleeps else _ENDLESS)


async def until_running(admin: asyncpg.Connection, count: int) -> None:
    """Until PostgreSQL runs exactly so many of the statements in this database."""
    running = (
        "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE "
        "'SELECT ''endless''%' AND datname = current_database()"
    )
    # The server does not tell when it begins or ends a statement.
    while await admin.fetchval(running) != count:  # noqa: ASYNC110
        await asyncio.sleep(0)

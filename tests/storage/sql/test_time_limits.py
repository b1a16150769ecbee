"""No statement runs for ever, none for nobody, and none holds up those of another kind of work."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import pytest

from storage.contract.errors import TookTooLong
from storage.contract.storage import Storage, Transaction
from storage.contract.work import PREVIEWS_AT_ONCE, TimeLimits, Work
from storage.sql import open_storage
from tests.support.storage import made
from tests.support.storage.endless import Endless, run_long, until_running
from tests.support.storage.scene import Scene

LONG = 1000.0
SHORT = 0.1


@asynccontextmanager
async def opened(url: str, **limits: float) -> AsyncIterator[Storage]:
    storage = await open_storage(url, beside=True, limits=TimeLimits(**limits))
    try:
        yield storage
    finally:
        await storage.close()


@pytest.mark.parametrize("work", list(Work))
async def test_a_read_that_takes_too_long_is_stopped_and_the_next_one_is_answered(
    scene: Scene, work: Work
) -> None:
    limits = dict.fromkeys(Work, LONG) | {work: SHORT}
    async with opened(scene.url, **limits) as storage:
        with pytest.raises(TookTooLong):
            await storage.read(run_long, work)
        assert await storage.read(lambda tx: tx.is_empty(), work)


async def test_reads_whose_callers_have_gone_make_room_for_others(scene: Scene) -> None:
    async with opened(scene.url, previews=LONG) as storage, Endless(storage) as reads:
        for _ in range(3):
            await reads.begin(PREVIEWS_AT_ONCE)
            await reads.cancel()
        assert await storage.read(lambda tx: tx.is_empty(), Work.PREVIEWS)


async def test_postgres_stops_the_statement_of_a_caller_who_has_gone(
    on_postgres: Scene, admin: asyncpg.Connection
) -> None:
    async with opened(on_postgres.url, previews=LONG) as storage, Endless(storage) as reads:
        await reads.begin(PREVIEWS_AT_ONCE)
        await until_running(admin, PREVIEWS_AT_ONCE)
        await reads.cancel()
        await until_running(admin, 0)


async def test_previews_hold_up_neither_calls_nor_deliveries(scene: Scene) -> None:
    async with opened(scene.url, previews=LONG) as storage, Endless(storage) as reads:
        await reads.begin(PREVIEWS_AT_ONCE)
        waiting = asyncio.create_task(storage.read(lambda tx: tx.is_empty(), Work.PREVIEWS))
        for work in (Work.CALLS, Work.DELIVERY):
            await storage.write(lambda tx: tx.campaigns.insert(made.campaign()), work)
            assert await storage.read(lambda tx: tx.is_empty(), work)
        assert not waiting.done()
        await reads.cancel()
        await waiting


async def test_a_storage_closes_although_a_read_runs_on_for_nobody(scene: Scene) -> None:
    async with opened(scene.url, previews=LONG) as storage, Endless(storage) as reads:
        await reads.begin(PREVIEWS_AT_ONCE)
        await reads.cancel()


async def test_a_write_whose_statement_takes_too_long_is_taken_back_and_the_next_one_is_made(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    for database in ("sqlite", "postgres"):
        monkeypatch.setattr(f"storage.sql.{database}.storage.STATEMENT_SECONDS", SHORT)

    async def insert(tx: Transaction) -> None:
        await tx.campaigns.insert(made.campaign())

    async def insert_and_go_on(tx: Transaction) -> None:
        await insert(tx)
        await run_long(tx)

    async with opened(scene.url) as storage:
        with pytest.raises(TookTooLong):
            await storage.write(insert_and_go_on)
        assert await storage.read(lambda tx: tx.is_empty())
        await storage.write(insert)

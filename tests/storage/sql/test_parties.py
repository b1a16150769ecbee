"""Transactions of one party do not hold up those of another."""

from __future__ import annotations

import asyncio
import threading

from storage.contract.storage import Transaction
from storage.contract.work import TimeLimits, Work
from storage.sql import open_storage
from tests.support.storage.endless import Endless
from tests.support.storage.scene import Scene

LONG = 1000.0
MANY = 40
"""More reads than would fill all connections, of SQLite with several on each."""


async def test_reads_of_one_party_leave_room_for_another(scene: Scene) -> None:
    storage = await open_storage(scene.url, beside=True, limits=TimeLimits(calls=LONG))
    try:
        async with Endless(storage) as reads:
            await reads.begin_first(MANY, Work.CALLS, "greedy")
            assert await storage.read(lambda tx: tx.is_empty(), whose="other")
            assert await storage.read(lambda tx: tx.is_empty())
    finally:
        await storage.close()


async def test_writes_to_sqlite_take_turns_by_party(on_sqlite: Scene) -> None:
    ran: list[str] = []
    holding, release = threading.Event(), threading.Event()

    async def hold(tx: Transaction) -> None:
        holding.set()
        release.wait()
        await tx.is_empty()

    def write(whose: str) -> asyncio.Task[None]:
        async def note(tx: Transaction) -> None:
            ran.append(whose)
            await tx.is_empty()

        return asyncio.create_task(on_sqlite.storage.write(note, whose=whose))

    first = asyncio.create_task(on_sqlite.storage.write(hold, whose="greedy"))
    await asyncio.to_thread(holding.wait)
    others = [write(whose) for whose in ("greedy", "greedy", "greedy", "other", "third", "other")]
    await asyncio.sleep(0)
    release.set()
    await asyncio.gather(first, *others)
    assert ran == ["greedy", "other", "third", "greedy", "other", "greedy"]

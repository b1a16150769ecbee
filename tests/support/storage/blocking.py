"""Transactions on PostgreSQL that are held before their commit, and others that wait for them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

import asyncpg

from storage.contract.storage import Transaction
from tests.support.storage.scene import Scene

T = TypeVar("T")
Function = Callable[[Transaction], Awaitable[Any]]


class Held:
    """A transaction that has run its function and waits, before its commit, until it is let go."""

    def __init__(self, scene: Scene, function: Function) -> None:
        self._scene = scene
        self._function = function
        self._ran = asyncio.Event()
        self._go_on = asyncio.Event()

    async def __aenter__(self) -> Held:
        self._task = asyncio.create_task(self._scene.storage.write(self._run))
        await self._ran.wait()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.commit()

    async def commit(self) -> Any:
        self._go_on.set()
        return await self._task

    async def _run(self, tx: Transaction) -> Any:
        result = await self._function(tx)
        self._ran.set()
        await self._go_on.wait()
        return result


async def until_blocked(admin: asyncpg.Connection, count: int = 1) -> None:
    """Until this many transactions wait for a lock of another."""
    waiting = (
        "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = "
        "current_database()"
    )
    # The server does not tell when it makes somebody wait.
    while await admin.fetchval(waiting) < count:  # noqa: ASYNC110
        await asyncio.sleep(0)


async def unless_blocked(admin: asyncpg.Connection, work: Coroutine[Any, Any, T]) -> T:
    """What the work returns. Fails as soon as it waits for a lock."""
    working, blocked = asyncio.create_task(work), asyncio.create_task(until_blocked(admin))
    await asyncio.wait({working, blocked}, return_when=asyncio.FIRST_COMPLETED)
    assert not blocked.done(), "it waits for another transaction"
    blocked.cancel()
    await asyncio.wait({blocked})
    return await working

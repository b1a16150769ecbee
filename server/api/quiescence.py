"""Waiting for something to become of sends: until a signal comes, and looking again now and then,
for what other processes do signals nobody here."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress

from server.domain.delivery.timing import START_WINDOW
from storage.contract.errors import StorageError
from storage.contract.signals import PROGRESS
from storage.contract.storage import Storage

LOOK_AGAIN_SHARED = 0.05
"""Seconds between looks at a database that other processes write to as well, while a caller waits
for a handful of calls to end."""


async def woken(event: asyncio.Event, seconds: float) -> None:
    """Returns when the event is set, or after so many seconds."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()


class Standstill:
    """Waits until no provider call can begin any more for sends that were paused or cancelled."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._look_again = START_WINDOW.total_seconds() if storage.exclusive else LOOK_AGAIN_SHARED

    async def wait(self, send_ids: Sequence[str]) -> None:
        """Returns when none of their messages is in flight, or START_WINDOW after it was called: a
        call that was marked before the pause or cancel was committed has begun by then, or never
        will. To be called once that is committed."""
        if not send_ids:
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(START_WINDOW.total_seconds()):
                await self._until_none_in_flight(send_ids)

    async def _until_none_in_flight(self, send_ids: Sequence[str]) -> None:
        with self._storage.signals.subscribe(PROGRESS) as progress:
            while True:
                progress.clear()
                if not await self._any_in_flight(send_ids):
                    return
                await woken(progress, self._look_again)

    async def _any_in_flight(self, send_ids: Sequence[str]) -> bool:
        try:
            sends = await self._storage.read(lambda tx: tx.sends.find_many(send_ids))
        except StorageError:
            # What was committed is committed: the caller is answered, after the whole window.
            return True
        return any(send.counters.in_flight for send in sends.values())

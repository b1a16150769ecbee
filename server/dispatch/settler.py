"""Results become durable: those that come in while one batch is being written go out together in the next."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

from server.domain.clock import Clock
from storage.errors import StorageError
from storage.interface import Storage
from storage.records import Settlement

PAUSE = 0.5
"""Seconds before a batch that could not be written is tried again. The result of a call is never thrown away while the process lives."""

_log = logging.getLogger(__name__)


class Settler:
    """Writes settlements in batches."""

    def __init__(self, storage: Storage, clock: Clock) -> None:
        self._storage = storage
        self._clock = clock
        self._waiting: list[Settlement] = []
        self._next: asyncio.Future[None] | None = None
        self._writing = asyncio.Lock()

    async def settle(self, settlements: Sequence[Settlement]) -> None:
        """Returns when the settlements are durable, or were found to have come too late."""
        self._waiting.extend(settlements)
        if self._next is None:
            self._next = asyncio.ensure_future(self._write_next())
        await asyncio.shield(self._next)

    async def _write_next(self) -> None:
        async with self._writing:
            batch, self._waiting, self._next = self._waiting, [], None
            while not await self._write(batch):  # noqa: ASYNC110 - a pause between tries, not a wait for an event
                await asyncio.sleep(PAUSE)

    async def _write(self, batch: list[Settlement]) -> bool:
        now = self._clock.now()
        try:
            await self._storage.write(lambda tx: tx.messages.settle(batch, now))
        except StorageError:
            _log.warning("%d results could not be written yet; trying again", len(batch), exc_info=True)
            return False
        return True

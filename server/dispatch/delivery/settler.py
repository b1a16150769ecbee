"""Writes results in batches: those that come in while one batch is being written, or soon after one
another, share a commit."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress

from server.domain.clock import Clock
from storage.contract.errors import StorageUnavailable, WriteConflict
from storage.contract.storage import Storage
from storage.model.deliveries import Settlement

PAUSE = 0.5
"""Seconds before a batch that could not be written is tried again. The result of a call is never
thrown away while the process lives, unless the database refuses it for what it is."""
LINGER = 0.01
"""Seconds that a batch waits for results that are to come soon."""

_log = logging.getLogger(__name__)


class Settler:
    """Writes settlements in batches."""

    def __init__(self, storage: Storage, clock: Clock) -> None:
        self._storage = storage
        self._clock = clock
        self._waiting: list[Settlement] = []
        self._next: asyncio.Future[None] | None = None
        self._complete = asyncio.Event()
        """Nothing more is to come soon for the next batch."""
        self._writing = asyncio.Lock()

    async def settle(self, settlements: Sequence[Settlement], *, more_soon: bool = False) -> None:
        """Returns when the settlements are durable, or were found to have come too late.
        `more_soon`: others are likely to follow at once, and the batch waits for them a moment."""
        self._waiting.extend(settlements)
        if self._next is None:
            self._complete.clear()
            self._next = asyncio.ensure_future(self._write_next())
        if not more_soon:
            self._complete.set()
        await asyncio.shield(self._next)

    async def _write_next(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(LINGER):
                await self._complete.wait()
        async with self._writing:
            batch, self._waiting, self._next = self._waiting, [], None
            await self._write(batch)

    async def _write(self, batch: Sequence[Settlement]) -> None:
        try:
            await self._write_until_durable(batch)
        except Exception:  # noqa: BLE001 - one result must not take the others with it
            if len(batch) > 1:
                for settlement in batch:
                    await self._write([settlement])
            else:
                _log.exception(
                    "the result of message %s was refused; it is in doubt when its lease ends",
                    batch[0].message_id,
                )

    async def _write_until_durable(self, batch: Sequence[Settlement]) -> None:
        while True:
            now = self._clock.now()
            try:
                # The write is over before `now` changes.
                await self._storage.write(lambda tx: tx.messages.settle(batch, now))  # noqa: B023
                return
            except (StorageUnavailable, WriteConflict):
                _log.warning(
                    "%d results could not be written yet; trying again", len(batch), exc_info=True
                )
            await asyncio.sleep(PAUSE)

"""Notices a database that was put back to an earlier state, and holds delivery: it may hold sent
messages as pending.

A generation grows in every transaction that marks messages, and follows in a file of the
dispatcher's own before any provider is called. So a database whose generation is behind the file's
has forgotten calls. Only somebody who knows what was restored can say what to do.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TypeVar

from server.dispatch.delivery.generation_file import Generation, GenerationFile
from server.dispatch.metrics import DispatchMetrics
from server.domain.clock import Clock
from storage.contract.storage import Storage, Transaction
from storage.model.audit import DELIVERY, INSTALLATION, AuditAction, AuditEntry
from storage.model.dispatchers import Hold
from storage.model.ids import new_id

T = TypeVar("T")

BEHIND = (
    "the database is older than the messages this dispatcher has sent: it seems to be a restored "
    "backup"
)
ANOTHERS = "the database was used by a dispatcher of another installation: it seems to be a copy"

_log = logging.getLogger(__name__)


class DeliveryHeld(Exception):
    """No provider may be called, and nothing was written."""


class _Refused(Exception):
    """The generation did not fit."""


class RestoreGuard:
    """The one way to a durable mark. Also a loop, which looks whether delivery is held."""

    name = "restore-guard"
    topics = ()

    def __init__(
        self, storage: Storage, clock: Clock, directory: Path, metrics: DispatchMetrics
    ) -> None:
        """`directory` is where the file is: the installation's own, which is not restored with the
        database."""
        self._storage = storage
        self._clock = clock
        self._directory = directory
        self._metrics = metrics
        self._seems_held = False
        self._marking = asyncio.Lock()
        self._writing = asyncio.Lock()
        self._file: GenerationFile | None = None
        self._id = ""
        self._committed = 0
        """The generation of the last mark that is known to be committed."""
        self._tried = 0
        """The highest generation that may have been committed."""
        self._written = 0
        """The generation in the file."""
        self._released_at: datetime | None = None

    async def start(self) -> None:
        """Opens the file, and holds delivery if the database does not fit it. Raises OSError,
        StorageError."""
        file = self._file = await asyncio.to_thread(GenerationFile.open, self._directory)
        found = file.found or Generation(new_id(), 0, None)
        self._id, self._released_at = found.dispatcher_id, found.released_at
        self._committed = self._tried = self._written = found.number
        await self._examine()
        if file.found is None:
            # Only now: a crash before a hold is written must not make this file look as if it had
            # fitted.
            await asyncio.to_thread(file.write, found)

    def close(self) -> None:
        """Lets go of the file."""
        if self._file is not None:
            self._file.close()

    async def run_once(self) -> bool:
        """Looks whether delivery is held."""
        self._report(await self._storage.read(lambda tx: tx.dispatchers.find_hold()))
        return False

    async def next_due(self) -> datetime | None:
        """None: nothing announces a hold."""
        return None

    async def write(self, mark: Callable[[Transaction], Awaitable[T]]) -> T:
        """Runs a transaction that marks, and returns when it is durable and the file says so. Only
        then may a provider be called for what it marked, and never if this raises: DeliveryHeld,
        StorageError or OSError."""
        async with self._marking:
            result = await self._advance(mark)
            generation = self._committed
        await self._file_says(generation)
        return result

    async def _advance(self, mark: Callable[[Transaction], Awaitable[T]]) -> T:
        try:
            return await self._try_to_advance(mark)
        except _Refused:
            # A release makes every dispatcher begin anew, and a commit whose answer was lost may
            # have come after all.
            if await self._examine():
                raise DeliveryHeld from None
        try:
            return await self._try_to_advance(mark)
        except _Refused:
            raise DeliveryHeld from None

    async def _try_to_advance(self, mark: Callable[[Transaction], Awaitable[T]]) -> T:
        known, following = self._committed, self._tried + 1
        self._tried = following

        async def advance_and_mark(tx: Transaction) -> T:
            if not await tx.dispatchers.advance(self._id, known, following):
                raise _Refused
            return await mark(tx)

        result = await self._storage.write(advance_and_mark)
        self._committed = following
        return result

    async def _file_says(self, generation: int) -> None:
        async with self._writing:
            if self._written < generation:
                assert self._file is not None, "started"
                # With the generations of those who wait behind, so that they need no write of their
                # own.
                latest = Generation(self._id, self._committed, self._released_at)
                await asyncio.to_thread(self._file.write, latest)
                self._written = latest.number

    async def _examine(self) -> bool:
        """Makes what is known fit the database, or holds delivery. Whether it is held."""
        hold, generation = await self._storage.write(partial(self._compare, now=self._clock.now()))
        self._report(hold)
        if hold.held_at is not None:
            return True
        if self._is_released_since(hold):
            self._released_at = hold.released_at
        self._committed = generation
        self._tried = max(self._tried, generation)
        return False

    async def _compare(self, tx: Transaction, now: datetime) -> tuple[Hold, int]:
        hold, generation = (
            await tx.dispatchers.find_hold(),
            await tx.dispatchers.find_generation(self._id),
        )
        if hold.held_at is not None:
            return hold, 0
        if generation is None and self._committed and self._is_released_since(hold):
            await tx.dispatchers.adopt(self._id, self._committed)
            generation = self._committed
        if (generation or 0) < self._committed:
            await _hold(tx, BEHIND, now)
        elif generation is None and self._storage.exclusive and await tx.dispatchers.exist():
            await _hold(tx, ANOTHERS, now)
        return await tx.dispatchers.find_hold(), generation or 0

    def _is_released_since(self, hold: Hold) -> bool:
        """Whether somebody released a hold after what the file knows, which made the database
        forget generations."""
        return hold.released_at is not None and (
            self._released_at is None or hold.released_at > self._released_at
        )

    def _report(self, hold: Hold) -> None:
        is_held = hold.held_at is not None
        self._metrics.held(is_held)
        if is_held and not self._seems_held:
            _log.error(
                "DELIVERY IS HELD since %s: %s. Nothing goes out until somebody who knows what was "
                "restored runs"
                " `carillon release --i-understand` (see docs/operations.md)",
                hold.held_at,
                hold.reason,
            )
        elif self._seems_held and not is_held:
            _log.warning("delivery was released by %s", hold.released_by)
        self._seems_held = is_held


async def _hold(tx: Transaction, reason: str, now: datetime) -> None:
    await tx.dispatchers.hold(reason, now)
    await tx.audit.append(
        [AuditEntry.own(INSTALLATION, AuditAction.DELIVERY_HELD, DELIVERY, {"reason": reason}, now)]
    )

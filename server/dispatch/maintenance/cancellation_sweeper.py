"""Cancels the rows of large sends that were cancelled, in batches."""

from __future__ import annotations

from datetime import datetime

from server.domain.clock import Clock
from storage.contract.signals import CANCELLATIONS
from storage.contract.storage import Storage
from storage.contract.work import MAINTENANCE

BATCH = 250


class CancellationSweeper:
    """Cancels what is left of cancelled sends. None of it can go out any more: a mark looks at the
    send."""

    name = "cancellation-sweeper"
    topics = (CANCELLATIONS,)

    def __init__(self, storage: Storage, clock: Clock) -> None:
        self._storage = storage
        self._clock = clock

    async def run_once(self) -> bool:
        """One batch of one send. True if there may be more."""
        now = self._clock.now()
        swept = await self._storage.write(
            lambda tx: tx.sends.sweep_cancelled(now, BATCH), whose=MAINTENANCE
        )
        return swept > 0

    async def next_due(self) -> datetime | None:
        """None: a cancellation announces itself."""
        return None

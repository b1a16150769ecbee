"""Expires messages that go stale while nobody claims them: of a paused send, or while their
provider is left alone."""

from __future__ import annotations

from datetime import datetime, timedelta

from server.dispatch.metrics import DispatchMetrics
from server.domain.clock import Clock
from storage.contract.storage import Storage

BATCH = 500
BACKOFF = timedelta(seconds=1)
"""Between passes that find nothing to do, although something seems to have expired: others hold
it."""


class Expirer:
    """Ends stale messages in batches. Those that are claimed are not waited for: their worker looks
    itself."""

    name = "expirer"
    topics = ()

    def __init__(self, storage: Storage, clock: Clock, metrics: DispatchMetrics) -> None:
        self._storage = storage
        self._clock = clock
        self._metrics = metrics

    async def run_once(self) -> bool:
        """One batch. True if there may be more."""
        now = self._clock.now()
        due = await self._storage.read(lambda tx: tx.messages.next_expiry())
        if due is None or due > now:
            return False
        expired = await self._storage.write(lambda tx: tx.messages.expire(now, BATCH))
        if expired:
            self._metrics.expired(expired)
        return expired >= BATCH

    async def next_due(self) -> datetime | None:
        """When the next message goes stale."""
        due = await self._storage.read(lambda tx: tx.messages.next_expiry())
        return None if due is None else max(due, self._clock.now() + BACKOFF)

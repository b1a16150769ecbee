"""Deletes what ended long ago, in small batches, so that nobody waits for it."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from server.domain.clock import Clock
from storage.contract.storage import Storage

BATCH = 1000
"""Most rows looked at in one transaction."""
ANSWERS_KEPT = timedelta(days=7)
"""How long the first answer to an idempotency key is repeated."""
INTERVAL = timedelta(days=1)
PAUSE = timedelta(milliseconds=100)
"""Between two batches, for whoever else writes."""

_log = logging.getLogger(__name__)


class Pruning:
    """One walk through everything that is old enough to leave."""

    def __init__(self, storage: Storage, now: datetime, days: int) -> None:
        """`days` is how long messages, what providers reported of them, and enrollments that are
        over, are kept; 0 keeps them all."""
        self._storage = storage
        self._messages_before = now - timedelta(days=days)
        self._answers_before = now - ANSWERS_KEPT
        self._messages_done = self._events_done = self._enrollments_done = days == 0
        self._after: str | None = None
        self.messages = 0
        """Deleted so far."""
        self.answers = 0
        """The same, of answers to idempotency keys."""

    async def step(self) -> bool:
        """One batch. True if there may be more."""
        if not self._messages_done:
            before, after = self._messages_before, self._after
            deleted, self._after = await self._storage.write(
                lambda tx: tx.messages.prune(before, after, BATCH)
            )
            self.messages += deleted
            self._messages_done = self._after is None
            return True
        if not self._events_done:
            deleted = await self._storage.write(
                lambda tx: tx.email_events.prune(self._messages_before, BATCH)
            )
            self._events_done = deleted < BATCH
            return True
        if not self._enrollments_done:
            deleted = await self._storage.write(
                lambda tx: tx.enrollments.prune(self._messages_before, BATCH)
            )
            self._enrollments_done = deleted < BATCH
            return True
        deleted = await self._storage.write(
            lambda tx: tx.idempotency.prune(self._answers_before, BATCH)
        )
        self.answers += deleted
        return deleted == BATCH


class Pruner:
    """Prunes once a day: first when the dispatcher starts."""

    name = "pruner"
    topics = ()

    def __init__(self, storage: Storage, clock: Clock, days: int) -> None:
        """`days` is how long messages are kept; 0 keeps them all."""
        self._storage = storage
        self._clock = clock
        self._days = days
        self._next = clock.now()
        self._pruning: Pruning | None = None

    async def run_once(self) -> bool:
        """One batch, if it is time. False: the next comes after a pause, or the next day."""
        now = self._clock.now()
        if now < self._next:
            return False
        if self._pruning is None:
            self._pruning = Pruning(self._storage, now, self._days)
        if await self._pruning.step():
            self._next = self._clock.now() + PAUSE
            return False
        if self._pruning.messages:
            _log.info(
                "deleted %d messages that ended more than %d days ago",
                self._pruning.messages,
                self._days,
            )
        self._pruning, self._next = None, now + INTERVAL
        return False

    async def next_due(self) -> datetime | None:
        """When the next batch is."""
        return self._next

"""Keeps a process on the clock of the database it shares."""

from __future__ import annotations

import logging
from datetime import datetime

from server.domain.clock import DatabaseClock
from storage.contract.errors import StorageUnavailable
from storage.contract.storage import Storage

INTERVAL = 10.0
"""Seconds between measurements. A machine's oscillator is off by 0.0001 at worst: a millisecond in
this time."""

_log = logging.getLogger(__name__)


class ClockSync:
    """Measures the database's clock at every pass."""

    name = "clock-sync"
    topics = ()

    def __init__(self, storage: Storage, clock: DatabaseClock) -> None:
        self._storage = storage
        self._clock = clock

    async def run_once(self) -> bool:
        """Measures. While the database is away, the last measurement goes on."""
        try:
            await self._clock.measure(self._storage.now)
        except StorageUnavailable as error:
            _log.warning(
                "the database's clock could not be read, so the last measurement goes on: %s", error
            )
        return False

    async def next_due(self) -> datetime | None:
        """None: the next measurement comes with time."""
        return None

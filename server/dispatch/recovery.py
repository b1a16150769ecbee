"""Leases whose holder is gone are taken back."""

from __future__ import annotations

import logging
from datetime import datetime

from server.domain.clock import Clock
from storage.interface import Storage

_log = logging.getLogger(__name__)


class RecoveryLoop:
    """Looks for expired leases at every pass; the first pass of a process that owns the database alone takes back all of them."""

    name = "recovery"
    topics = ()

    def __init__(self, storage: Storage, clock: Clock) -> None:
        self._storage = storage
        self._clock = clock
        self._everything = storage.exclusive

    async def run_once(self) -> bool:
        """Takes back what can be. False: the next look comes with time."""
        now, everything = self._clock.now(), self._everything
        recovery = await self._storage.write(lambda tx: tx.messages.recover(now, everything=everything))
        self._everything = False
        if recovery.released or recovery.in_doubt:
            _log.warning("recovered %d leased messages; %d in doubt are now unknown", recovery.released, recovery.in_doubt)
        return False

    async def next_due(self) -> datetime | None:
        """None: nothing announces a lease that expires."""
        return None

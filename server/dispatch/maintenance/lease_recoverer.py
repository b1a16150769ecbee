"""Takes back leases whose holder is gone."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from server.channels.provider import Provider
from server.dispatch.metrics import DispatchMetrics
from server.domain.clock import Clock
from server.domain.delivery.retry import RETRY_POLICIES, ErrorClass
from storage.contract.storage import Storage

MAX_ATTEMPTS = RETRY_POLICIES[ErrorClass.AMBIGUOUS].max_attempts
"""Calls for a message after which one that is in doubt is not repeated."""

_log = logging.getLogger(__name__)


class LeaseRecoverer:
    """Looks for expired leases at every pass; the first pass of a process that owns the database
    alone takes back all of them."""

    name = "lease-recoverer"
    topics = ()

    def __init__(
        self,
        storage: Storage,
        clock: Clock,
        key_windows: Mapping[str, timedelta],
        metrics: DispatchMetrics,
    ) -> None:
        """`key_windows` says for how long each provider, by name, remembers a message."""
        self._storage = storage
        self._clock = clock
        self._key_windows = key_windows
        self._metrics = metrics
        self._everything = storage.exclusive

    async def run_once(self) -> bool:
        """Takes back what can be. False: the next look comes with time."""
        now, everything = self._clock.now(), self._everything
        recovery = await self._storage.write(
            lambda tx: tx.messages.recover(
                now, everything=everything, key_windows=self._key_windows, max_attempts=MAX_ATTEMPTS
            )
        )
        self._everything = False
        if recovery.released or recovery.in_doubt or recovery.resent:
            self._metrics.recovered(recovery.released, recovery.in_doubt, recovery.resent)
            _log.warning(
                "recovered %d leased messages; of those in doubt, %d are sent again and %d are now "
                "unknown",
                recovery.released,
                recovery.resent,
                recovery.in_doubt,
            )
        return False

    async def next_due(self) -> datetime | None:
        """None: nothing announces a lease that expires."""
        return None


def key_windows_of(providers: Iterable[Provider]) -> dict[str, timedelta]:
    """How long each provider, by name, remembers a message."""
    return {provider.name: provider.key_window for provider in providers}

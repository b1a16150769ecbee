"""Resolves audiences that are larger than one batch to their end."""

from __future__ import annotations

import logging
from collections.abc import Awaitable
from datetime import datetime
from functools import partial
from typing import Protocol

from server.dispatch.maintenance.cooldown import Cooldown
from server.domain.clock import Clock
from storage.contract.errors import StorageUnavailable
from storage.contract.signals import AUDIENCES
from storage.contract.storage import Storage, Transaction
from storage.contract.work import MAINTENANCE

SENDS = 20
"""Sends a pass, a batch of each in turn, so that a big one does not hold up the others."""

_log = logging.getLogger(__name__)


class ResolveBatch(Protocol):
    """Turns the next batch of a send's audience into messages."""

    def __call__(self, tx: Transaction, send_id: str, now: datetime) -> Awaitable[None]: ...


class AudienceResolver:
    """Resolves what is left of audiences. Each batch is a transaction, so a pass can be cut off
    anywhere."""

    name = "audience-resolver"
    topics = (AUDIENCES,)

    def __init__(self, storage: Storage, clock: Clock, resolve_batch: ResolveBatch) -> None:
        self._storage = storage
        self._clock = clock
        self._resolve_batch = resolve_batch
        self._faulty = Cooldown()

    async def run_once(self) -> bool:
        """One batch of every send that is being resolved. True if there may be more."""
        now = self._clock.now()
        self._faulty.take_back(now)
        send_ids = await self._storage.read(
            lambda tx: tx.sends.list_resolving(SENDS + len(self._faulty))
        )
        ready = [send_id for send_id in send_ids if send_id not in self._faulty]
        for send_id in ready:
            await self._resolve(send_id, now)
        return bool(ready)

    async def _resolve(self, send_id: str, now: datetime) -> None:
        try:
            await self._storage.write(
                partial(self._resolve_batch, send_id=send_id, now=now), whose=MAINTENANCE
            )
        except StorageUnavailable:
            raise
        except Exception:  # noqa: BLE001 - one fault must not end the loop
            # One audience that cannot be resolved must not hold up the others. It is tried again.
            self._faulty.add(send_id, now)
            _log.exception("the audience of send %s could not be resolved further", send_id)

    async def next_due(self) -> datetime | None:
        """When one that cools down is tried again; other work announces itself."""
        return self._faulty.earliest()

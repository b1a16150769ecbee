"""Audiences that are larger than one batch are resolved to their end."""

from __future__ import annotations

from collections.abc import Awaitable
from datetime import datetime
from functools import partial
from typing import Protocol

from server.domain.clock import Clock
from storage.interface import Storage, Transaction
from storage.signals import AUDIENCES

SENDS = 20
"""Sends a pass, a batch of each in turn, so that a big one does not hold up the others."""


class ResolveBatch(Protocol):
    """Turns the next batch of a send's audience into messages."""

    def __call__(self, tx: Transaction, send_id: str, now: datetime) -> Awaitable[None]: ...


class Audiences:
    """Resolves what is left of audiences. Each batch is a transaction, so a pass can be cut off anywhere."""

    name = "audiences"
    topics = (AUDIENCES,)

    def __init__(self, storage: Storage, clock: Clock, resolve_batch: ResolveBatch) -> None:
        self._storage = storage
        self._clock = clock
        self._resolve_batch = resolve_batch

    async def run_once(self) -> bool:
        """One batch of every send that is being resolved. True if there may be more."""
        send_ids = await self._storage.read(lambda tx: tx.sends.list_resolving(SENDS))
        for send_id in send_ids:
            await self._storage.write(partial(self._resolve_batch, send_id=send_id, now=self._clock.now()))
        return bool(send_ids)

    async def next_due(self) -> datetime | None:
        """None: work announces itself."""
        return None

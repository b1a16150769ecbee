"""The wait that makes cancel mean cancel: until no provider call can begin any more."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress

from server.domain.delivery.timing import START_WINDOW
from storage.contract.errors import StorageError
from storage.contract.signals import PROGRESS, wait_for_signal
from storage.contract.storage import Storage

POLL_SHARED = 0.05
"""Seconds between looks at a database that other processes write to as well, while a caller waits
for a handful of calls to end."""


async def wait_until_quiesced(storage: Storage, send_ids: Sequence[str]) -> None:
    """Waits until no provider call can begin any more for sends whose pause or cancellation is
    committed.

    Returns when none of their messages is in flight, or START_WINDOW after it was called: a call
    that was marked before that commit has begun by then, or never will.
    """
    if not send_ids:
        return
    with suppress(TimeoutError):
        async with asyncio.timeout(START_WINDOW.total_seconds()):
            await _until_none_in_flight(storage, send_ids)


async def _until_none_in_flight(storage: Storage, send_ids: Sequence[str]) -> None:
    poll_interval = START_WINDOW.total_seconds() if storage.exclusive else POLL_SHARED
    with storage.signals.subscribe(PROGRESS) as progress:
        while True:
            progress.clear()
            if not await _any_in_flight(storage, send_ids):
                return
            await wait_for_signal(progress, poll_interval)


async def _any_in_flight(storage: Storage, send_ids: Sequence[str]) -> bool:
    try:
        sends = await storage.read(lambda tx: tx.sends.find_many(send_ids))
    except StorageError:
        # What was committed is committed: the caller is answered, after the whole window.
        return True
    return any(send.counters.in_flight for send in sends.values())

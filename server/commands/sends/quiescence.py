"""The wait that makes cancel mean cancel: until no provider call can begin any more."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress

from server.domain.delivery.timing import START_WINDOW
from storage.contract.errors import StorageError
from storage.contract.signals import PROGRESS, wait_for_signal
from storage.contract.storage import Storage, Transaction

POLL_SHARED = 0.05
"""Seconds between looks at a database that other processes write to as well, while a caller waits
for a handful of calls to end."""


async def wait_until_quiesced(storage: Storage, send_ids: Sequence[str]) -> None:
    """Waits until no provider call can begin any more for sends whose pause or cancellation is
    committed.

    Returns when none of their messages is in flight, or START_WINDOW after it was called: a call
    that was marked before that commit has begun by then, or never will.
    """
    if send_ids:
        await _wait(storage, lambda tx: _any_in_flight(tx, send_ids))


async def wait_until_step_quiesced(storage: Storage, enrollment_id: str) -> None:
    """The same for an enrollment whose end is committed."""
    await _wait(storage, lambda tx: tx.enrollments.is_in_flight(enrollment_id))


async def _wait(storage: Storage, in_flight: Callable[[Transaction], Awaitable[bool]]) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(START_WINDOW.total_seconds()):
            await _until_none_in_flight(storage, in_flight)


async def _until_none_in_flight(
    storage: Storage, in_flight: Callable[[Transaction], Awaitable[bool]]
) -> None:
    poll_interval = START_WINDOW.total_seconds() if storage.exclusive else POLL_SHARED
    with storage.signals.subscribe(PROGRESS) as progress:
        while True:
            progress.clear()
            if not await _read(storage, in_flight):
                return
            await wait_for_signal(progress, poll_interval)


async def _any_in_flight(tx: Transaction, send_ids: Sequence[str]) -> bool:
    sends = await tx.sends.find_many(send_ids)
    return any(send.counters.in_flight for send in sends.values())


async def _read(storage: Storage, in_flight: Callable[[Transaction], Awaitable[bool]]) -> bool:
    try:
        return await storage.read(in_flight)
    except StorageError:
        # What was committed is committed: the caller is answered, after the whole window.
        return True

"""Watching a send until it has ended."""

from __future__ import annotations

from collections.abc import AsyncGenerator

from server.commands.sends.queries import get_send
from server.domain.access import Caller
from storage.contract.signals import PROGRESS, wait_for_signal
from storage.contract.storage import Storage
from storage.model.sends import Send

POLL_INTERVAL = 1.0
"""Seconds between looks of a watcher that no signal wakes: the send may be delivered by another
process."""


async def watch_send(storage: Storage, caller: Caller, send_id: str) -> AsyncGenerator[Send, None]:
    """The send as it is now and whenever it may have changed, last once it has ended. Raises
    NotFound."""
    with storage.signals.subscribe(PROGRESS) as progress:
        while True:
            progress.clear()
            send = await storage.read(lambda tx: get_send(tx, caller, send_id))
            yield send
            if send.completed_at is not None:
                return
            await wait_for_signal(progress, POLL_INTERVAL)

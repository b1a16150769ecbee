"""Watches an inbox: its unread count, and what is put there."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Set
from dataclasses import dataclass
from datetime import datetime, timedelta

from server.commands.inbox.owner import Owner
from server.domain.clock import Clock
from storage.contract.signals import inbox as inbox_topic
from storage.contract.signals import wait_for_signal
from storage.contract.storage import Storage, Transaction
from storage.model.inbox import InboxItem

POLL_INTERVAL = 2.0
"""Seconds between looks of a watcher that no signal wakes: the item may be put there by another
process."""
KEEPALIVE = timedelta(seconds=30)
"""How long a stream is silent at most: proxies end one that they take for dead."""
PAGE = 20
"""Items that are read at once. A look reads on while all of them are new."""
OVERLAP = timedelta(minutes=1)
"""How much older than its watcher an item may be that is new to it: ids and clocks of other
processes go their own ways."""


@dataclass(frozen=True, slots=True)
class InboxChange:
    """An inbox as it is, and what is new in it."""

    unread_count: int
    new_items: tuple[InboxItem, ...]
    """Those that were not there at the change before, oldest first."""


async def watch_inbox(
    storage: Storage, clock: Clock, owner: Owner, until: datetime | None
) -> AsyncGenerator[InboxChange, None]:
    """The inbox as it is, then every change of it, or what is known again after KEEPALIVE. Ends at
    `until`."""
    began = told_at = clock.now()
    seen: set[str] = set()
    told: int | None = None
    with storage.signals.subscribe(inbox_topic(owner.brand_id, owner.person_id)) as changed:
        while until is None or clock.now() < until:
            changed.clear()
            change = await storage.read(lambda tx: _look(tx, owner, seen, began - OVERLAP))
            seen.update(item.id for item in change.new_items)
            if told is None:
                # What it finds at first is there already.
                change = InboxChange(change.unread_count, ())
            if (
                change.unread_count != told
                or change.new_items
                or clock.now() - told_at >= KEEPALIVE
            ):
                told, told_at = change.unread_count, clock.now()
                yield change
            await wait_for_signal(changed, POLL_INTERVAL)


async def _look(tx: Transaction, owner: Owner, seen: Set[str], since: datetime) -> InboxChange:
    new: list[InboxItem] = []
    after = None
    while True:
        page = await tx.inbox.list_page(owner.brand_id, owner.person_id, after, PAGE)
        unseen = [item for item in page if item.id not in seen and item.created_at >= since]
        new += unseen
        if len(unseen) < PAGE:
            break
        after = page[-1].id
    unread = await tx.inbox.count_unread(owner.brand_id, owner.person_id)
    return InboxChange(unread, tuple(reversed(new)))

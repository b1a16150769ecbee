"""Dispatchers that stand still until their leases have ended, and then go on as if nothing had happened."""

from __future__ import annotations

import time
from pathlib import Path

from tests.chaos.outcome import Outcome
from tests.chaos.site import AUDIENCE, RATE, SLOTS, Site, site_on

DISPATCHERS = 3
LONGEST_LEASE = 90.0
"""Seconds by which a lease must have been taken back, even if its holder was frozen in the middle of a statement: PostgreSQL waits a minute
for the rest of it, locks held."""
WORK_OF_A_MAIL = 0.2
"""Seconds: so long that there are always calls to freeze in."""
AFTERWARDS = 100
"""Mails to take once the zombies are back, theirs among them."""


async def frozen_past_their_leases(directory: Path, database_url: str, frozen: int, *, wait: bool = True) -> Outcome:
    """Some of three dispatchers stand still in the middle of their calls; the others take over. Without `wait`, the leases are ended in the
    database instead of waited for."""
    async with site_on(directory, database_url, DISPATCHERS) as site:
        await site.peer.behave(delay=WORK_OF_A_MAIL)
        zombies = site.workers[:frozen]
        async with site.load.running(rate=RATE, size=AUDIENCE, pause=1.0):
            await site.peer.took(DISPATCHERS * SLOTS)
            for zombie in zombies:
                zombie.freeze()
            stopped = time.time()
            await _taken_over(site, wait=wait)
            recovered = time.time() - stopped
            for zombie in zombies:
                zombie.thaw()
            await site.peer.took(len(site.peer.entries()) + AFTERWARDS)
        statuses = [await zombie.end() for zombie in zombies]
        outcome = await site.reckon()
        outcome.kills, outcome.most_unknown, outcome.recoveries = frozen, frozen * SLOTS, [recovered]
        outcome.notes = [f"a zombie ended with status {status}" for status in statuses if status != 0]
        return outcome


async def _taken_over(site: Site, *, wait: bool) -> None:
    if not wait:
        await site.books.change("UPDATE messages SET lease_expires_at = created_at WHERE status IN ('leased', 'sending')")
    await site.waits_until("SELECT id FROM attempts WHERE reason = 'in_doubt' LIMIT 1", LONGEST_LEASE)

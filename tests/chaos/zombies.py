"""Dispatchers that stand still until their leases have ended, and then go on as if nothing had
happened."""

from __future__ import annotations

import time
from pathlib import Path

from tests.chaos.behaviour import Deed, Fault
from tests.chaos.books import END_LEASES
from tests.chaos.fleet import Member
from tests.chaos.outcome import Outcome
from tests.chaos.site import (
    MARKETING_CONCURRENCY,
    MAX_CONCURRENCY,
    MAX_IN_DOUBT,
    WORK,
    Site,
    site_on,
)

DISPATCHERS = 3
WORK_OF_A_MAIL = 0.2
"""Seconds: so long that there are always calls to freeze in."""
AFTERWARDS = 100
"""Mails to take once the zombies are back, theirs among them."""
LONGEST_LEASE = 90.0
"""Seconds by which a lease must have been taken back, even if its holder was frozen in the middle
of a statement: PostgreSQL waits a minute for the rest of it, locks held."""
IN_DOUBT = "SELECT id FROM attempts WHERE reason = 'in_doubt' LIMIT 1"


async def frozen_past_their_leases(directory: Path, database_url: str, frozen: int) -> Outcome:
    """Some of three dispatchers stand still at any moment of their work, under load, until the
    others have taken over."""
    async with site_on(directory, database_url, DISPATCHERS) as site:
        await site.peer.behave(delay=WORK_OF_A_MAIL)
        zombies = site.workers[:frozen]
        async with site.load.running(rate=10, size=10, pause=1.0):
            await site.peer.took(DISPATCHERS * MAX_CONCURRENCY)
            for zombie in zombies:
                zombie.freeze()
            stopped = time.time()
            await site.waits_until(IN_DOUBT, LONGEST_LEASE)
            recovered = time.time() - stopped
            for zombie in zombies:
                zombie.thaw()
            await site.peer.took(len(site.peer.entries()) + AFTERWARDS)
        return await _reckon(site, zombies, recovered)


async def frozen_while_calling(directory: Path, database_url: str) -> Outcome:
    """One of two dispatchers stands still while all its calls wait for their answers, which come
    meanwhile. Its leases are ended in the database instead of waited for."""
    async with site_on(directory, database_url, dispatchers=2) as site:
        await site.peer.behave(Fault(share=1, deed=Deed.HOLD))
        await site.load.campaign(100)
        await site.peer.took(2 * MARKETING_CONCURRENCY)
        zombie = site.workers[0]
        zombie.freeze()
        stopped = time.time()
        await site.books.change(END_LEASES)
        await site.waits_until(IN_DOUBT, LONGEST_LEASE)
        recovered = time.time() - stopped
        await site.peer.behave(delay=WORK)
        await site.peer.release()
        await site.peer.took(3 * MARKETING_CONCURRENCY)
        zombie.thaw()
        return await _reckon(site, [zombie], recovered)


async def _reckon(site: Site, zombies: list[Member], recovered: float) -> Outcome:
    outcome = await site.reckon()
    statuses = [await zombie.end() for zombie in zombies]
    outcome.kills, outcome.most_unknown, outcome.recoveries = (
        len(zombies),
        len(zombies) * MAX_IN_DOUBT,
        [recovered],
    )
    outcome.notes = [f"a zombie ended with status {status}" for status in statuses if status != 0]
    return outcome

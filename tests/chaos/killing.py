"""Processes are killed outright, again and again, while they work and callers ask on."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from random import Random

from tests.chaos.behaviour import Deed, Fault
from tests.chaos.books import END_LEASES, Doubt
from tests.chaos.load import BRAND
from tests.chaos.outcome import Outcome, gaps
from tests.chaos.site import (
    AUDIENCE,
    GATEWAY_IN_DOUBT,
    MARKETING_CONCURRENCY,
    MAX_IN_DOUBT,
    RATE,
    WORK,
    Site,
    Way,
    kill_again_and_again,
    site_on,
)


async def serve_killed(directory: Path, kills: int, seed: int, way: Way = Way.SMTP) -> Outcome:
    """`carillon serve` on SQLite: while it is gone nobody answers, and callers ask again."""
    async with site_on(directory, way=way) as site:
        async with site.load.running(rate=RATE, size=AUDIENCE, pause=1.0):
            instants = await kill_again_and_again(
                site.workers, kills, Random(seed), shortest=0.5, longest=3.0
            )
        outcome = await site.reckon()
        outcome.kills, outcome.most_unknown = kills, left_in_doubt(way) * kills
        outcome.recoveries = gaps(instants, site.peer.entries())
        return outcome


async def replicas_killed(
    directory: Path, database_url: str, dispatchers: int, kills: int, seed: int, way: Way = Way.SMTP
) -> Outcome:
    """Dispatchers that share a PostgreSQL, and its API: the others go on, and take over when the
    leases of the dead end."""
    async with site_on(directory, database_url, dispatchers, way) as site:
        outcome = await _kill_replicas(site, kills, seed)
        outcome.most_unknown = left_in_doubt(way) * kills
        return outcome


async def killed_while_resending(
    directory: Path, database_url: str, dispatchers: int, kills: int, seed: int
) -> Outcome:
    """The same for a brand that has chosen to have sent again what is in doubt: nothing stays so,
    and some people get a mail twice."""
    async with site_on(directory, database_url, dispatchers) as site:
        await site.load.client.call(
            "ops.BrandService/SetBrandPolicy", {"brand_id": BRAND, "unknown_policy": "resend"}
        )
        outcome = await _kill_replicas(site, kills, seed)
        outcome.most_duplicated = MAX_IN_DOUBT * kills
        return outcome


async def _kill_replicas(site: Site, kills: int, seed: int) -> Outcome:
    async with site.load.running(rate=RATE, size=AUDIENCE, pause=1.0):
        instants = await kill_again_and_again(
            [site.front, *site.workers], kills, Random(seed), shortest=0.5, longest=3.0
        )
    outcome = await site.reckon()
    outcome.kills = kills
    outcome.recoveries = found_after(instants, outcome.reckoning.doubts)
    return outcome


async def killed_while_calling(directory: Path, database_url: str) -> Outcome:
    """One of two dispatchers is killed while all its calls wait for their answers. Its leases are
    ended in the database instead of waited for."""
    async with site_on(directory, database_url, dispatchers=2) as site:
        await site.peer.behave(Fault(share=1, deed=Deed.HOLD))
        await site.load.campaign(100)
        await site.peer.took(2 * MARKETING_CONCURRENCY)
        await site.workers[0].kill()
        await site.peer.behave(delay=WORK)
        await site.peer.release()
        await site.waits_until("SELECT id FROM sends WHERE sent > 0", 30)
        await site.books.change(END_LEASES)
        outcome = await site.reckon()
        outcome.kills, outcome.most_unknown = 1, MAX_IN_DOUBT
        return outcome


def left_in_doubt(way: Way) -> int:
    """How many messages one kill may leave in doubt for good. What was with a gateway that
    remembers keys is sent again under the same."""
    return {Way.SMTP: MAX_IN_DOUBT, Way.GATEWAY: GATEWAY_IN_DOUBT, Way.KEYED_GATEWAY: 0}[way]


def found_after(instants: Sequence[float], doubts: Sequence[Doubt]) -> list[float]:
    """Seconds from the kill that cut each call short, the first after it began, to when that was
    found."""
    found = []
    for doubt in doubts:
        kill = next((instant for instant in instants if instant >= doubt.started_at), None)
        if kill is not None:
            found.append(doubt.found_at - kill)
    return found

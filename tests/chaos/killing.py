"""Processes are killed outright, again and again, while they work and callers ask on."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from random import Random

from tests.chaos.books import Doubt
from tests.chaos.outcome import Outcome, gaps
from tests.chaos.site import AUDIENCE, GATEWAY_SLOTS, RATE, SLOTS, Way, kill_again_and_again, site_on


async def serve_killed(directory: Path, kills: int, seed: int, way: Way = Way.SMTP) -> Outcome:
    """`carillon serve` on SQLite: while it is gone nobody answers, and callers ask again."""
    async with site_on(directory, way=way) as site:
        async with site.load.running(rate=RATE, size=AUDIENCE, pause=1.0):
            instants = await kill_again_and_again(site.workers, kills, Random(seed), shortest=0.5, longest=3.0)
        outcome = await site.reckon()
        outcome.kills, outcome.most_unknown = kills, left_in_doubt(way) * kills
        outcome.recoveries = gaps(instants, site.peer.entries())
        return outcome


async def dispatchers_killed(directory: Path, database_url: str, dispatchers: int, kills: int, seed: int, way: Way = Way.SMTP) -> Outcome:
    """Dispatchers that share a PostgreSQL: the others go on, and take over when the leases of the dead end."""
    async with site_on(directory, database_url, dispatchers, way) as site:
        async with site.load.running(rate=RATE, size=AUDIENCE, pause=1.0):
            instants = await kill_again_and_again(site.workers, kills, Random(seed), shortest=0.5, longest=3.0)
        outcome = await site.reckon()
        outcome.kills, outcome.most_unknown = kills, left_in_doubt(way) * kills
        outcome.recoveries = found_after(instants, outcome.reckoning.doubts)
        return outcome


def left_in_doubt(way: Way) -> int:
    """How many messages one kill may leave in doubt for good. What was with a gateway that remembers keys is sent again under the same."""
    return {Way.SMTP: SLOTS, Way.GATEWAY: GATEWAY_SLOTS, Way.KEYED_GATEWAY: 0}[way]


def found_after(instants: Sequence[float], doubts: Sequence[Doubt]) -> list[float]:
    """Seconds from the kill that cut each call short, the first after it began, to when that was found."""
    found = []
    for doubt in doubts:
        kill = next((instant for instant in instants if instant >= doubt.started_at), None)
        if kill is not None:
            found.append(doubt.found_at - kill)
    return found

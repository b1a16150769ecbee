"""A PostgreSQL that crashes and comes back, or closes every connection, while everything works on
it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from random import Random

from tests.chaos.outcome import Outcome, gaps
from tests.chaos.site import AUDIENCE, RATE, Site, site_on
from tests.support.postgres import PostgresServer

DISPATCHERS = 2
HANG_UP = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'carillon'"
)


async def crashed(directory: Path, server: PostgresServer, times: int, seed: int) -> Outcome:
    """The server ends without a checkpoint, and is started again a second later. Nothing of
    Carillon is killed, so nothing may be in doubt: results wait in memory until they can be
    written."""
    random = Random(seed)

    async def crash_and_start(_: Site) -> None:
        await asyncio.to_thread(server.crash)
        await asyncio.sleep(random.uniform(0.2, 1.5))
        await asyncio.to_thread(server.start)

    return await _again_and_again(
        directory, server.create_database(), crash_and_start, times, random
    )


async def hung_up(directory: Path, server: PostgresServer, times: int, seed: int) -> Outcome:
    """The server closes every connection Carillon has."""

    async def hang_up(site: Site) -> None:
        await site.books.change(HANG_UP)

    return await _again_and_again(directory, server.create_database(), hang_up, times, Random(seed))


async def _again_and_again(
    directory: Path,
    database_url: str,
    strike: Callable[[Site], Awaitable[None]],
    times: int,
    random: Random,
) -> Outcome:
    async with site_on(directory, database_url, DISPATCHERS) as site:
        instants = []
        async with site.load.running(rate=RATE, size=AUDIENCE, pause=1.0):
            for _ in range(times):
                await asyncio.sleep(random.uniform(0.5, 2.0))
                instants.append(time.time())
                await strike(site)
        outcome = await site.reckon()
        outcome.kills = times
        outcome.recoveries = gaps(instants, site.peer.entries())
        return outcome

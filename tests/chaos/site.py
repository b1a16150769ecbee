"""Everything a scenario needs, running: processes of Carillon on a database, a provider with its
ledger, and callers."""

from __future__ import annotations

import asyncio
import enum
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random

from server.dispatch.delivery.concurrency import MOST_AHEAD
from storage.sql.open import migrate
from tests.brands import create_brands
from tests.chaos import books as book
from tests.chaos.books import Books
from tests.chaos.client import Client
from tests.chaos.fleet import Fleet, Member, fleet_in
from tests.chaos.load import BRAND, Load
from tests.chaos.outcome import Outcome
from tests.chaos.peer import Peer, running_peer
from tests.chaos.reckoning import reckon

MAX_CONCURRENCY = 20
"""Calls a process has with the mail server at once."""
MAX_IN_DOUBT = MAX_CONCURRENCY * (1 + MOST_AHEAD)
"""Messages it has marked at once, and so what its end may leave in doubt."""
MARKETING_CONCURRENCY = 15
"""Those that campaigns may fill; the others are kept for one-offs."""
GATEWAY_IN_DOUBT = 20 * (1 + MOST_AHEAD)
"""The same for an HTTP gateway."""
WORK = 0.05
"""Seconds the provider takes for each message."""

RATE = 10
"""One-off messages that callers ask for each second."""
AUDIENCE = 30
"""People of the campaign they publish each second. Both leave two processor cores some room: what
is measured is not a backlog."""


class Way(enum.Enum):
    """How email leaves."""

    SMTP = "smtp"
    GATEWAY = "gateway"
    """HTTP, without idempotency keys."""
    KEYED_GATEWAY = "keyed gateway"
    """HTTP; the gateway remembers idempotency keys."""


@dataclass
class Site:
    """A service at work."""

    peer: Peer
    fleet: Fleet
    books: Books
    load: Load
    front: Member
    """The process that callers speak to: `serve`, or an API."""
    workers: list[Member]
    """The processes that deliver: `serve`, or dispatchers."""

    async def waits_until(self, sql: str, seconds: float) -> None:
        """Returns when the query has a row. Raises TimeoutError."""
        async with asyncio.timeout(seconds):
            while not await self.books.rows(sql):  # noqa: ASYNC110 - a database has no event
                await asyncio.sleep(book.POLL_INTERVAL)

    async def reckon(self, patience: float = 240.0) -> Outcome:
        """Waits for the end of everything that was accepted, and compares. Nobody asks for anything
        any more."""
        await book.settled(self.books, patience)
        return Outcome(await reckon(self.books, self.peer.entries(), self.load.accepted))


@asynccontextmanager
async def site_on(
    directory: Path,
    database_url: str = "",
    dispatchers: int = 0,
    way: Way = Way.SMTP,
    **more: str,
) -> AsyncIterator[Site]:
    """`serve` on SQLite; or on a PostgreSQL that has an empty database, an API and so many
    dispatchers. `more` are settings."""
    async with (
        providing(way, directory) as (peer, settings),
        fleet_in(directory, **settings, **more) as fleet,
    ):
        await peer.behave(delay=WORK)
        token = fleet.token(BRAND)
        if dispatchers:
            fleet.settings["CARILLON_DATABASE_URL"] = database_url
            await migrate(database_url)
            front, *workers = await asyncio.gather(
                *(fleet.start(part) for part in ["api", *["dispatcher"] * dispatchers])
            )
        else:
            workers = [front := await fleet.start("serve")]
        create_brands(fleet.database_url, [BRAND])
        client = Client(front.installation.grpc, token)
        try:
            load = Load(client)
            await load.prepare()
            yield Site(peer, fleet, book.books_of(fleet.database_url), load, front, workers)
        finally:
            await client.close()


@asynccontextmanager
async def providing(way: Way, directory: Path) -> AsyncIterator[tuple[Peer, dict[str, str]]]:
    """A provider, and the settings that say so."""
    if way is Way.SMTP:
        async with running_peer("smtp", directory / "ledger") as peer:
            yield peer, {"smtp_url": peer.url}
    else:
        keyed = way is Way.KEYED_GATEWAY
        async with running_peer(
            "http", directory / "ledger", *(["--keeps-keys"] if keyed else [])
        ) as peer:
            yield peer, {"email_url": peer.url, "webhook_key_hours": "24" if keyed else "0"}


async def kill_again_and_again(
    members: Sequence[Member], kills: int, random: Random, shortest: float, longest: float
) -> list[float]:
    """Kills one of them after a while, `shortest` to `longest` seconds, and starts it again at
    once; so many times. The instants."""
    instants = []
    for _ in range(kills):
        # The moment is meant to be any moment, so nothing is waited for but time.
        await asyncio.sleep(random.uniform(shortest, longest))
        victim = random.choice(members)
        instants.append(await victim.kill())
        await victim.start()
    return instants

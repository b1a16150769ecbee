"""`carillon serve` on SQLite, killed outright again and again; callers ask on meanwhile."""

from __future__ import annotations

from pathlib import Path
from random import Random

from tests.chaos import books as book
from tests.chaos.client import Client
from tests.chaos.fleet import fleet_in
from tests.chaos.kills import kill_again_and_again
from tests.chaos.load import BRAND, Load
from tests.chaos.outcome import Outcome, gaps
from tests.chaos.peer import running_peer
from tests.chaos.reckoning import reckon

SLOTS = 10
"""Calls the SMTP provider works on at once, and so what a kill may leave in doubt."""


async def serve_killed(directory: Path, kills: int, seed: int) -> Outcome:
    """With a mail server that takes 10 ms for each mail."""
    random = Random(seed)
    async with running_peer("smtp", directory / "ledger") as peer, fleet_in(directory, smtp_url=peer.url) as fleet:
        await peer.behave(delay=0.01)
        serve = await fleet.start("serve")
        load = Load(Client(serve.installation.grpc, fleet.token(BRAND)))
        await load.prepare()
        async with load.running(rate=40, size=100, pause=1.0):
            instants = await kill_again_and_again([serve], kills, random, shortest=0.5, longest=3.0)
        books = book.books_of(fleet.database_url)
        await book.settled(books)
        await load.client.close()
        entries = peer.entries()
        return Outcome(
            reckoning=await reckon(books, entries, load.accepted),
            kills=kills,
            most_unknown=SLOTS * kills,
            recoveries=gaps(instants, entries),
        )

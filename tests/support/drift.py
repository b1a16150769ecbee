"""The law of counters, for the end of every test: those of each send are what its rows say, and a
send is over when nothing is left."""

from __future__ import annotations

from sqlalchemy import select

from storage.contract.storage import Storage, Transaction
from storage.model.sends import Counters, Send, SendStatus
from storage.sql.schema.sends import sends
from storage.sql.transaction import SqlTransaction


async def assert_no_drift(storage: Storage) -> None:
    """Recounts every send there is."""
    for send, counted in await storage.read(_recount_all):
        if not send.pruned:
            assert send.counters == counted, f"send {send.id} has drifted from its rows"
        over = send.audience_done and not send.counters.pending and not send.counters.in_flight
        assert over == (send.completed_at is not None), (
            f"send {send.id} is over, or not, but does not say so"
        )
        assert over or send.status is not SendStatus.COMPLETED


async def _recount_all(tx: Transaction) -> list[tuple[Send, Counters]]:
    # No list of storage has all sends of all brands.
    assert isinstance(tx, SqlTransaction)
    every = await tx.sends.find_many(
        [row.id for row in (await tx._connection.execute(select(sends.c.id))).all]
    )
    return [(send, await tx.sends.recount(send.id)) for send in every.values()]

"""Takes due messages of a channel, some of every queue that has them: one read, and one transaction that claims."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from server.dispatch.fair_share import QueueKey, Shares, Turns, interleave_by_brand, key_of
from storage.interface import Storage, Transaction
from storage.records import Message, Queue

LEASE = timedelta(seconds=30)
"""How long a claim or a mark lasts. Longer than any provider may take to answer, with a margin to write the result."""
MOST_QUEUES = 20
"""Queues that one pass claims from; with more of them, they take turns."""
ROUNDS = 3
"""How often what some queues did not have is shared out among the others. What is left after the last is for the next pass."""


class Kind(Enum):
    """Which messages of a channel: they are claimed apart, so that no message of somebody waits for a campaign."""

    ONE_OFFS = "one-offs"
    SENDS = "sends"
    ALL = "all"

    def takes(self, queue: Queue) -> bool:
        """Whether messages of the queue are of this kind."""
        return self is Kind.ALL or (queue.send_id is None) == (self is Kind.ONE_OFFS)


@dataclass(frozen=True, slots=True)
class Look:
    """What waits on a channel."""

    due: Sequence[Queue]
    """Queues to claim from now."""
    next_due: datetime | None
    """When there is something to claim: not in the future if there is already."""


class Claimer:
    """Claims messages of one kind on a channel."""

    def __init__(self, channel: str, kind: Kind, storage: Storage) -> None:
        self._channel = channel
        self._kind = kind
        self._storage = storage
        self._turns = Turns()

    async def look(self, now: datetime) -> Look:
        """Reads what waits."""
        queues = [queue for queue in await self._storage.read(lambda tx: tx.messages.list_queues(self._channel)) if self._kind.takes(queue)]
        return Look([queue for queue in queues if queue.next_due <= now], min((queue.next_due for queue in queues), default=None))

    async def claim(self, look: Look, rows: int, now: datetime) -> list[Message]:
        """Claims up to `rows` rows, shared out fairly, in an order in which no queue waits behind the rows of another. None: others were
        faster."""
        queues = self._turns.next(look.due, MOST_QUEUES)
        chunks = await self._storage.write(lambda tx: _claim(tx, queues, rows, now))
        self._turns.had((key_of(queue) for queue, _ in chunks), look.due)
        return interleave_by_brand(chunks)


async def _claim(tx: Transaction, queues: Sequence[Queue], rows: int, now: datetime) -> list[tuple[Queue, list[Message]]]:
    shares = Shares(rows, queues, {})
    claimed: defaultdict[QueueKey, list[Message]] = defaultdict(list)
    for _ in range(ROUNDS):
        for queue, share in shares.round():
            chunk = await tx.messages.claim(queue, now, now + LEASE, share)
            shares.took(queue, share, len(chunk))
            claimed[key_of(queue)] += chunk
    return [(queue, claimed[key_of(queue)]) for queue in queues if key_of(queue) in claimed]

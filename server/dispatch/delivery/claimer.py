"""Claims due messages of a channel, some of every queue that has them: one read, and one
transaction that claims."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

from server.dispatch.delivery.browsers import address_to_browsers, is_to_person
from server.dispatch.delivery.byte_budget import ByteBudget
from server.dispatch.delivery.fair_share import QueueKey, Shares, Turns, interleave_by_brand, key_of
from server.dispatch.delivery.in_flight import InFlight
from server.dispatch.delivery.outcomes import withheld
from server.dispatch.delivery.rate_limits import RateLimits
from server.dispatch.loop import always
from server.domain.delivery.timing import LEASE
from storage.contract.storage import Storage, Transaction
from storage.model.brands import BrandPolicy
from storage.model.deliveries import Queue, Settlement
from storage.model.messages import Message, Purpose
from storage.model.rates import RateLimit

NO_KEYS = timedelta(0)
NO_ROOM_PAUSE = timedelta(seconds=1)
"""Until it is looked whether there is room again."""
MOST_QUEUES = 20
"""Queues that one pass claims from; with more of them, they take turns."""
ROUNDS = 3
"""How often what some queues did not have is shared out among the others. What is left after the
last is for the next pass."""


@dataclass(frozen=True, slots=True)
class QueueSnapshot:
    """What waits on a channel."""

    due: Sequence[Queue]
    """Queues to claim from now, whose brands are within their limits."""
    next_due: datetime | None
    """When there is something to claim: not in the future if there is already."""
    policies: Mapping[str, BrandPolicy]
    """Of the brands whose messages are due."""


@dataclass(frozen=True, slots=True)
class Claims:
    """What a pass claimed."""

    rows: Sequence[InFlight] = ()
    """To deliver, in an order in which no queue waits behind the rows of another."""
    withheld: Sequence[Settlement] = ()
    """To settle: it is too late for them."""


class Claimer:
    """Claims messages of one purpose on a channel."""

    def __init__(
        self,
        channel: str,
        purpose: Purpose | None,
        storage: Storage,
        limits: RateLimits,
        bytes_out: ByteBudget,
        key_window: timedelta = NO_KEYS,
        has_room: Callable[[], bool] = always,
    ) -> None:
        """`purpose` is None for both. `key_window` is how long the channel's provider knows the key
        of a message. While there is no room for results, nothing is due."""
        self._channel = channel
        self._purpose = purpose
        self._storage = storage
        self._limits = limits
        self._bytes_out = bytes_out
        self._key_window = key_window
        self._has_room = has_room
        self._turns = Turns()
        self._idle: QueueSnapshot | None = None

    async def snapshot(self, now: datetime) -> QueueSnapshot:
        """Reads what waits, and who may not go yet."""
        snapshot = await self._look(now)
        self._idle = None if snapshot.due else snapshot
        return snapshot

    async def next_due(self, now: datetime) -> datetime | None:
        """When there is something to claim. After a snapshot in which nothing was due, what that
        one says: an idle worker reads once, not twice."""
        snapshot, self._idle = self._idle, None
        if snapshot is None:
            snapshot = await self._look(now)
        return snapshot.next_due

    async def claim(self, snapshot: QueueSnapshot, rows: int, now: datetime) -> Claims:
        """Claims up to `rows` rows, as many as the limits allow, and shares them out fairly: fewer,
        or no row, where others were faster."""
        queues = self._turns.next(snapshot.due, MOST_QUEUES)
        chunks, ends = await self._storage.write(
            partial(self._claim, policies=snapshot.policies, queues=queues, rows=rows, now=now)
        )
        self._turns.had((key_of(queue) for queue, _ in chunks), snapshot.due)
        return Claims(
            [
                InFlight(message, snapshot.policies[message.brand_id])
                for message in interleave_by_brand(chunks)
                if message.id not in ends
            ],
            list(ends.values()),
        )

    async def _look(self, now: datetime) -> QueueSnapshot:
        if not self._has_room():
            return QueueSnapshot((), now + NO_ROOM_PAUSE, {})
        return await self._storage.read(partial(self._snapshot, now=now))

    async def _snapshot(self, tx: Transaction, now: datetime) -> QueueSnapshot:
        queues = [
            queue
            for queue in await tx.messages.list_queues(self._channel)
            if self._purpose in (None, queue.purpose)
        ]
        brands = {queue.brand_id for queue in queues if queue.next_due <= now}
        found = await tx.brands.find_policies(brands) if brands else {}
        policies = {brand: found.get(brand) or BrandPolicy(brand_id=brand) for brand in brands}
        everybody = await _next_free(tx, self._limits.provider, now)
        free = {
            brand: max(
                everybody,
                self._bytes_out.free_at(brand, now),
                await _next_free(tx, self._limits.of_brand(policy), now),
            )
            for brand, policy in policies.items()
        }
        ready = [
            (queue, max(queue.next_due, free.get(queue.brand_id, everybody))) for queue in queues
        ]
        return QueueSnapshot(
            [queue for queue, at in ready if at <= now],
            min((at for _, at in ready), default=None),
            policies,
        )

    async def _claim(
        self,
        tx: Transaction,
        policies: Mapping[str, BrandPolicy],
        queues: Sequence[Queue],
        rows: int,
        now: datetime,
    ) -> tuple[list[tuple[Queue, list[Message]]], dict[str, Settlement]]:
        """What each queue had, and by message how those end that it is too late for."""
        brands = {queue.brand_id for queue in queues}
        limits = {brand: self._limits.of_brand(policies[brand]) for brand in brands}
        permits = await _take(tx, self._limits.provider, limits, rows, now)
        shares = Shares(permits.rows, queues, permits.of_brand)
        claimed: defaultdict[QueueKey, list[Message]] = defaultdict(list)
        for _ in range(ROUNDS):
            for queue, share in shares.round():
                chunk = await tx.messages.claim(queue, now, now + LEASE, share)
                shares.took(queue, share, len(chunk))
                claimed[key_of(queue)] += chunk
        going: list[Message] = []
        ends: dict[str, Settlement] = {}
        for chunk in claimed.values():
            for place, message in enumerate(chunk):
                end = withheld(message, policies[message.brand_id], self._key_window, now)
                if end is not None:
                    ends[message.id] = end
                    continue
                going.append(message)
                if is_to_person(message):
                    chunk[place] = await address_to_browsers(tx, message, now)
        await permits.give_back(tx, going, now)
        chunks = [(queue, claimed[key_of(queue)]) for queue in queues if key_of(queue) in claimed]
        return chunks, ends


@dataclass(slots=True)
class _Permits:
    """Calls that were granted in a transaction."""

    rows: int
    provider: RateLimit | None
    brands: dict[str, RateLimit] = field(default_factory=dict)
    of_brand: dict[str, int] = field(default_factory=dict)
    """How many of the rows may be of a brand that has a limit."""

    async def give_back(self, tx: Transaction, used: Iterable[Message], now: datetime) -> None:
        """Gives back what was not used, so that it is not lost to the others."""
        if self.provider is None and not self.brands:
            return
        brands = [message.brand_id for message in used]
        if self.provider is not None and len(brands) < self.rows:
            await tx.rates.give_back(self.provider, self.rows - len(brands), now)
        for brand, limit in self.brands.items():
            unused = self.of_brand[brand] - brands.count(brand)
            if unused:
                await tx.rates.give_back(limit, unused, now)


async def _take(
    tx: Transaction,
    provider: RateLimit | None,
    limits: Mapping[str, RateLimit | None],
    rows: int,
    now: datetime,
) -> _Permits:
    # The provider's before the brands', and those by name: who takes them at the same time waits,
    # and does not deadlock.
    permits = _Permits(
        rows if provider is None else await tx.rates.take(provider, rows, now), provider
    )
    for brand, limit in sorted(limits.items()):
        if limit is not None and permits.rows:
            permits.brands[brand] = limit
            permits.of_brand[brand] = await tx.rates.take(limit, permits.rows, now)
    return permits


async def _next_free(tx: Transaction, limit: RateLimit | None, now: datetime) -> datetime:
    return now if limit is None else await tx.rates.next_free(limit, now)

"""The lane of one channel with a provider: claim, render, mark, call, settle.

A chunk is claimed under a lease; those rows were provably not sent. As slots come free, rows are rendered and marked `sending` in one
commit, and only then is the provider called. A slot is held until the result is durable, so after a crash at most `slots` rows are in
doubt.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import islice
from random import Random

from server.channels.provider import Delivery, Envelope, Outcome, Provider
from server.dispatch.claiming import LEASE, Claimer, Kind
from server.dispatch.renderer import Renderer, Result, Suppressed, Unrenderable
from server.dispatch.settler import Settler
from server.dispatch.verdicts import after_delivery, release, suppressed, unrenderable
from server.domain.clock import Clock
from server.domain.lifecycle import MessageStatus
from storage.errors import StorageError
from storage.interface import Storage
from storage.records import Mark, Message, Settlement
from storage.signals import messages as messages_topic

CHUNK = 200
"""Rows claimed at once."""
MARGIN = 5.0
"""Seconds between the longest provider call and the end of the lease."""

_log = logging.getLogger(__name__)


class Lane:
    """Delivers the messages of one channel."""

    def __init__(self, *, channel: str, provider: Provider, storage: Storage, clock: Clock, renderer: Renderer, random: Random) -> None:
        if provider.timeout + MARGIN > LEASE.total_seconds():
            raise ValueError(f"provider {provider.name} may take {provider.timeout} s, too long for a lease of {LEASE}")
        self.name = f"lane-{channel}"
        self._freed = f"{self.name}.freed"
        self.topics = (messages_topic(channel), self._freed)
        self._claimer = Claimer(channel, Kind.ALL, storage)
        self._provider = provider
        self._storage = storage
        self._clock = clock
        self._renderer = renderer
        self._random = random
        self._claimed: deque[Message] = deque()
        self._calls: set[asyncio.Task[None]] = set()
        self._settler = Settler(storage, clock)

    async def start(self) -> None:
        """Makes the provider ready."""
        await self._provider.start()

    async def run_once(self) -> bool:
        """Fills the free slots. True if another pass may fill more; False if nothing is due or every slot is taken (a freed one fires a
        signal)."""
        free = self._provider.slots - len(self._calls)
        if free <= 0:
            return False
        if not self._claimed:
            self._claimed.extend(await self._claim())
        batch = list(islice(self._claimed, free))
        if not batch:
            return False
        results = await self._renderer.render(batch, self._clock.now())
        # Kept until here, so that none waits for the end of its lease if rendering failed or was cut short.
        await self._begin([(self._claimed.popleft(), result) for result in results])
        return True

    async def next_due(self) -> datetime | None:
        """When the next message on the channel is due; None while every slot is taken."""
        if len(self._calls) >= self._provider.slots:
            return None
        return (await self._claimer.look(self._clock.now())).next_due

    async def drain(self) -> None:
        """Waits until the calls in progress have ended and their results are durable."""
        while self._calls:
            await asyncio.wait(self._calls)

    async def stop(self) -> None:
        """Gives back what was claimed, lets the calls in progress end, closes the provider. The loop no longer runs."""
        if self._claimed:
            await self._settler.settle([release(message) for message in self._claimed])
            self._claimed.clear()
        await self.drain()
        await self._provider.close()

    async def _claim(self) -> list[Message]:
        now = self._clock.now()
        look = await self._claimer.look(now)
        return await self._claimer.claim(look, CHUNK, now) if look.due else []

    async def _begin(self, batch: Iterable[tuple[Message, Result]]) -> None:
        """Marks, and starts the calls of those that are marked. The others are no longer ours."""
        ready: list[tuple[Message, Envelope]] = []
        withheld: list[Settlement] = []
        for message, result in batch:
            if isinstance(result, Unrenderable):
                withheld.append(unrenderable(message, result.reason))
            elif isinstance(result, Suppressed):
                withheld.append(suppressed(message))
            else:
                ready.append((message, result))
        if withheld:
            await self._settler.settle(withheld)
        started_at = self._clock.now()
        marked = await self._mark([message for message, _ in ready], started_at)
        for message, envelope in ready:
            if message.id in marked:
                call = asyncio.create_task(self._call(message, envelope, started_at))
                self._calls.add(call)
                call.add_done_callback(self._free_slot)

    async def _mark(self, messages: Sequence[Message], now: datetime) -> set[str]:
        marks = [Mark(message.id, message.lease) for message in messages]
        try:
            return await self._storage.write(lambda tx: tx.messages.mark_sending(marks, self._provider.name, now, now + LEASE))
        except StorageError:
            # Whether they are marked may not be known, but none of them was called, so none is in doubt.
            held_as = (MessageStatus.LEASED, MessageStatus.SENDING)
            await self._settler.settle([release(message, expected) for message in messages for expected in held_as])
            raise

    async def _call(self, message: Message, envelope: Envelope, started_at: datetime) -> None:
        delivery = await self._deliver(envelope)
        settlement = after_delivery(message, self._provider.name, delivery, started_at, self._clock.now(), self._random)
        await self._settler.settle([settlement])

    async def _deliver(self, envelope: Envelope) -> Delivery:
        """The provider's outcome. One that does not answer in time, or breaks its promise not to raise, leaves the outcome in doubt."""
        try:
            async with asyncio.timeout(self._provider.timeout):
                return await self._provider.deliver(envelope)
        except TimeoutError:
            return Delivery(Outcome.AMBIGUOUS, "provider_timeout")
        except Exception:  # noqa: BLE001 - one fault must not end the loop
            _log.exception("provider %s failed on message %s", self._provider.name, envelope.message_id)
            return Delivery(Outcome.AMBIGUOUS, "provider_fault")

    def _free_slot(self, call: asyncio.Task[None]) -> None:
        self._calls.discard(call)
        self._storage.signals.fire([self._freed])

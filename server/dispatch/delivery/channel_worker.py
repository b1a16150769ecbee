"""Delivers messages of one purpose on a channel that has a provider: claims, renders, calls.

A chunk is claimed under a lease; those rows were provably not sent. As calls end, rows are rendered
and called.
"""

from __future__ import annotations

from collections import deque
from datetime import datetime, timedelta
from itertools import islice

from server.channels.provider import Envelope
from server.dispatch.delivery.claimer import Claimer
from server.dispatch.delivery.executor import DeliveryExecutor
from server.dispatch.delivery.in_flight import InFlight
from server.dispatch.delivery.outcomes import release
from server.dispatch.delivery.renderer import Renderer
from server.dispatch.delivery.settler import Settler
from server.domain.clock import Clock
from storage.model.deliveries import Settlement
from storage.model.messages import Purpose

CHUNK = 200
"""Most rows claimed at once."""
MAX_WAIT = timedelta(seconds=5)
"""How long claimed rows wait for calls to end before they are given back, to whoever may call
sooner, and long before their leases end."""
BACKOFF = timedelta(milliseconds=50)
"""How long a worker that found everything claimed by others leaves them to it."""


class ChannelWorker:
    """Delivers messages of one purpose on a channel."""

    def __init__(
        self,
        *,
        channel: str,
        purpose: Purpose,
        claimer: Claimer,
        executor: DeliveryExecutor,
        renderer: Renderer,
        settler: Settler,
        clock: Clock,
        topics: tuple[str, ...],
    ) -> None:
        self.name = f"{channel}-{purpose}-worker"
        self.topics = topics
        self._purpose = purpose
        self._claimer = claimer
        self._executor = executor
        self._renderer = renderer
        self._settler = settler
        self._clock = clock
        self._claimed: deque[InFlight] = deque()
        self._give_back_at = clock.now()
        self._chunk = CHUNK
        self._backs_off_until = clock.now()

    async def run_once(self) -> bool:
        """Begins as many calls as there is room for. True if another pass may begin more; False if
        nothing is due, too few calls may begin to be worth a mark (a signal is fired when there are
        more), or the provider is to be left alone."""
        now = self._clock.now()
        if not self._executor.allows(1) or now >= self._give_back_at:
            await self._give_back()
        room = self._executor.room(self._purpose)
        if not room:
            return False
        if not self._claimed and not await self._claim(now):
            return False
        batch = list(islice(self._claimed, room))
        if batch:
            await self._begin(batch)
        return True

    async def next_due(self) -> datetime | None:
        """When the worker can go on: the next message is due, within the limits, and the provider
        can be tried; or, while no call may begin, when it gives back what it claimed. None while
        only the end of a call helps."""
        room_at = self._executor.next_room(self._purpose)
        if room_at is None:
            return self._give_back_at if self._claimed else None
        if not self._executor.allows(1):
            return self._executor.next_change()
        if self._claimed:
            return min(room_at, self._give_back_at)
        due = await self._claimer.next_due(self._clock.now())
        return None if due is None else max(due, self._backs_off_until, room_at)

    async def stop(self) -> None:
        """Gives back what was claimed. The loop no longer runs."""
        await self._give_back()

    async def _claim(self, now: datetime) -> bool:
        """Whether anything was claimed."""
        snapshot = await self._claimer.snapshot(now)
        if not snapshot.due:
            return False
        claims = await self._claimer.claim(snapshot, self._executor.allows(self._chunk), now)
        self._claimed.extend(claims.rows)
        self._give_back_at = now + MAX_WAIT
        if claims.withheld:
            await self._settler.settle(claims.withheld)
        if not claims.rows and not claims.withheld:
            self._backs_off_until = now + BACKOFF
            return False
        return True

    async def _give_back(self) -> None:
        """Rows that could not be called soon. A provider so slow is given smaller chunks, until it
        uses one up in time."""
        if self._claimed:
            rows = [release(each.message) for each in self._claimed]
            self._claimed.clear()
            self._chunk = max(1, self._chunk - len(rows))
            await self._settler.settle(rows)

    async def _begin(self, batch: list[InFlight]) -> None:
        self._executor.reserve(self._purpose, len(batch))
        begun = 0
        try:
            now = self._clock.now()
            results = await self._renderer.render([each.message for each in batch], now)
            # Kept until here, so that none waits for the end of its lease if rendering failed or
            # was cut short.
            rendered = [(self._claimed.popleft(), result) for result in results]
            if not self._claimed:
                self._chunk = min(CHUNK, self._chunk * 2)
            withheld: list[Settlement] = []
            ready: list[InFlight] = []
            for each, result in rendered:
                if isinstance(result, Envelope):
                    each.envelope = result
                    ready.append(each)
                else:
                    withheld.append(result)
            self._renderer.bytes_out.charge(((each.policy, each.envelope) for each in ready), now)
            if withheld:
                await self._settler.settle(withheld)
            begun = await self._executor.begin(self._purpose, ready)
        finally:
            self._executor.unreserve(self._purpose, len(batch) - begun)

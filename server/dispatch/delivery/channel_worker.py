"""The lane of one kind of messages on a channel with a provider: claim, render, call.

A chunk is claimed under a lease; those rows were provably not sent. As slots come free, rows are
rendered and called.
"""

from __future__ import annotations

from collections import deque
from datetime import datetime, timedelta
from itertools import islice

from server.dispatch.delivery.claimer import Claimed, Claimer
from server.dispatch.delivery.executor import DeliveryExecutor, Ready
from server.dispatch.delivery.reserve import Kind
from server.dispatch.delivery.outcomes import release, suppressed, unrenderable
from server.dispatch.delivery.renderer import Renderer, Suppressed, Unrenderable
from server.dispatch.delivery.settler import Settler
from server.domain.clock import Clock
from storage.model.deliveries import Settlement

CHUNK = 200
"""Most rows claimed at once."""
PATIENCE = timedelta(seconds=5)
"""How long claimed rows wait for slots before they are given back, to whoever has some, and long
before their leases end."""
REST = timedelta(milliseconds=50)
"""How long a lane that found everything claimed by others leaves them to it."""


class ChannelWorker:
    """Delivers one kind of messages of a channel."""

    def __init__(
        self,
        *,
        channel: str,
        kind: Kind,
        claimer: Claimer,
        calls: DeliveryExecutor,
        renderer: Renderer,
        settler: Settler,
        clock: Clock,
        topics: tuple[str, ...],
    ) -> None:
        self.name = f"lane-{channel}-{kind.value}"
        self.topics = topics
        self._kind = kind
        self._claimer = claimer
        self._calls = calls
        self._renderer = renderer
        self._settler = settler
        self._clock = clock
        self._claimed: deque[Claimed] = deque()
        self._patient_until = clock.now()
        self._chunk = CHUNK
        self._rests_until = clock.now()

    async def run_once(self) -> bool:
        """Fills the free slots. True if another pass may fill more; False if nothing is due, too
        few slots are free to be worth a mark (a signal is fired when there are more), or the
        provider is to be left alone."""
        now = self._clock.now()
        if not self._calls.allows(1) or now >= self._patient_until:
            await self._give_back()
        room = self._calls.room(self._kind)
        if not room:
            return False
        if not self._claimed and not await self._claim(now):
            return False
        batch = list(islice(self._claimed, room))
        if batch:
            await self._begin(batch)
        return True

    async def next_due(self) -> datetime | None:
        """When the lane can go on: the next message is due, within the limits, and the provider can
        be tried; or, with every slot taken, when it gives back what it claimed. None while only the
        end of a call helps."""
        room_at = self._calls.next_room(self._kind)
        if room_at is None:
            return self._patient_until if self._claimed else None
        if not self._calls.allows(1):
            return self._calls.next_change()
        if self._claimed:
            return min(room_at, self._patient_until)
        due = await self._claimer.next_due(self._clock.now())
        return None if due is None else max(due, self._rests_until, room_at)

    async def stop(self) -> None:
        """Gives back what was claimed. The loop no longer runs."""
        await self._give_back()

    async def _claim(self, now: datetime) -> bool:
        """Whether anything was claimed."""
        look = await self._claimer.look(now)
        if not look.due:
            return False
        claims = await self._claimer.claim(look, self._calls.allows(self._chunk), now)
        self._claimed.extend(claims.rows)
        self._patient_until = now + PATIENCE
        if claims.withheld:
            await self._settler.settle(claims.withheld)
        if not claims.rows and not claims.withheld:
            self._rests_until = now + REST
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

    async def _begin(self, batch: list[Claimed]) -> None:
        self._calls.reserve(self._kind, len(batch))
        begun = 0
        try:
            results = await self._renderer.render(
                [each.message for each in batch], self._clock.now()
            )
            # Kept until here, so that none waits for the end of its lease if rendering failed or
            # was cut short.
            rendered = [(self._claimed.popleft(), result) for result in results]
            if not self._claimed:
                self._chunk = min(CHUNK, self._chunk * 2)
            withheld: list[Settlement] = []
            ready: list[Ready] = []
            for each, result in rendered:
                match result:
                    case Unrenderable(reason):
                        withheld.append(unrenderable(each.message, reason))
                    case Suppressed():
                        withheld.append(suppressed(each.message))
                    case envelope:
                        ready.append(Ready(each, envelope))
            if withheld:
                await self._settler.settle(withheld)
            begun = await self._calls.begin(self._kind, ready)
        finally:
            self._calls.unreserve(self._kind, len(batch) - begun)

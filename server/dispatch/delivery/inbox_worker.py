"""Delivers in_app messages: claims, renders, and writes the inbox items in the transaction that
settles them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from server.channels.provider import Envelope, Outcome
from server.dispatch.delivery.claimer import Claimer, Claims
from server.dispatch.delivery.in_flight import InFlight
from server.dispatch.delivery.outcomes import IN_APP, in_app_delivery, release
from server.dispatch.delivery.rate_limits import RateLimits
from server.dispatch.delivery.renderer import Renderer, Result
from server.dispatch.delivery.settler import Settler
from server.dispatch.loop import always
from server.dispatch.metrics import DispatchMetrics
from server.domain.clock import Clock
from storage.contract.signals import messages as messages_topic
from storage.contract.storage import Storage
from storage.model.deliveries import Settlement
from storage.model.messages import Message, MessageStatus

BATCH = 1000
BATCHES = 8
"""Most batches of one pass."""
BACKOFF = timedelta(milliseconds=50)
"""How long a worker that found everything claimed by others leaves them to it."""


class InboxWorker:
    """Delivers in_app messages. No call leaves the process, so a crash at any point leaves them
    leased or sent, never in doubt."""

    name = f"{IN_APP}-worker"
    topics = (messages_topic(IN_APP),)

    def __init__(
        self,
        storage: Storage,
        clock: Clock,
        renderer: Renderer,
        metrics: DispatchMetrics,
        has_room: Callable[[], bool] = always,
    ) -> None:
        self._claimer = Claimer(
            IN_APP,
            None,
            storage,
            RateLimits(IN_APP, None),
            renderer.bytes_out,
            has_room=has_room,
        )
        self._clock = clock
        self._renderer = renderer
        self._metrics = metrics
        self._settler = Settler(storage, clock)
        self._backs_off_until = clock.now()

    async def run_once(self) -> bool:
        """Delivers up to BATCHES batches. True if there may be more.

        A batch is claimed while the one before is rendered, and rendered while the one before is
        written, so that the database and this process both have something to do. No more than two
        are held at once.
        """
        claims = await self._claim()
        if claims is None:
            return False
        ahead: asyncio.Future[Claims | None] | None = None
        writing: asyncio.Future[None] | None = None
        try:
            for batches_left in reversed(range(BATCHES)):
                is_full = len(claims.rows) + len(claims.withheld) >= BATCH
                ahead = asyncio.ensure_future(self._claim()) if batches_left and is_full else None
                settlements = [*claims.withheld, *await self._deliveries(claims.rows)]
                if writing is not None:
                    await writing
                writing = asyncio.ensure_future(self._write(settlements))
                following = await ahead if ahead else None
                if following is None:
                    break
                claims = following
        finally:
            # Whatever happened, nothing that was begun goes on behind the back of the loop.
            begun = [each for each in (ahead, writing) if each is not None]
            if begun:
                await asyncio.wait(begun)
        return True

    async def next_due(self) -> datetime | None:
        """When the next in_app message is due."""
        due = await self._claimer.next_due(self._clock.now())
        return None if due is None else max(due, self._backs_off_until)

    async def _claim(self) -> Claims | None:
        """A batch; None if nothing is due."""
        now = self._clock.now()
        snapshot = await self._claimer.snapshot(now)
        if not snapshot.due:
            return None
        claims = await self._claimer.claim(snapshot, BATCH, now)
        if not claims.rows and not claims.withheld:
            self._backs_off_until = now + BACKOFF
            return None
        return claims

    async def _write(self, settlements: Sequence[Settlement]) -> None:
        await self._settler.settle(settlements)
        sent = sum(settlement.status is MessageStatus.SENT for settlement in settlements)
        self._metrics.delivered(IN_APP, Outcome.ACCEPTED, sent)

    async def _deliveries(self, claimed: Sequence[InFlight]) -> list[Settlement]:
        """What to write of each; those that there was no time to render are given back."""
        if not claimed:
            return []
        now = self._clock.now()
        messages = [each.message for each in claimed]
        results = await self._renderer.render(messages, now)
        self._renderer.bytes_out.charge(
            (
                (each.policy, result)
                for each, result in zip(claimed, results, strict=False)
                if isinstance(result, Envelope)
            ),
            now,
        )
        settlements = [
            _settlement(message, result, now)
            for message, result in zip(messages, results, strict=False)
        ]
        return [*settlements, *map(release, messages[len(results) :])]


def _settlement(message: Message, result: Result, now: datetime) -> Settlement:
    if isinstance(result, Envelope):
        return in_app_delivery(message, result, now)
    return result

"""The lane of in_app messages: claim, render, and write the inbox items in the transaction that settles them."""

from __future__ import annotations

from datetime import datetime

from server.channels.provider import Envelope
from server.dispatch.claiming import Claimer, Kind
from server.dispatch.renderer import Renderer, Result, Suppressed, Unrenderable
from server.dispatch.settler import Settler
from server.dispatch.verdicts import IN_APP, in_app_delivery, release, suppressed, unrenderable
from server.domain.clock import Clock
from storage.interface import Storage
from storage.records import Message, Settlement
from storage.signals import messages as messages_topic

BATCH = 500


class InboxLane:
    """Delivers in_app messages. No call leaves the process, so a crash at any point leaves them leased or sent, never in doubt."""

    name = f"lane-{IN_APP}"
    topics = (messages_topic(IN_APP),)

    def __init__(self, storage: Storage, clock: Clock, renderer: Renderer) -> None:
        self._claimer = Claimer(IN_APP, Kind.ALL, storage)
        self._clock = clock
        self._renderer = renderer
        self._settler = Settler(storage, clock)

    async def run_once(self) -> bool:
        """Delivers one batch. True if there may be more."""
        now = self._clock.now()
        look = await self._claimer.look(now)
        claimed = await self._claimer.claim(look, BATCH, now) if look.due else []
        if not claimed:
            return False
        results = await self._renderer.render(claimed, now)
        settlements = [_settlement(message, result, now) for message, result in zip(claimed, results, strict=False)]
        await self._settler.settle([*settlements, *map(release, claimed[len(results) :])])
        return True

    async def next_due(self) -> datetime | None:
        """When the next in_app message is due."""
        return (await self._claimer.look(self._clock.now())).next_due


def _settlement(message: Message, result: Result, now: datetime) -> Settlement:
    match result:
        case Unrenderable(reason):
            return unrenderable(message, reason)
        case Suppressed():
            return suppressed(message)
        case Envelope():
            return in_app_delivery(message, result.subject, result.body, now)

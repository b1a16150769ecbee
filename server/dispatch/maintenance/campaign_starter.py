"""Starts the sends of scheduled campaigns that come due."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from datetime import datetime

from server.dispatch.maintenance.cooldown import RETRY_AFTER, Cooldown
from server.domain.clock import Clock
from storage.contract.errors import StorageUnavailable
from storage.contract.signals import CAMPAIGNS
from storage.contract.storage import Storage, Transaction

BATCH = 50

_log = logging.getLogger(__name__)

StartDue = Callable[[Transaction, str, datetime], Awaitable[None]]
"""Starts the send of a campaign if it is still scheduled and due."""


class CampaignStarter:
    """Starts each due campaign in a transaction of its own; starting twice is impossible, since the
    first start changes its status."""

    name = "campaign-starter"
    topics = (CAMPAIGNS,)

    def __init__(self, storage: Storage, clock: Clock, start_due: StartDue) -> None:
        self._storage = storage
        self._clock = clock
        self._start_due = start_due
        self._faulty = Cooldown()

    async def run_once(self) -> bool:
        """Starts what is due. True if there may be more."""
        now = self._clock.now()
        self._faulty.take_back(now)
        due = await self._storage.read(
            lambda tx: tx.campaigns.list_due(now, BATCH + len(self._faulty))
        )
        ready = [campaign_id for campaign_id in due if campaign_id not in self._faulty]
        for campaign_id in ready:
            await self._start(campaign_id, now)
        return len(ready) >= BATCH

    async def _start(self, campaign_id: str, now: datetime) -> None:
        try:
            await self._storage.write(lambda tx: self._start_due(tx, campaign_id, now))
        except StorageUnavailable:
            raise
        except Exception:  # noqa: BLE001 - one fault must not end the loop
            # One campaign that cannot start must not hold up the others. It stays scheduled and is
            # tried again.
            self._faulty.add(campaign_id, now)
            _log.exception("campaign %s came due but could not start", campaign_id)

    async def next_due(self) -> datetime | None:
        """When the next campaign is due. One that cools down, which is due already, counts from
        when it is tried again."""
        retry = self._faulty.earliest()
        if retry is None:
            return await self._storage.read(lambda tx: tx.campaigns.next_due())
        other = await self._storage.read(self._next_due_of_others)
        return retry if other is None else min(retry, other)

    async def _next_due_of_others(self, tx: Transaction) -> datetime | None:
        """As far as it comes before the next look at those that cool down."""
        soon = await tx.campaigns.list_due(self._clock.now() + RETRY_AFTER, len(self._faulty) + 1)
        others = [campaign_id for campaign_id in soon if campaign_id not in self._faulty]
        campaign = await tx.campaigns.find(others[0]) if others else None
        return campaign.scheduled_at if campaign else None

"""Finds and ends the push subscriptions that messages go to."""

from __future__ import annotations

import logging

from server.channels.webpush.provider import SubscriptionsUnavailable
from server.domain.clock import Clock
from storage.contract.errors import StorageUnavailable, WriteConflict
from storage.contract.storage import Storage, Transaction
from storage.model.audit import AuditAction, AuditEntry
from storage.model.push_subscriptions import PushSubscription

_log = logging.getLogger(__name__)


class StoredSubscriptions:
    """See `server.channels.webpush.provider.Subscriptions`."""

    def __init__(self, storage: Storage, clock: Clock) -> None:
        self._storage = storage
        self._clock = clock

    async def find(self, subscription_id: str) -> PushSubscription | None:
        try:
            return await self._storage.read(lambda tx: tx.push_subscriptions.find(subscription_id))
        except StorageUnavailable as error:
            raise SubscriptionsUnavailable from error

    async def end(self, subscription: PushSubscription, reason: str) -> None:
        now = self._clock.now()

        async def delete(tx: Transaction) -> None:
            if await tx.push_subscriptions.delete(subscription.id):
                entry = AuditEntry.own(
                    subscription.brand_id,
                    AuditAction.PUSH_SUBSCRIPTION_ENDED,
                    subscription.id,
                    {"reason": reason},
                    now,
                )
                await tx.audit.append([entry])

        try:
            await self._storage.write(delete)
        except (StorageUnavailable, WriteConflict):
            # The next message to it is told the same.
            _log.warning("a push subscription that has ended could not be deleted")

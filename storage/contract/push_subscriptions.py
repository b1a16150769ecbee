"""Storage of push subscriptions."""

from __future__ import annotations

from typing import Protocol

from storage.model.push_subscriptions import PushSubscription


class PushSubscriptions(Protocol):
    """Browsers to push to, keyed by (brand_id, endpoint)."""

    async def put(self, subscription: PushSubscription) -> PushSubscription:
        """Adds it, or replaces the one of its endpoint, and returns what is kept now. One of the
        same person keeps its id and `created_at`."""
        ...

    async def find(self, subscription_id: str) -> PushSubscription | None:
        """The subscription, or None."""
        ...

    async def list_of_person(
        self, brand_id: str, person_id: str, limit: int
    ) -> list[PushSubscription]:
        """A person's newest subscriptions, by id descending."""
        ...

    async def delete(self, subscription_id: str) -> bool:
        """Deletes it, if it is there. Returns whether it was."""
        ...

    async def delete_of_person(self, brand_id: str, person_id: str) -> int:
        """Deletes all of a person's. Returns how many they were."""
        ...

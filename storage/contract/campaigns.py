"""Storage of campaigns."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from storage.model.campaigns import Campaign, CampaignStatus, CampaignTest


class Campaigns(Protocol):
    """Campaigns of both faces. Writing one fires the CAMPAIGNS signal if it is scheduled."""

    async def insert(self, campaign: Campaign) -> None:
        """Adds a campaign with a new id."""
        ...

    async def find(self, campaign_id: str, *, lock: bool = False) -> Campaign | None:
        """The campaign, or None. With `lock`, in a write transaction, no other transaction changes
        it until this one ends."""
        ...

    async def replace(self, campaign: Campaign) -> None:
        """Writes every field of a campaign that was found with `lock`."""
        ...

    async def delete(self, campaign_id: str) -> None:
        """Deletes a campaign that was found with `lock` and has no send, with its steps."""
        ...

    async def insert_test(self, test: CampaignTest) -> None:
        """Adds what a message has of the campaign that it tries out."""
        ...

    async def find_tests(self, message_ids: Sequence[str]) -> dict[str, CampaignTest]:
        """What those of the messages that try out a campaign have of it, by message."""
        ...

    async def list_page(
        self, brand_id: str, face: str, status: CampaignStatus | None, after: str | None, limit: int
    ) -> list[Campaign]:
        """Campaigns of a brand and face, by id descending (newest first)."""
        ...

    async def list_due(self, now: datetime, limit: int) -> list[str]:
        """Ids of scheduled campaigns with `scheduled_at <= now`, earliest first."""
        ...

    async def next_due(self) -> datetime | None:
        """The earliest `scheduled_at` of a scheduled campaign."""
        ...

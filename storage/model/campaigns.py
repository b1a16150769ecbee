"""Campaigns: what is kept of one, and the statuses it goes through."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from storage.model.values import JsonObject


class CampaignStatus(StrEnum):
    """Where a campaign is in its life."""

    DRAFT = "draft"
    SCHEDULED = "scheduled"
    SENDING = "sending"
    SENT = "sent"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignTest:
    """What a message that tries out a campaign has of it; the message is one of no send and without
    a dedup key. The rest, its template and variables, is in the message."""

    message_id: str
    campaign_id: str
    name: str
    """The campaign's, as it was then."""
    subject: str | None
    """The campaign's own, before the template's."""

    @property
    def id(self) -> str:
        """The campaign's, as templates see it."""
        return self.campaign_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Campaign:
    """The definition of a campaign and where it is in its life."""

    id: str
    brand_id: str
    face: str
    """`comms` or `messaging`: which face made it, and so how its audience is given. The other face
    does not show it."""
    name: str
    description: str | None
    subject: str | None
    channel: str
    template_key: str
    """Empty while it has no content."""
    segment_id: str | None
    """Set in messaging."""
    segment_criteria: JsonObject | None
    """Set in comms."""
    variables: JsonObject
    status: CampaignStatus
    scheduled_at: datetime | None
    published_at: datetime | None
    sent_at: datetime | None
    cancelled_at: datetime | None
    created_by: str
    created_at: datetime
    updated_at: datetime
    template_revision: int | None = None
    """The revision it was scheduled with, and will send; None while it is not scheduled."""
    expire_at: datetime | None = None
    """When the messages of its scheduled send are stale; None: never."""
    allow_shared_addresses: bool = False
    """Whether people with one address each get a message at it; else the first of them does, and
    the others are skipped as duplicates."""
    cancelled_send_ids: tuple[str, ...] = ()
    """The sends that its last cancellation stopped: their receipts add up to its own."""

"""The life of campaigns, sends and messages. The campaign table is the only place that says what an operation may do in a status."""

from __future__ import annotations

from enum import StrEnum

from server.domain.errors import BadState


class CampaignStatus(StrEnum):
    """Where a campaign is in its life."""

    DRAFT = "draft"
    SCHEDULED = "scheduled"
    SENDING = "sending"
    SENT = "sent"
    CANCELLED = "cancelled"


class CampaignOperation(StrEnum):
    """What can be done to a campaign; both faces use these."""

    UPDATE = "change"
    DELETE = "delete"
    SCHEDULE = "schedule"
    UNSCHEDULE = "unschedule"
    SEND = "send"
    CANCEL = "cancel"


class SendStatus(StrEnum):
    """Where a send is in its life."""

    SENDING = "sending"
    COMPLETED = "completed"
    CANCELLED = "cancelled"


class MessageStatus(StrEnum):
    """Where a message is in its life. LEASED is pending to everybody but the dispatcher: provably not sent."""

    PENDING = "pending"
    LEASED = "leased"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"
    SKIPPED = "skipped"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    UNKNOWN = "unknown"


UNSTARTED = frozenset({MessageStatus.PENDING, MessageStatus.LEASED})
"""No provider is being called for a message in these."""

_CAMPAIGN_TABLE: dict[CampaignOperation, dict[CampaignStatus, CampaignStatus]] = {
    CampaignOperation.UPDATE: {
        CampaignStatus.DRAFT: CampaignStatus.DRAFT,
        CampaignStatus.SCHEDULED: CampaignStatus.SCHEDULED,
    },
    CampaignOperation.DELETE: {CampaignStatus.DRAFT: CampaignStatus.DRAFT},
    CampaignOperation.SCHEDULE: {
        CampaignStatus.DRAFT: CampaignStatus.SCHEDULED,
        CampaignStatus.SCHEDULED: CampaignStatus.SCHEDULED,
    },
    CampaignOperation.UNSCHEDULE: {CampaignStatus.SCHEDULED: CampaignStatus.DRAFT},
    CampaignOperation.SEND: {
        CampaignStatus.DRAFT: CampaignStatus.SENDING,
        CampaignStatus.SCHEDULED: CampaignStatus.SENDING,
    },
    CampaignOperation.CANCEL: {
        CampaignStatus.DRAFT: CampaignStatus.CANCELLED,
        CampaignStatus.SCHEDULED: CampaignStatus.CANCELLED,
        CampaignStatus.SENDING: CampaignStatus.CANCELLED,
        CampaignStatus.CANCELLED: CampaignStatus.CANCELLED,
    },
}


def campaign_after(operation: CampaignOperation, status: CampaignStatus) -> CampaignStatus:
    """The status `operation` leads to from `status`. Raises BadState where the table has no entry."""
    after = _CAMPAIGN_TABLE[operation].get(status)
    if after is None:
        raise BadState("campaign", status, f"cannot {operation} a campaign that is {status}")
    return after

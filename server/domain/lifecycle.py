"""The statuses of campaigns, sends and messages, and what is allowed in each. The table of
campaigns is the only place that says what an operation may do in a status."""

from __future__ import annotations

from enum import StrEnum

from server.domain.errors import BadState
from storage.model.campaigns import CampaignStatus


class CampaignOperation(StrEnum):
    """What can be done to a campaign; both faces use these."""

    UPDATE = "change"
    DELETE = "delete"
    SCHEDULE = "schedule"
    UNSCHEDULE = "unschedule"
    SEND = "send"
    CANCEL = "cancel"


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
    """The status `operation` leads to from `status`. Raises BadState where the table has no
    entry."""
    after = _CAMPAIGN_TABLE[operation].get(status)
    if after is None:
        raise BadState("campaign", status, f"cannot {operation} a campaign that is {status}")
    return after

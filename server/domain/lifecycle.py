"""The statuses of campaigns, sends and messages, and what is allowed in each. The table of
campaigns is the only place that says what an operation may do in a status."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from server.domain.errors import BadState
from storage.model.campaigns import CampaignStatus
from storage.model.messages import MessageStatus
from storage.model.sends import Send


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


class DocumentedCounts(NamedTuple):
    """A send in the counts of its documented answers, which are of recipients; of a completed one
    they add up to the total."""

    total: int
    sent: int
    failed: int
    """Or of unknown outcome."""
    skipped: int
    """For whatever reason none was sent."""


def documented_counts(send: Send) -> DocumentedCounts:
    """The counts of a send as callers get them. A recipient counts as their one message does, or
    as their enrollment."""
    if send.enrolls:
        found = send.recipients
        return DocumentedCounts(found.total, found.sent, found.failed, found.skipped)
    counters = send.counters
    return DocumentedCounts(
        total=counters.total,
        sent=counters.sent,
        failed=counters.failed + counters.unknown,
        skipped=counters.skipped + counters.cancelled + counters.expired,
    )


def public_status(status: MessageStatus) -> MessageStatus:
    """The status of a message as callers see it: one that a worker holds is pending to them."""
    return MessageStatus.PENDING if status is MessageStatus.LEASED else status

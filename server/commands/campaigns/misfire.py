"""Cancels scheduled campaigns that come due and may not go out: too late, or to a segment that was
archived meanwhile."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from server.commands.campaigns.content import has_archived_segment
from server.domain.delivery.misfire import is_too_late
from server.domain.lifecycle import CampaignOperation, campaign_after
from storage.contract.storage import Transaction
from storage.model.audit import AuditAction, AuditEntry
from storage.model.brands import BrandPolicy
from storage.model.campaigns import Campaign
from storage.model.values import JsonObject


def due_at(campaign: Campaign) -> datetime:
    """When a scheduled campaign comes due. Scheduled by a slow clock for a time that had passed, it
    was due when it was scheduled."""
    assert campaign.scheduled_at is not None, "nothing else comes due"
    return max(campaign.scheduled_at, campaign.updated_at)


def changed_at(campaign: Campaign, now: datetime) -> datetime:
    """The `updated_at` of a campaign that is changed now and not scheduled again. One that has come
    due stays as late as it was."""
    return now if campaign.scheduled_at is None else min(due_at(campaign), now)


async def cancel_misfired(tx: Transaction, campaign: Campaign, now: datetime) -> bool:
    """Cancels a campaign found with `lock` that is due, if its messages are stale, the brand's
    policy says that it is too late, or its segment is archived, and logs why. Whether it did."""
    why = await _reason(tx, campaign, now)
    if why is None:
        return False
    assert campaign.scheduled_at is not None, "it is due"
    status = campaign_after(CampaignOperation.CANCEL, campaign.status)
    await tx.campaigns.replace(replace(campaign, status=status, cancelled_at=now, updated_at=now))
    details: JsonObject = {"scheduled_at": campaign.scheduled_at.isoformat(), **why}
    await tx.audit.append(
        [
            AuditEntry.own(
                campaign.brand_id, AuditAction.CAMPAIGN_MISFIRED, campaign.id, details, now
            )
        ]
    )
    return True


async def _reason(tx: Transaction, campaign: Campaign, now: datetime) -> JsonObject | None:
    if campaign.expire_at is not None and campaign.expire_at <= now:
        return {"expire_at": campaign.expire_at.isoformat()}
    if await has_archived_segment(tx, campaign):
        return {"archived_segment_id": campaign.segment_id}
    policy = await tx.brands.find_policy(campaign.brand_id) or BrandPolicy(
        brand_id=campaign.brand_id
    )
    due = due_at(campaign)
    if not is_too_late(policy.misfire_policy, policy.misfire_seconds, due, now):
        return None
    return {
        "misfire_policy": policy.misfire_policy.value,
        "late_seconds": round((now - due).total_seconds()),
    }

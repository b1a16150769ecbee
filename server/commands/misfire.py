"""Scheduled campaigns that are found due too late to go out."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from server.domain.audit_actions import AuditAction
from server.domain.lifecycle import CampaignOperation, campaign_after
from server.domain.misfire import is_too_late
from storage.interface import Transaction
from storage.operations import AuditEntry, BrandPolicy
from storage.records import Campaign, JsonObject


async def cancel_misfired(tx: Transaction, campaign: Campaign, due_at: datetime, now: datetime) -> bool:
    """Cancels a campaign found with `lock` that was due at `due_at`, if its messages are stale or the brand's policy says that it is too
    late, and logs why. Whether it did."""
    why = await _reason(tx, campaign, due_at, now)
    if why is None:
        return False
    status = campaign_after(CampaignOperation.CANCEL, campaign.status)
    await tx.campaigns.replace(replace(campaign, status=status, cancelled_at=now, updated_at=now))
    details: JsonObject = {"scheduled_at": due_at.isoformat(), **why}
    await tx.audit.append([AuditEntry.own(campaign.brand_id, AuditAction.CAMPAIGN_MISFIRED, campaign.id, details, now)])
    return True


async def _reason(tx: Transaction, campaign: Campaign, due_at: datetime, now: datetime) -> JsonObject | None:
    if campaign.expire_at is not None and campaign.expire_at <= now:
        return {"expire_at": campaign.expire_at.isoformat()}
    policy = await tx.brands.find_policy(campaign.brand_id) or BrandPolicy(brand_id=campaign.brand_id)
    if not is_too_late(policy.misfire_policy, policy.misfire_seconds, due_at, now):
        return None
    return {"misfire_policy": policy.misfire_policy.value, "late_seconds": round((now - due_at).total_seconds())}

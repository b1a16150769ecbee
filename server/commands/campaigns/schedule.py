"""Schedules a campaign, and takes it back to draft."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from server.commands.campaigns.access import campaign_for
from server.commands.campaigns.content import require_open_segment
from server.commands.campaigns.program import pin_program
from server.commands.operations.audit import note
from server.domain.access import Caller
from server.domain.faces import Face
from server.domain.lifecycle import CampaignOperation, campaign_after
from server.domain.validation import Checks
from storage.contract.storage import Transaction
from storage.model.audit import AuditAction
from storage.model.campaigns import Campaign


async def schedule_campaign(
    tx: Transaction,
    caller: Caller,
    face: Face,
    campaign_id: str,
    scheduled_at: datetime,
    expire_at: datetime | None = None,
) -> Campaign:
    """Schedules or reschedules, in comms with the template's latest revision; its messages are
    stale at `expire_at` (None: never).

    Raises NotFound, BadState, SegmentArchived, NoSteps, or ValidationFailed for a bad time, a
    template that does not exist or is archived, or variables that do not fit it.
    """
    campaign = await campaign_for(tx, caller, face, campaign_id, lock=True)
    status = campaign_after(CampaignOperation.SCHEDULE, campaign.status)
    check_schedule(scheduled_at, expire_at, caller.now)
    await require_open_segment(tx, campaign)
    scheduled = replace(
        campaign,
        status=status,
        scheduled_at=scheduled_at,
        expire_at=expire_at,
        template_revision=None,
        updated_at=caller.now,
    )
    scheduled = await pin_program(tx, scheduled)
    await tx.campaigns.replace(scheduled)
    await note(
        tx,
        caller,
        campaign.brand_id,
        AuditAction.CAMPAIGN_SCHEDULED,
        campaign.id,
        scheduled_at=scheduled_at.isoformat(),
    )
    return scheduled


async def unschedule_campaign(
    tx: Transaction, caller: Caller, face: Face, campaign_id: str
) -> Campaign:
    """Takes a scheduled campaign back to draft. Raises NotFound, BadState."""
    campaign = await campaign_for(tx, caller, face, campaign_id, lock=True)
    status = campaign_after(CampaignOperation.UNSCHEDULE, campaign.status)
    draft = replace(
        campaign,
        status=status,
        scheduled_at=None,
        expire_at=None,
        template_revision=None,
        updated_at=caller.now,
    )
    await tx.campaigns.replace(draft)
    await note(tx, caller, campaign.brand_id, AuditAction.CAMPAIGN_UNSCHEDULED, campaign.id)
    return draft


def check_schedule(scheduled_at: datetime, expire_at: datetime | None, now: datetime) -> None:
    """Raises ValidationFailed unless a campaign may be scheduled for then, to be stale at
    `expire_at` (None: never)."""
    checks = Checks()
    checks.schedule(scheduled_at, expire_at, now)
    checks.finish()

"""Changes a draft or scheduled campaign."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import TypedDict

from server.commands.campaigns.access import campaign_for
from server.commands.campaigns.content import check_definition, pin_template, require_segment
from server.commands.campaigns.misfire import changed_at
from server.commands.campaigns.schedule import check_schedule
from server.commands.operations.audit import note
from server.commands.segments.received import require_own_campaigns
from server.domain.access import Caller
from server.domain.faces import Face
from server.domain.lifecycle import CampaignOperation, campaign_after
from storage.contract.storage import Transaction
from storage.model.audit import AuditAction
from storage.model.campaigns import Campaign, CampaignStatus
from storage.model.values import JsonObject


class CampaignChanges(TypedDict, total=False):
    """Fields to change, by name; absent ones stay."""

    name: str
    description: str | None
    subject: str | None
    channel: str
    template_key: str
    segment_id: str
    segment_criteria: JsonObject
    variables: JsonObject
    scheduled_at: datetime
    allow_shared_addresses: bool


async def update_campaign(
    tx: Transaction, caller: Caller, face: Face, campaign_id: str, changes: CampaignChanges
) -> Campaign:
    """Changes the campaign; a `scheduled_at` schedules it, with the template's latest revision. One
    that is scheduled already and changes otherwise keeps its revision, unless it gets another
    template. Raises NotFound, BadState, ValidationFailed."""
    campaign = await campaign_for(tx, caller, face, campaign_id, lock=True)
    scheduling = "scheduled_at" in changes
    operation = CampaignOperation.SCHEDULE if scheduling else CampaignOperation.UPDATE
    updated_at = caller.now if scheduling else changed_at(campaign, caller.now)
    changed = replace(
        campaign,
        **changes,
        status=campaign_after(operation, campaign.status),
        updated_at=updated_at,
    )
    check_definition(changed)
    if scheduling:
        check_schedule(changes["scheduled_at"], None, caller.now)
    if "segment_criteria" in changes:
        await require_own_campaigns(
            tx, changed.brand_id, "segment_criteria", changes["segment_criteria"]
        )
    if changed.segment_id is not None and changed.segment_id != campaign.segment_id:
        await require_segment(tx, changed.brand_id, changed.segment_id)
    if scheduling or (changed.channel, changed.template_key) != (
        campaign.channel,
        campaign.template_key,
    ):
        changed = replace(changed, template_revision=None)
    if changed.status is CampaignStatus.SCHEDULED and changed.face == Face.COMMS:
        changed = await pin_template(tx, changed)
    await tx.campaigns.replace(changed)
    await note(
        tx,
        caller,
        changed.brand_id,
        AuditAction.CAMPAIGN_UPDATED,
        changed.id,
        fields=sorted(changes),
    )
    return changed

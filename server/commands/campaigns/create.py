"""Creates a campaign."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from server.commands.campaigns.content import check_definition, pin_template, require_segment
from server.commands.campaigns.schedule import check_schedule
from server.commands.operations.audit import note
from server.commands.segments.received import require_own_campaigns
from server.domain.access import Caller
from server.domain.faces import Face
from storage.contract.storage import Transaction
from storage.model.audit import AuditAction
from storage.model.campaigns import Campaign, CampaignStatus
from storage.model.channels import Channel
from storage.model.ids import new_id
from storage.model.values import JsonObject


@dataclass(frozen=True, slots=True, kw_only=True)
class NewCampaign:
    """A campaign to create: `segment_id` through messaging, which then gets steps, and the rest
    through comms."""

    brand_id: str
    name: str
    description: str | None = None
    subject: str | None = None
    channel: str = Channel.EMAIL
    template_key: str = ""
    segment_id: str | None = None
    segment_criteria: JsonObject | None = None
    variables: JsonObject = field(default_factory=dict)
    scheduled_at: datetime | None = None
    allow_shared_addresses: bool = False


async def create_campaign(
    tx: Transaction, caller: Caller, face: Face, new: NewCampaign
) -> Campaign:
    """Creates a draft, or a scheduled campaign if `scheduled_at` is given.

    Raises NotFound for a brand of others, ValidationFailed for bad fields. A draft's template need
    not exist yet; a scheduled one's must, and the variables must fit it.
    """
    caller.principal.require_brand(new.brand_id)
    campaign = _draft(caller, face, new)
    check_definition(campaign)
    if campaign.segment_criteria is not None:
        await require_own_campaigns(
            tx, campaign.brand_id, "segment_criteria", campaign.segment_criteria
        )
    if campaign.segment_id is not None:
        await require_segment(tx, campaign.brand_id, campaign.segment_id)
    if new.scheduled_at is not None:
        check_schedule(new.scheduled_at, None, caller.now)
        campaign = await pin_template(tx, campaign)
    await tx.campaigns.insert(campaign)
    await note(
        tx,
        caller,
        campaign.brand_id,
        AuditAction.CAMPAIGN_CREATED,
        campaign.id,
        status=campaign.status.value,
    )
    return campaign


def _draft(caller: Caller, face: Face, new: NewCampaign) -> Campaign:
    return Campaign(
        id=new_id(),
        brand_id=new.brand_id,
        face=face,
        name=new.name,
        description=new.description,
        subject=new.subject,
        channel=new.channel,
        template_key=new.template_key,
        segment_id=new.segment_id,
        segment_criteria=new.segment_criteria,
        variables=new.variables,
        status=CampaignStatus.DRAFT if new.scheduled_at is None else CampaignStatus.SCHEDULED,
        scheduled_at=new.scheduled_at,
        published_at=None,
        sent_at=None,
        cancelled_at=None,
        created_by=caller.principal.subject,
        created_at=caller.now,
        updated_at=caller.now,
        allow_shared_addresses=new.allow_shared_addresses,
    )

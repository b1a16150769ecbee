"""Cancelling a campaign."""

from __future__ import annotations

from dataclasses import dataclass, replace

from server.commands.campaigns.access import campaign_for
from server.commands.sends.receipts import (
    find_cancelled_campaign,
    record_cancelled_campaign,
    record_cancelled_sends,
)
from server.domain.access import Caller
from server.domain.faces import Face
from server.domain.lifecycle import CampaignOperation, campaign_after
from storage.contract.storage import Transaction
from storage.model.campaigns import Campaign, CampaignStatus
from storage.model.sends import CancelCounts


@dataclass(frozen=True, slots=True)
class CancelledCampaign:
    """The campaign as it is now, and how far its sends had come."""

    campaign: Campaign
    receipt: CancelCounts


async def cancel_campaign(
    tx: Transaction, caller: Caller, face: Face, campaign_id: str
) -> CancelledCampaign:
    """Cancels the campaign and its running sends: once this is committed, none of their messages is
    marked any more.

    Calls that are with a provider finish and are counted. Cancelling again changes nothing, unless
    a send that retries failed messages was started meanwhile: that is cancelled. Raises NotFound,
    or BadState once the campaign is sent.
    """
    campaign = await campaign_for(tx, caller, face, campaign_id, lock=True)
    status = campaign_after(CampaignOperation.CANCEL, campaign.status)
    stopped = await tx.sends.cancel_running(campaign.id, caller.now)
    if campaign.status is CampaignStatus.CANCELLED and not stopped:
        return CancelledCampaign(campaign, (await find_cancelled_campaign(tx, campaign)).receipt)
    cancellation = await record_cancelled_sends(tx, caller, campaign.brand_id, stopped)
    await record_cancelled_campaign(tx, caller, campaign, cancellation)
    if campaign.status is not CampaignStatus.CANCELLED:
        campaign = replace(campaign, status=status, cancelled_at=caller.now, updated_at=caller.now)
        await tx.campaigns.replace(campaign)
    return CancelledCampaign(campaign, cancellation.receipt)

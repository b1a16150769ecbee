"""Cancelling a campaign."""

from __future__ import annotations

from dataclasses import replace

from server.commands.campaign_access import campaign_for
from server.domain.access import Caller
from server.domain.faces import Face
from server.domain.lifecycle import CampaignOperation, CampaignStatus, campaign_after
from storage.interface import Transaction
from storage.records import Campaign


async def cancel_campaign(tx: Transaction, caller: Caller, face: Face, campaign_id: str) -> Campaign:
    """Cancels the campaign and its running send: once this is committed, no provider call starts for it.

    Calls that are with a provider finish and are counted. Cancelling again changes nothing. Raises NotFound, or BadState once it is sent.
    """
    campaign = await campaign_for(tx, caller, face, campaign_id, lock=True)
    status = campaign_after(CampaignOperation.CANCEL, campaign.status)
    if campaign.status is CampaignStatus.CANCELLED:
        return campaign
    await tx.sends.cancel_running(campaign.id, caller.now)
    cancelled = replace(campaign, status=status, cancelled_at=caller.now, updated_at=caller.now)
    await tx.campaigns.replace(cancelled)
    return cancelled

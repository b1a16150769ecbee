"""Cancels a campaign."""

from __future__ import annotations

from dataclasses import dataclass

from server.commands.campaigns.access import campaign_for
from server.commands.command import Answer, Commit
from server.commands.sends.quiescence import wait_until_quiesced
from server.commands.sends.receipts import (
    find_campaign_receipt,
    keep_cancellation,
    log_cancelled_sends,
    total_receipt,
)
from server.domain.access import Caller
from server.domain.faces import Face
from server.domain.lifecycle import CampaignOperation, campaign_after
from storage.contract.storage import Storage, Transaction
from storage.model.campaigns import Campaign, CampaignStatus
from storage.model.sends import CancelReceipt


@dataclass(frozen=True, slots=True)
class CancelledCampaign:
    """The campaign as it is now, and how far its sends had come."""

    campaign: Campaign
    receipt: CancelReceipt


async def cancel_campaign_and_wait(
    storage: Storage,
    commit: Commit[CancelledCampaign, Answer],
    caller: Caller,
    face: Face,
    campaign_id: str,
) -> tuple[Answer, CancelReceipt]:
    """Cancels the campaign, and answers when no provider call of its sends can begin any more; with
    the receipt of its last cancellation. Raises like `cancel_campaign`."""
    answer = await commit(lambda tx, caller: cancel_campaign(tx, caller, face, campaign_id))
    last = await storage.read(lambda tx: get_cancelled_campaign(tx, caller, face, campaign_id))
    await wait_until_quiesced(storage, last.campaign.cancelled_send_ids)
    return answer, last.receipt


async def cancel_campaign(
    tx: Transaction, caller: Caller, face: Face, campaign_id: str
) -> CancelledCampaign:
    """Cancels the campaign and its running sends: once this is committed, none of their messages is
    marked any more, while calls that were marked before may yet begin.

    Calls that are with a provider finish and are counted. Cancelling again changes nothing, unless
    a send that retries failed messages was started meanwhile: that is cancelled. Raises NotFound,
    or BadState once the campaign is sent.
    """
    campaign = await campaign_for(tx, caller, face, campaign_id, lock=True)
    campaign_after(CampaignOperation.CANCEL, campaign.status)
    receipts = await tx.sends.cancel_running(campaign.id, caller.now)
    if campaign.status is CampaignStatus.CANCELLED and not receipts:
        return CancelledCampaign(campaign, await find_campaign_receipt(tx, campaign))
    await log_cancelled_sends(tx, caller, campaign.brand_id, receipts)
    campaign = await keep_cancellation(tx, caller, campaign, receipts)
    return CancelledCampaign(campaign, total_receipt(receipts.values()))


async def get_cancelled_campaign(
    tx: Transaction, caller: Caller, face: Face, campaign_id: str
) -> CancelledCampaign:
    """The campaign with the receipt of its last cancellation. Raises NotFound."""
    campaign = await campaign_for(tx, caller, face, campaign_id)
    return CancelledCampaign(campaign, await find_campaign_receipt(tx, campaign))

"""Cancelling one send."""

from __future__ import annotations

from dataclasses import dataclass, replace

from server.commands.campaigns.access import found_send, send_for
from server.commands.sends.receipts import (
    Cancellation,
    find_cancelled_send,
    record_cancelled_campaign,
    record_cancelled_sends,
)
from server.domain.access import Caller
from server.domain.errors import BadState
from server.domain.lifecycle import CampaignOperation, campaign_after
from storage.contract.storage import Transaction
from storage.model.campaigns import CampaignStatus
from storage.model.sends import CancelCounts, Send, SendStatus


@dataclass(frozen=True, slots=True)
class CancelledSend:
    """The send as it is now, and how far it had come."""

    send: Send
    receipt: CancelCounts


async def cancel_send(tx: Transaction, caller: Caller, send_id: str) -> CancelledSend:
    """Cancels the send: once this is committed, none of its messages is marked any more. Cancelling
    again changes nothing.

    A campaign that was sending has nothing left to send and becomes cancelled; one that is sent, as
    with a retry, stays so. Raises NotFound, or BadState once the send is completed.
    """
    send = await send_for(tx, caller, send_id, lock=True)
    if send.status is SendStatus.CANCELLED:
        return CancelledSend(send, (await find_cancelled_send(tx, send.brand_id, send.id)).receipt)
    if not await tx.sends.cancel(send.id, caller.now):
        raise BadState("send", send.status, f"cannot cancel a send that is {send.status}")
    cancellation = await record_cancelled_sends(tx, caller, send.brand_id, [send.id])
    await _cancel_sending_campaign(tx, caller, send.campaign_id, cancellation)
    return CancelledSend(await found_send(tx, send.id), cancellation.receipt)


async def _cancel_sending_campaign(
    tx: Transaction, caller: Caller, campaign_id: str, cancellation: Cancellation
) -> None:
    campaign = await tx.campaigns.find(campaign_id, lock=True)
    if campaign is None or campaign.status is not CampaignStatus.SENDING:
        return
    status = campaign_after(CampaignOperation.CANCEL, campaign.status)
    await tx.campaigns.replace(
        replace(campaign, status=status, cancelled_at=caller.now, updated_at=caller.now)
    )
    await record_cancelled_campaign(tx, caller, campaign, cancellation)

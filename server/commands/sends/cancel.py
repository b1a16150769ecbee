"""Cancels one send."""

from __future__ import annotations

from dataclasses import dataclass

from server.commands.command import Answer, Commit
from server.commands.sends.access import found_send, send_for
from server.commands.sends.quiescence import wait_until_quiesced
from server.commands.sends.receipts import Receipts, keep_cancellation, log_cancelled_sends
from server.domain.access import Caller
from server.domain.errors import BadState
from storage.contract.storage import Storage, Transaction
from storage.model.campaigns import CampaignStatus
from storage.model.sends import CancelReceipt, Send, SendStatus


@dataclass(frozen=True, slots=True)
class CancelledSend:
    """The send as it is now, and how far it had come."""

    send: Send
    receipt: CancelReceipt


async def cancel_send_and_wait(
    storage: Storage, commit: Commit[CancelledSend, Answer], send_id: str
) -> Answer:
    """Cancels the send, and answers when no provider call of it can begin any more. Raises like
    `cancel_send`."""
    answer = await commit(lambda tx, caller: cancel_send(tx, caller, send_id))
    await wait_until_quiesced(storage, [send_id])
    return answer


async def cancel_send(tx: Transaction, caller: Caller, send_id: str) -> CancelledSend:
    """Cancels the send: once this is committed, none of its messages is marked any more, while
    calls that were marked before may yet begin. Cancelling again changes nothing.

    A campaign that was sending has nothing left to send and becomes cancelled; one that is sent, as
    with a retry, stays so. Raises NotFound, or BadState once the send is completed.
    """
    send = await send_for(tx, caller, send_id, lock=True)
    if send.status is SendStatus.CANCELLED:
        return CancelledSend(send, send.receipt or CancelReceipt())
    receipt = await tx.sends.cancel(send.id, caller.now)
    if receipt is None:
        raise BadState("send", send.status, f"cannot cancel a send that is {send.status}")
    receipts = {send.id: receipt}
    await log_cancelled_sends(tx, caller, send.brand_id, receipts)
    await _cancel_sending_campaign(tx, caller, send.campaign_id, receipts)
    return CancelledSend(await found_send(tx, send.id), receipt)


async def _cancel_sending_campaign(
    tx: Transaction, caller: Caller, campaign_id: str, receipts: Receipts
) -> None:
    campaign = await tx.campaigns.find(campaign_id, lock=True)
    if campaign is not None and campaign.status is CampaignStatus.SENDING:
        await keep_cancellation(tx, caller, campaign, receipts)

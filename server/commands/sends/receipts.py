"""What cancellations found: each send keeps its receipt, and a campaign which sends its last
cancellation stopped."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, replace

from server.commands.operations.audit import note
from server.domain.access import Caller
from server.domain.lifecycle import CampaignOperation, campaign_after
from storage.contract.storage import Transaction
from storage.model.audit import AuditAction
from storage.model.campaigns import Campaign, CampaignStatus
from storage.model.sends import CancelReceipt

Receipts = Mapping[str, CancelReceipt]
"""Of the sends that one cancellation stopped, by their ids."""


def total_receipt(receipts: Iterable[CancelReceipt]) -> CancelReceipt:
    """The receipt of a cancellation that stopped several sends, or none."""
    return sum(receipts, CancelReceipt())


async def find_campaign_receipt(tx: Transaction, campaign: Campaign) -> CancelReceipt:
    """What was found when the campaign was last cancelled; nothing if that was a misfire."""
    sends = await tx.sends.find_many(campaign.cancelled_send_ids)
    return total_receipt(send.receipt for send in sends.values() if send.receipt is not None)


async def log_cancelled_sends(
    tx: Transaction, caller: Caller, brand_id: str, receipts: Receipts
) -> None:
    """Logs each of the sends, which were cancelled in this transaction."""
    for send_id, receipt in receipts.items():
        await note(
            tx, caller, brand_id, AuditAction.SEND_CANCELLED, send_id, receipt=asdict(receipt)
        )


async def keep_cancellation(
    tx: Transaction, caller: Caller, campaign: Campaign, receipts: Receipts
) -> Campaign:
    """Writes the campaign, found with `lock`, as cancelled together with these sends, and logs it.
    One that was cancelled before keeps the time of that."""
    status = campaign_after(CampaignOperation.CANCEL, campaign.status)
    now = replace(campaign, status=status, cancelled_send_ids=tuple(receipts))
    if campaign.status is not CampaignStatus.CANCELLED:
        now = replace(now, cancelled_at=caller.now, updated_at=caller.now)
    await tx.campaigns.replace(now)
    await note(
        tx,
        caller,
        campaign.brand_id,
        AuditAction.CAMPAIGN_CANCELLED,
        campaign.id,
        receipt=asdict(total_receipt(receipts.values())),
        send_ids=list(receipts),
    )
    return now

"""What cancellations found: written into the audit log with each, so that asking again gives the first answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field

from server.commands.audit import note
from server.commands.campaign_access import campaign_for
from server.domain.access import Caller
from server.domain.audit_actions import AuditAction
from server.domain.faces import Face
from storage.interface import Transaction
from storage.operations import AuditEntry
from storage.records import Campaign, CancelCounts, JsonObject

_ENTRIES_AT_ONCE = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancellation:
    """The sends that were cancelled, and how far they had come."""

    send_ids: tuple[str, ...] = ()
    receipt: CancelCounts = field(default_factory=CancelCounts)


async def record_cancelled_sends(tx: Transaction, caller: Caller, brand_id: str, send_ids: Sequence[str]) -> Cancellation:
    """Logs each of the sends, which were cancelled in this transaction, with its own receipt."""
    for send_id in send_ids:
        receipt = asdict(await tx.sends.count_cancelled([send_id]))
        await note(tx, caller, brand_id, AuditAction.SEND_CANCELLED, send_id, receipt=receipt)
    return Cancellation(send_ids=tuple(send_ids), receipt=await tx.sends.count_cancelled(send_ids))


async def record_cancelled_campaign(tx: Transaction, caller: Caller, campaign: Campaign, cancellation: Cancellation) -> None:
    """Logs the campaign with the receipt of all its sends that were cancelled."""
    details: JsonObject = {"receipt": asdict(cancellation.receipt), "send_ids": list(cancellation.send_ids)}
    await note(tx, caller, campaign.brand_id, AuditAction.CAMPAIGN_CANCELLED, campaign.id, **details)


async def find_cancelled_send(tx: Transaction, brand_id: str, send_id: str) -> Cancellation:
    """What was found when the send was cancelled."""
    entry = await _newest(tx, brand_id, AuditAction.SEND_CANCELLED, send_id)
    return Cancellation() if entry is None else _read(entry)


async def find_cancelled_campaign(tx: Transaction, campaign: Campaign) -> Cancellation:
    """What was found when the campaign was last cancelled; nothing if that was a misfire."""
    entry = await _newest(tx, campaign.brand_id, AuditAction.CAMPAIGN_CANCELLED, campaign.id)
    return Cancellation() if entry is None else _read(entry)


async def get_campaign_cancellation(tx: Transaction, caller: Caller, face: Face, campaign_id: str) -> Cancellation:
    """The same, for a campaign the caller may see. Raises NotFound."""
    return await find_cancelled_campaign(tx, await campaign_for(tx, caller, face, campaign_id))


async def _newest(tx: Transaction, brand_id: str, action: AuditAction, subject_id: str) -> AuditEntry | None:
    after: str | None = None
    while entries := await tx.audit.list_page(brand_id, subject_id, after, _ENTRIES_AT_ONCE):
        for entry in entries:
            if entry.action == action:
                return entry
        after = entries[-1].id
    return None


def _read(entry: AuditEntry) -> Cancellation:
    receipt, send_ids = entry.details["receipt"], entry.details.get("send_ids", [entry.subject_id])
    assert isinstance(receipt, dict), "written by this module"
    assert isinstance(send_ids, list), "written by this module"
    return Cancellation(send_ids=tuple(send_ids), receipt=CancelCounts(**receipt))

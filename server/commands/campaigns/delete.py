"""Deletes a draft."""

from __future__ import annotations

from server.commands.campaigns.access import campaign_for
from server.commands.operations.audit import note
from server.domain.access import Caller
from server.domain.faces import Face
from server.domain.lifecycle import CampaignOperation, campaign_after
from storage.contract.storage import Transaction
from storage.model.audit import AuditAction


async def delete_campaign(tx: Transaction, caller: Caller, face: Face, campaign_id: str) -> None:
    """Deletes the campaign. Raises NotFound, or BadState unless it is a draft."""
    campaign = await campaign_for(tx, caller, face, campaign_id, lock=True)
    campaign_after(CampaignOperation.DELETE, campaign.status)
    await tx.campaigns.delete(campaign.id)
    await note(tx, caller, campaign.brand_id, AuditAction.CAMPAIGN_DELETED, campaign.id)

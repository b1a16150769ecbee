"""Deleting a draft."""

from __future__ import annotations

from server.commands.audit import note
from server.commands.campaign_access import campaign_for
from server.domain.access import Caller
from server.domain.audit_actions import AuditAction
from server.domain.faces import Face
from server.domain.lifecycle import CampaignOperation, campaign_after
from storage.interface import Transaction


async def delete_campaign(tx: Transaction, caller: Caller, face: Face, campaign_id: str) -> None:
    """Deletes the campaign. Raises NotFound, or BadState unless it is a draft."""
    campaign = await campaign_for(tx, caller, face, campaign_id, lock=True)
    campaign_after(CampaignOperation.DELETE, campaign.status)
    await tx.campaigns.delete(campaign.id)
    await note(tx, caller, campaign.brand_id, AuditAction.CAMPAIGN_DELETED, campaign.id)

"""Finds campaigns as the caller may see them."""

from __future__ import annotations

from server.domain.access import Caller
from server.domain.errors import NotFound
from server.domain.faces import Face
from storage.contract.storage import Transaction
from storage.model.campaigns import Campaign


async def campaign_for(
    tx: Transaction, caller: Caller, face: Face, campaign_id: str, *, lock: bool = False
) -> Campaign:
    """The campaign, if it was made through `face` in a brand of the caller. Raises NotFound
    otherwise."""
    campaign = await tx.campaigns.find(campaign_id, lock=lock)
    if campaign is None or campaign.face != face or not caller.principal.owns(campaign.brand_id):
        raise NotFound("campaign")
    return campaign

"""Reads campaigns, and the sends of one."""

from __future__ import annotations

from server.commands.campaigns.access import campaign_for
from server.domain.access import Caller
from server.domain.faces import Face
from server.domain.paging import Page, make_page, read_page_request
from storage.contract.storage import Transaction
from storage.model.campaigns import Campaign, CampaignStatus
from storage.model.sends import Send


async def get_campaign(tx: Transaction, caller: Caller, face: Face, campaign_id: str) -> Campaign:
    """The campaign. Raises NotFound."""
    return await campaign_for(tx, caller, face, campaign_id)


async def list_campaigns(
    tx: Transaction,
    caller: Caller,
    face: Face,
    brand_id: str,
    status: CampaignStatus | None,
    page_size: int,
    page_token: str,
) -> Page[Campaign]:
    """A page of a brand's campaigns, newest first. Raises NotFound, ValidationFailed."""
    brand = caller.principal.brand_or_only(brand_id)
    query = f"campaigns/{face}/{brand}/{status or ''}"
    page = read_page_request(page_size, page_token, query)
    rows = await tx.campaigns.list_page(brand, face, status, page.after, page.size + 1)
    return make_page(rows, page, query, lambda campaign: campaign.id)


async def list_campaign_sends(
    tx: Transaction, caller: Caller, face: Face, campaign_id: str, page_size: int, page_token: str
) -> Page[Send]:
    """A page of a campaign's sends, newest first. Raises NotFound, ValidationFailed."""
    query = f"sends/{campaign_id}"
    page = read_page_request(page_size, page_token, query)
    campaign = await campaign_for(tx, caller, face, campaign_id)
    rows = await tx.sends.list_page(campaign.id, page.after, page.size + 1)
    return make_page(rows, page, query, lambda send: send.id)

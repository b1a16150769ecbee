"""Looks up the campaigns that criteria ask about."""

from __future__ import annotations

from server.domain.criteria.received import received_campaigns
from server.domain.validation import Checks
from storage.contract.storage import Transaction
from storage.model.values import JsonObject


async def require_own_campaigns(
    tx: Transaction, brand_id: str, field: str, document: JsonObject
) -> None:
    """Raises ValidationFailed, naming each place in `field`, unless all campaigns that the criteria
    ask about are the brand's."""
    asked = list(received_campaigns(document, field))
    known = await campaign_names(tx, brand_id, document)
    checks = Checks()
    for path, campaign_id in asked:
        checks.require(campaign_id in known, path, "no such campaign in the brand")
    checks.finish()


async def campaign_names(tx: Transaction, brand_id: str, document: JsonObject) -> dict[str, str]:
    """The names, by id, of the brand's campaigns that criteria ask about."""
    asked = dict.fromkeys(campaign_id for _, campaign_id in received_campaigns(document, ""))
    found = [await tx.campaigns.find(campaign_id) for campaign_id in asked]
    return {each.id: each.name for each in found if each and each.brand_id == brand_id}

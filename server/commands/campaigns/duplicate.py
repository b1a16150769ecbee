"""Duplicates a campaign."""

from __future__ import annotations

from dataclasses import replace

from server.commands.campaigns.access import campaign_for
from server.commands.campaigns.create import NewCampaign, create_campaign
from server.domain.access import Caller
from server.domain.faces import Face
from server.domain.validation import NAME_LENGTH
from storage.contract.storage import Transaction
from storage.model.campaigns import Campaign
from storage.model.ids import new_id

_COPY = " (copy)"


async def duplicate_campaign(
    tx: Transaction, caller: Caller, face: Face, campaign_id: str, name: str | None
) -> Campaign:
    """A new draft that says the same to the same audience; without a name, by the campaign's own
    with a word added. Raises NotFound, and ValidationFailed if its audience is gone."""
    campaign = await campaign_for(tx, caller, face, campaign_id)
    copy = await create_campaign(
        tx,
        caller,
        face,
        NewCampaign(
            brand_id=campaign.brand_id,
            name=name or _name_of_copy(campaign.name),
            description=campaign.description,
            subject=campaign.subject,
            channel=campaign.channel,
            template_key=campaign.template_key,
            segment_id=campaign.segment_id,
            segment_criteria=campaign.segment_criteria,
            variables=campaign.variables,
            allow_shared_addresses=campaign.allow_shared_addresses,
        ),
    )
    for step in await tx.steps.list_of(campaign.id):
        await tx.steps.insert(copy.id, replace(step, id=new_id()))
    return copy


def _name_of_copy(name: str) -> str:
    return f"{name[: NAME_LENGTH - len(_COPY)]}{_COPY}"

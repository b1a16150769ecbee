"""Classifies the recipients of a send or a preview: each in normal form, with the reason to skip
them, if there is one."""

from __future__ import annotations

from collections.abc import Sequence

from server.commands.gate.rules import campaign_rule, held_back
from server.domain.contacts.addresses import Recipient
from server.domain.contacts.recipients import (
    ClassifiedRecipients,
    classify_recipients,
    refuse_invalid_recipients,
)
from server.domain.faces import Face
from storage.contract.storage import Transaction
from storage.model.campaigns import Campaign


async def classify_for_campaign(
    tx: Transaction, face: Face, campaign: Campaign, given: Sequence[Recipient]
) -> ClassifiedRecipients:
    """Who of the recipients gets the campaign now. Raises ValidationFailed in comms, whose
    documented schema knows no invalid recipient; in messaging they are skipped, one by one."""
    classified = classify_recipients(
        campaign.channel, given, allow_shared_addresses=campaign.allow_shared_addresses
    )
    if face is Face.COMMS:
        refuse_invalid_recipients(campaign.channel, classified)
    rule = await campaign_rule(tx, campaign.brand_id, campaign.channel, campaign.template_key)
    return classified.without(await held_back(tx, rule, classified.reached))

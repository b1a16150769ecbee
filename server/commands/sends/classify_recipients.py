"""Classifies the recipients of a send or a preview: each in normal form, with the reason to skip
them, if there is one."""

from __future__ import annotations

from collections.abc import Sequence

from server.commands.gate.rules import campaign_rule, held_back
from server.domain.contacts.addresses import Recipient
from server.domain.contacts.recipients import (
    ClassifiedRecipients,
    channel_served,
    classify_recipients,
    refuse_invalid_recipients,
)
from server.domain.faces import Face
from storage.contract.storage import Transaction
from storage.model.campaigns import Campaign
from storage.model.programs import Step, channels_of


async def classify_for_campaign(
    tx: Transaction,
    face: Face,
    campaign: Campaign,
    steps: Sequence[Step],
    given: Sequence[Recipient],
) -> ClassifiedRecipients:
    """Who of the recipients gets the first step now; of whom the address is for another step, that
    is not known before it runs. Raises ValidationFailed in comms, whose documented schema knows no
    invalid recipient; in messaging they are skipped, one by one."""
    first, channels = steps[0], channels_of(steps)
    classified = classify_recipients(
        channels, given, allow_shared_addresses=campaign.allow_shared_addresses
    )
    if face is Face.COMMS:
        refuse_invalid_recipients(first.channel, classified)
    rule = await campaign_rule(tx, campaign.brand_id, first.channel, first.template_key)
    reached = classified.reached
    if len(channels) > 1:
        reached = [each for each in reached if channel_served(channels, each) == first.channel]
    return classified.without(await held_back(tx, rule, reached))

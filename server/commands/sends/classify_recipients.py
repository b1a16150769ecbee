"""Classifies the recipients of a send or a preview: each in normal form, with the reason to skip
them, if there is one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from server.commands.campaigns.access import campaign_for
from server.commands.campaigns.program import program_of
from server.commands.gate.rules import campaign_rule, held_back
from server.domain.access import Caller
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


class Classify(Protocol):
    """`classify_recipients`, or what knows what that returns."""

    def __call__(
        self, channels: Sequence[str], given: Sequence[Recipient], *, allow_shared_addresses: bool
    ) -> ClassifiedRecipients: ...


async def how_to_classify(
    tx: Transaction, caller: Caller, face: Face, campaign_id: str
) -> tuple[tuple[str, ...], bool]:
    """The channels that a campaign's recipients have addresses of, and whether they may share them.
    Raises NotFound, NoSteps."""
    campaign = await campaign_for(tx, caller, face, campaign_id)
    channels = channels_of(await program_of(tx, campaign))
    return tuple(channels), campaign.allow_shared_addresses


def classified_before(
    channels: Sequence[str], given: Sequence[Recipient], *, allow_shared_addresses: bool
) -> Classify:
    """Classifies these recipients now, so that it costs nothing where it is asked for; if it is for
    anything else, it classifies them there."""
    before = classify_recipients(channels, given, allow_shared_addresses=allow_shared_addresses)
    known = (tuple(channels), allow_shared_addresses)

    def classify(
        channels: Sequence[str], given: Sequence[Recipient], *, allow_shared_addresses: bool
    ) -> ClassifiedRecipients:
        if (tuple(channels), allow_shared_addresses) == known:
            return before
        return classify_recipients(channels, given, allow_shared_addresses=allow_shared_addresses)

    return classify


async def classify_for_campaign(
    tx: Transaction,
    face: Face,
    campaign: Campaign,
    steps: Sequence[Step],
    given: Sequence[Recipient],
) -> ClassifiedRecipients:
    """Who of the recipients gets the first step now. Raises like `classify_given`."""
    return await hold_back(
        tx, campaign.brand_id, steps, classify_given(face, campaign, steps, given)
    )


def classify_given(
    face: Face,
    campaign: Campaign,
    steps: Sequence[Step],
    given: Sequence[Recipient],
    classify: Classify = classify_recipients,
) -> ClassifiedRecipients:
    """The recipients as far as they themselves tell who is to be skipped. Raises ValidationFailed
    in comms, whose documented schema knows no invalid recipient; in messaging they are skipped, one
    by one."""
    classified = classify(
        channels_of(steps), given, allow_shared_addresses=campaign.allow_shared_addresses
    )
    if face is Face.COMMS:
        refuse_invalid_recipients(steps[0].channel, classified)
    return classified


async def hold_back(
    tx: Transaction, brand_id: str, steps: Sequence[Step], classified: ClassifiedRecipients
) -> ClassifiedRecipients:
    """The same, and those skipped whom the gate holds back from the first step; of whom the address
    is for another step, that is not known before it runs."""
    first, channels = steps[0], channels_of(steps)
    rule = await campaign_rule(tx, brand_id, first.channel, first.template_key)
    reached = classified.reached
    if len(channels) > 1:
        reached = [each for each in reached if channel_served(channels, each) == first.channel]
    return classified.without(await held_back(tx, rule, reached))

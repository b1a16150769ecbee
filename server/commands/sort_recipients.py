"""The recipients of a send or a preview: each in normal form, with the reason to skip them."""

from __future__ import annotations

from collections.abc import Sequence

from server.commands.suppressions import suppressed_among
from server.domain.addresses import Recipient
from server.domain.audience import SortedOut, refuse_invalid_recipients, sort_out
from server.domain.faces import Face
from storage.interface import Transaction
from storage.records import Campaign


async def sort_recipients(tx: Transaction, face: Face, campaign: Campaign, given: Sequence[Recipient]) -> SortedOut:
    """Who of the recipients gets the campaign now. Raises ValidationFailed in comms, whose documented schema knows no invalid recipient;
    in messaging they are skipped, one by one."""
    sorted_out = sort_out(campaign.channel, given, allow_shared_addresses=campaign.allow_shared_addresses)
    if face is Face.COMMS:
        refuse_invalid_recipients(campaign.channel, sorted_out)
    return sorted_out.without(await suppressed_among(tx, campaign.brand_id, campaign.channel, sorted_out.reached))

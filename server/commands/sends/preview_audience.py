"""Previews an audience: who would get a send and who would be skipped, by the statements and
functions that sends use. Writes nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from heapq import nsmallest

from server.commands.campaigns.access import campaign_for
from server.commands.campaigns.content import audience_criteria
from server.commands.campaigns.program import program_of
from server.commands.gate.rules import campaign_rule
from server.commands.sends.classify_recipients import classify_for_campaign
from server.commands.sends.resolve_audience import classify_members
from server.domain.access import Caller, Principal
from server.domain.contacts.addresses import Recipient
from server.domain.contacts.recipients import ClassifiedRecipients
from server.domain.criteria.parse import parse_criteria
from server.domain.faces import Face
from server.domain.scopes import READ_PEOPLE
from storage.contract.storage import Transaction
from storage.model.audiences import SkipReason
from storage.model.campaigns import Campaign
from storage.model.values import JsonObject

SAMPLE_SIZE = 20
"""Most people in a sample."""
CROWD = 5
"""What counts are rounded to for those who may not see people: nobody is told by fewer."""


@dataclass(frozen=True, slots=True)
class SampledPerson:
    """One of the people of an audience."""

    person_id: str
    skip_reason: str | None


@dataclass(frozen=True, slots=True)
class AudiencePreview:
    """Everybody in an audience, counted, and the first of them by id."""

    would_send: int
    skips: dict[str, int]
    """By reason."""
    sample: list[SampledPerson]
    rounded: bool = False
    """Whether it was made for somebody who may not see people."""

    @property
    def total(self) -> int:
        return self.would_send + sum(self.skips.values())

    def for_eyes_of(self, principal: Principal) -> AudiencePreview:
        """As they may see it: without `read:people` no person can be told from it."""
        if principal.may(READ_PEOPLE):
            return self
        skips = {reason: round_to_crowd(count) for reason, count in self.skips.items()}
        shown = {reason: count for reason, count in skips.items() if count}
        return AudiencePreview(round_to_crowd(self.would_send), shown, [], rounded=True)


def round_to_crowd(count: int) -> int:
    """Down to a multiple of CROWD."""
    return count - count % CROWD


async def preview_campaign(
    tx: Transaction,
    caller: Caller,
    face: Face,
    campaign_id: str,
    recipients: Sequence[Recipient] | None,
) -> tuple[Campaign, AudiencePreview]:
    """Previews the first step of the campaign as if it ran now: to exactly the recipients, or with
    None to its own audience. Its status does not matter.

    Raises NotFound, NoSteps, ValidationFailed: as a send would, where there are recipients.
    """
    campaign = await campaign_for(tx, caller, face, campaign_id)
    steps = await program_of(tx, campaign)
    if recipients is not None:
        classified = await classify_for_campaign(tx, face, campaign, steps, recipients)
        return campaign, _preview_recipients(classified)
    criteria, shared = await audience_criteria(tx, campaign), campaign.allow_shared_addresses
    found = await preview_criteria(
        tx,
        caller,
        campaign.brand_id,
        criteria,
        steps[0].channel,
        template_key=steps[0].template_key,
        allow_shared_addresses=shared,
    )
    return campaign, found.for_eyes_of(caller.principal)


async def preview_criteria(
    tx: Transaction,
    caller: Caller,
    brand_id: str,
    document: JsonObject,
    channel: str,
    *,
    template_key: str | None = None,
    allow_shared_addresses: bool = False,
) -> AudiencePreview:
    """Previews a send on a channel to whom criteria, that were checked, match."""
    criteria = parse_criteria(document, "criteria")
    rule = await campaign_rule(tx, brand_id, channel, template_key)
    counts = await tx.people.count_matching(rule, criteria, caller.now)
    first = classify_members(
        await tx.people.list_matching(rule, criteria, caller.now, None, SAMPLE_SIZE)
    )
    by_reason = {each.skip_reason: each.people for each in counts}
    if not allow_shared_addresses:
        # As a send goes by the order of ids too, what is before each of the first is among them.
        first = first.once_per_address()
        addresses = sum(each.addresses for each in counts if each.skip_reason is None)
        by_reason |= {None: addresses, SkipReason.DUPLICATE: by_reason.get(None, 0) - addresses}
    return _preview(by_reason, [SampledPerson(person_id, skip) for (person_id, _), skip in first])


def _preview_recipients(classified: ClassifiedRecipients) -> AudiencePreview:
    people = [SampledPerson(person_id, skip) for (person_id, _), skip in classified]
    return _preview(
        Counter(person.skip_reason for person in people),
        nsmallest(SAMPLE_SIZE, people, key=lambda person: person.person_id),
    )


def _preview(counts: Mapping[str | None, int], sample: list[SampledPerson]) -> AudiencePreview:
    skips = {
        reason: count
        for reason, count in sorted(counts.items(), key=lambda item: item[0] or "")
        if reason is not None and count
    }
    return AudiencePreview(counts.get(None, 0), skips, sample)

"""Sends what a campaign says to one address, before it goes to its audience."""

from __future__ import annotations

from server.commands.campaigns.access import campaign_for
from server.commands.campaigns.content import pin_template
from server.commands.messages.gate import require_contactable
from server.commands.messages.schedule import accepted_by
from server.domain.access import Caller
from server.domain.contacts.addresses import check_recipient
from server.domain.errors import BadState
from server.domain.faces import Face
from server.domain.validation import Checks
from storage.contract.storage import Transaction
from storage.model.campaigns import Campaign, CampaignStatus, CampaignTest
from storage.model.channels import Channel
from storage.model.ids import new_id
from storage.model.messages import Message

NOBODY = "test"
"""The person that a test is rendered for when none is named; need not be known."""


async def accept_test(
    tx: Transaction, caller: Caller, face: Face, campaign_id: str, person_id: str, recipient: str
) -> Message:
    """Accepts a message with the content of a draft or scheduled campaign, due now: of the version
    that the campaign would go out with now, as the person would get it, and counted nowhere.

    Raises NotFound, BadState, NoSteps, Suppressed, NoConsent, PreferenceOff; ValidationFailed for
    an address, a template or variables that it could not be sent with.
    """
    campaign = await campaign_for(tx, caller, face, campaign_id)
    if campaign.status not in (CampaignStatus.DRAFT, CampaignStatus.SCHEDULED):
        raise BadState(
            "campaign", campaign.status, f"cannot test a campaign that is {campaign.status}"
        )
    campaign = await pin_template(tx, campaign, content_prefix=face.content_prefix)
    message = _message(caller, campaign, person_id, recipient)
    await require_contactable(
        tx,
        message.brand_id,
        message.channel,
        message.template_key,
        (message.person_id, message.recipient),
    )
    added = await tx.messages.insert_unless_duplicate(message, accepted_by(caller))
    assert added, "it has no key"
    await tx.campaigns.insert_test(
        CampaignTest(
            message_id=message.id,
            campaign_id=campaign.id,
            name=campaign.name,
            subject=campaign.subject,
        )
    )
    return message


def _message(caller: Caller, campaign: Campaign, person_id: str, recipient: str) -> Message:
    checks = Checks()
    somebody = person_id or (recipient if campaign.channel == Channel.IN_APP else NOBODY)
    person, address = check_recipient(checks, campaign.channel, (somebody, recipient))
    checks.finish()
    assert campaign.template_revision is not None, "its template is pinned"
    return Message(
        id=new_id(),
        brand_id=campaign.brand_id,
        person_id=person,
        channel=campaign.channel,
        template_key=campaign.template_key,
        template_revision=campaign.template_revision,
        recipient=address,
        variables=campaign.variables,
        scheduled_at=caller.now,
        due_at=caller.now,
        created_at=caller.now,
    )

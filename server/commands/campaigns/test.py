"""Sends a step of a campaign to one address, before it goes to its audience."""

from __future__ import annotations

from server.commands.campaigns.access import campaign_for
from server.commands.campaigns.program import pin_program, program_of
from server.commands.messages.gate import require_contactable
from server.commands.messages.schedule import accepted_by
from server.domain.access import Caller
from server.domain.contacts.addresses import check_recipient
from server.domain.errors import BadState, NotFound
from server.domain.faces import Face
from server.domain.validation import Checks
from storage.contract.storage import Transaction
from storage.model.campaigns import Campaign, CampaignStatus, CampaignTest
from storage.model.channels import Channel
from storage.model.ids import new_id
from storage.model.messages import Message
from storage.model.programs import Step

NOBODY = "test"
"""The person that a test is rendered for when none is named; need not be known."""


async def accept_test(
    tx: Transaction,
    caller: Caller,
    face: Face,
    campaign_id: str,
    person_id: str,
    recipient: str,
    step_id: str = "",
) -> Message:
    """Accepts a message of a step of a draft or scheduled campaign, the first unless one is named,
    due now: as the person would get it, and counted nowhere.

    Raises NotFound, BadState, NoSteps, Suppressed, NoConsent, PreferenceOff; ValidationFailed for
    an address, a template or variables that it could not be sent with.
    """
    campaign = await campaign_for(tx, caller, face, campaign_id)
    if campaign.status not in (CampaignStatus.DRAFT, CampaignStatus.SCHEDULED):
        raise BadState(
            "campaign", campaign.status, f"cannot test a campaign that is {campaign.status}"
        )
    campaign = await pin_program(tx, campaign)
    steps = await program_of(tx, campaign)
    step = next((each for each in steps if step_id in ("", each.id)), None)
    if step is None:
        raise NotFound("step")
    message = _message(caller, campaign, step, person_id, recipient)
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


def _message(
    caller: Caller, campaign: Campaign, step: Step, person_id: str, recipient: str
) -> Message:
    checks = Checks()
    somebody = person_id or (recipient if step.channel == Channel.IN_APP else NOBODY)
    person, address = check_recipient(checks, step.channel, (somebody, recipient))
    checks.finish()
    return Message(
        id=new_id(),
        brand_id=campaign.brand_id,
        person_id=person,
        channel=step.channel,
        template_key=step.template_key,
        template_revision=step.template_revision,
        recipient=address,
        variables=step.variables,
        scheduled_at=caller.now,
        due_at=caller.now,
        created_at=caller.now,
    )

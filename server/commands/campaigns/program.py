"""The program of a campaign: its steps, or for one made through comms the one step that it is."""

from __future__ import annotations

from server.commands.campaigns.content import pin_template, require_not_archived
from server.domain.errors import NoSteps
from server.domain.faces import Face
from storage.contract.storage import Transaction
from storage.model.campaigns import Campaign, CampaignStatus
from storage.model.programs import CURRENT_REVISION, Step


async def program_of(tx: Transaction, campaign: Campaign) -> tuple[Step, ...]:
    """The steps of the campaign, by position; at least one. Raises NoSteps."""
    if campaign.face == Face.COMMS:
        return (_only_step(campaign),)
    steps = await tx.steps.list_of(campaign.id)
    if not steps:
        raise NoSteps
    return steps


def is_pinned(campaign: Campaign) -> bool:
    """Whether it was settled what the campaign will send: when it was scheduled."""
    if campaign.face == Face.COMMS:
        return campaign.template_revision is not None
    return campaign.status is CampaignStatus.SCHEDULED


async def pin_program(tx: Transaction, campaign: Campaign) -> Campaign:
    """The campaign with what it will send: a template's revision in comms, while the steps of
    messaging are pinned from the start.

    Raises NoSteps; ValidationFailed like `pin_template`, and for steps whose template is archived.
    """
    if campaign.face == Face.COMMS:
        return await pin_template(tx, campaign)
    for index, step in enumerate(await program_of(tx, campaign)):
        await require_open_template(tx, step.template_id, f"steps[{index}].template_id")
    return campaign


async def require_open_template(tx: Transaction, template_id: str | None, field: str) -> None:
    """Raises ValidationFailed, naming `field`, if the template is archived."""
    template = await tx.templates.find(template_id) if template_id else None
    require_not_archived(template, field)


def _only_step(campaign: Campaign) -> Step:
    return Step(
        id=campaign.id,
        position=0,
        channel=campaign.channel,
        template_key=campaign.template_key,
        template_revision=campaign.template_revision or CURRENT_REVISION,
        delay_minutes=0,
        variables=campaign.variables,
    )

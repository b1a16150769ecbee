"""Adds, reads, changes and removes the steps of a campaign to a segment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TypedDict

from server.commands.campaigns.access import campaign_for
from server.commands.campaigns.misfire import changed_at
from server.commands.campaigns.program import require_open_template
from server.commands.operations.audit import note
from server.commands.templates.queries import get_version
from server.domain.access import Caller
from server.domain.errors import NoSteps, NotFound
from server.domain.faces import Face
from server.domain.lifecycle import CampaignOperation, campaign_after
from server.domain.paging import Page, make_page, read_page_request
from server.domain.templates.notice import find_unfit_variables
from server.domain.validation import Checks
from storage.contract.storage import Transaction
from storage.model.audit import AuditAction
from storage.model.campaigns import Campaign, CampaignStatus
from storage.model.ids import new_id
from storage.model.programs import Step
from storage.model.templates import TemplateVersion
from storage.model.values import JsonObject

MOST_STEPS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class NewStep:
    """A step to add."""

    position: int
    template_id: str
    template_version_id: str
    delay_minutes: int = 0
    variables: JsonObject = field(default_factory=dict)


class StepChanges(TypedDict, total=False):
    """Fields to change, by name; absent ones stay."""

    position: int
    template_id: str
    template_version_id: str
    delay_minutes: int
    variables: JsonObject


async def add_step(tx: Transaction, caller: Caller, campaign_id: str, new: NewStep) -> Step:
    """Adds a step to the campaign. Raises NotFound, also for a version that the template does not
    have; BadState; ValidationFailed for a position that is taken, a template that is archived, and
    variables that do not fit it."""
    campaign, steps = await _open_campaign(tx, caller, campaign_id)
    version = await _version(tx, caller, campaign, new.template_id, new.template_version_id)
    step = Step(
        id=new_id(),
        position=new.position,
        channel=version.channel,
        template_key=version.template_key,
        template_revision=version.revision,
        template_id=version.template_id,
        template_version_id=version.id,
        delay_minutes=new.delay_minutes,
        variables=new.variables,
    )
    await require_open_template(tx, step.template_id, "template_id")
    _check(step, version, steps)
    await tx.steps.insert(campaign.id, step)
    await _note_change(tx, caller, campaign, step, "added")
    return step


async def change_step(
    tx: Transaction, caller: Caller, campaign_id: str, step_id: str, changes: StepChanges
) -> Step:
    """Changes a step of the campaign. Raises like `add_step`."""
    campaign, steps = await _open_campaign(tx, caller, campaign_id)
    before = _found(steps, step_id)
    changed = replace(before, **changes)
    version = await _version(
        tx, caller, campaign, changed.template_id or "", changed.template_version_id or ""
    )
    if version.id != before.template_version_id:
        await require_open_template(tx, version.template_id, "template_id")
    changed = replace(
        changed,
        channel=version.channel,
        template_key=version.template_key,
        template_revision=version.revision,
    )
    _check(changed, version, [step for step in steps if step.id != step_id])
    await tx.steps.replace(changed)
    await _note_change(tx, caller, campaign, changed, "changed")
    return changed


async def remove_step(tx: Transaction, caller: Caller, campaign_id: str, step_id: str) -> None:
    """Removes a step of the campaign. Raises NotFound, BadState, and NoSteps for the only one of a
    campaign that is scheduled."""
    campaign, steps = await _open_campaign(tx, caller, campaign_id)
    step = _found(steps, step_id)
    if len(steps) == 1 and campaign.status is CampaignStatus.SCHEDULED:
        raise NoSteps
    await tx.steps.delete(step.id)
    await _note_change(tx, caller, campaign, step, "removed")


async def get_step(tx: Transaction, caller: Caller, campaign_id: str, step_id: str) -> Step:
    """A step of the campaign. Raises NotFound."""
    campaign = await campaign_for(tx, caller, Face.MESSAGING, campaign_id)
    return _found(await tx.steps.list_of(campaign.id), step_id)


async def list_steps(
    tx: Transaction, caller: Caller, campaign_id: str, page_size: int, page_token: str
) -> Page[Step]:
    """A page of the campaign's steps, by position. Raises NotFound, ValidationFailed."""
    query = f"steps/{campaign_id}"
    page = read_page_request(page_size, page_token, query)
    campaign = await campaign_for(tx, caller, Face.MESSAGING, campaign_id)
    steps = await tx.steps.list_of(campaign.id)
    # The key is a position, written so that texts sort as the numbers do.
    rows = [step for step in steps if page.after is None or _key(step) > page.after]
    return make_page(rows, page, query, _key)


def _key(step: Step) -> str:
    return f"{step.position:010}"


async def _open_campaign(
    tx: Transaction, caller: Caller, campaign_id: str
) -> tuple[Campaign, tuple[Step, ...]]:
    campaign = await campaign_for(tx, caller, Face.MESSAGING, campaign_id, lock=True)
    campaign_after(CampaignOperation.UPDATE, campaign.status)
    return campaign, await tx.steps.list_of(campaign.id)


async def _version(
    tx: Transaction, caller: Caller, campaign: Campaign, template_id: str, version_id: str
) -> TemplateVersion:
    version = await get_version(tx, caller, template_id, version_id)
    if version.brand_id != campaign.brand_id:
        raise NotFound("template")
    return version


def _found(steps: Sequence[Step], step_id: str) -> Step:
    for step in steps:
        if step.id == step_id:
            return step
    raise NotFound("step")


def _check(step: Step, version: TemplateVersion, others: Sequence[Step]) -> None:
    checks = Checks()
    taken = any(other.position == step.position for other in others)
    checks.require(not taken, "position", "is that of another step of the campaign")
    checks.require(
        len(others) < MOST_STEPS, "position", f"a campaign has at most {MOST_STEPS} steps"
    )
    checks.json_object("variables", step.variables)
    checks.add_all(find_unfit_variables(version.channel, version.variables, step.variables))
    checks.finish()


async def _note_change(
    tx: Transaction, caller: Caller, campaign: Campaign, step: Step, what: str
) -> None:
    await tx.campaigns.replace(replace(campaign, updated_at=changed_at(campaign, caller.now)))
    await note(
        tx,
        caller,
        campaign.brand_id,
        AuditAction.CAMPAIGN_UPDATED,
        campaign.id,
        fields=["steps"],
        step_id=step.id,
        step=what,
    )

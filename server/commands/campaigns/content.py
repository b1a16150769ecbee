"""Checks what a campaign says and whom it is for: when it is created, changed or started."""

from __future__ import annotations

from dataclasses import replace

from server.domain.criteria.check import check_criteria
from server.domain.errors import SegmentArchived, ValidationFailed
from server.domain.templates.inference import infer_variables
from server.domain.templates.notice import find_unfit_variables
from server.domain.templates.rendering import (
    CompiledTemplate,
    TemplateSource,
    TemplateSyntaxError,
    compile_template,
)
from server.domain.templates.variables import find_violations
from server.domain.validation import Checks
from storage.contract.storage import Transaction
from storage.model.campaigns import Campaign
from storage.model.channels import Channel
from storage.model.segments import SegmentStatus
from storage.model.templates import Template, TemplateVersion
from storage.model.values import JsonObject


def check_definition(campaign: Campaign) -> None:
    """Raises ValidationFailed for variables, a subject or criteria that no campaign can have."""
    checks = Checks()
    checks.json_object("variables", campaign.variables)
    _check_subject(checks, campaign)
    if campaign.segment_criteria is not None:
        check_criteria(checks, "segment_criteria", campaign.segment_criteria)
    checks.finish()


def _check_subject(checks: Checks, campaign: Campaign) -> None:
    try:
        _compiled_subject(campaign)
    except TemplateSyntaxError as error:
        checks.add("subject", str(error))


def _compiled_subject(campaign: Campaign) -> CompiledTemplate:
    return compile_template(TemplateSource(subject=campaign.subject, body="", html=None))


async def require_segment(tx: Transaction, brand_id: str, segment_id: str) -> None:
    """Raises ValidationFailed unless the segment exists in the brand, and may get campaigns."""
    segment = await tx.segments.find(segment_id, lock=True)
    if segment is None or segment.brand_id != brand_id:
        raise ValidationFailed.of("segment_id", "no such segment in the brand")
    if segment.status is SegmentStatus.ARCHIVED:
        raise ValidationFailed.of("segment_id", "the segment is archived")


async def has_archived_segment(tx: Transaction, campaign: Campaign) -> bool:
    """Whether the campaign is to a segment that is archived. One that is not, is not while the
    transaction, which writes, goes on."""
    if campaign.segment_id is None:
        return False
    segment = await tx.segments.find(campaign.segment_id, lock=True)
    return segment is not None and segment.status is SegmentStatus.ARCHIVED


async def require_open_segment(tx: Transaction, campaign: Campaign) -> None:
    """Raises SegmentArchived if the campaign is to a segment that is archived."""
    if await has_archived_segment(tx, campaign):
        raise SegmentArchived


async def pin_template(tx: Transaction, campaign: Campaign) -> Campaign:
    """The campaign with the revision it will send: the one it has pinned, or else the latest.

    Raises ValidationFailed if there is no template, or with every variable that is missing or of
    another type.
    """
    template = await require_template(
        tx,
        campaign.brand_id,
        campaign.channel,
        campaign.template_key,
        campaign.template_revision,
    )
    violations = find_unfit_variables(campaign.channel, template.variables, campaign.variables)
    named = {variable.name for variable in template.variables}
    in_subject = infer_variables([_compiled_subject(campaign)])
    violations += find_violations(
        [variable for variable in in_subject if variable.name not in named], campaign.variables
    )
    if violations:
        raise ValidationFailed(violations)
    return replace(campaign, template_revision=template.revision)


async def require_template(
    tx: Transaction,
    brand_id: str,
    channel: str,
    template_key: str,
    revision: int | None = None,
    *,
    field: str = "template_key",
) -> TemplateVersion:
    """The version that was pinned, or the current one for something new.

    Raises ValidationFailed, naming `field`, unless there is one in the brand and channel, or if its
    template is archived; one that was pinned goes out all the same.
    """
    if revision is None:
        template = await tx.templates.find_by_key(brand_id, channel, template_key)
        require_not_archived(template, field)
        if template is not None and template.current_version_id is None:
            raise ValidationFailed.of(field, "the template has no version yet")
    version = await tx.templates.find_version(brand_id, channel, template_key, revision)
    if version is None:
        raise ValidationFailed.of(field, f"no such template on channel {Channel(channel)}")
    return version


def require_not_archived(template: Template | None, field: str) -> None:
    """Raises ValidationFailed, naming `field`, if the template is archived."""
    if template is not None and template.archived_at is not None:
        raise ValidationFailed.of(
            field, "the template is archived: nothing new can be sent with it"
        )


async def audience_criteria(tx: Transaction, campaign: Campaign) -> JsonObject:
    """The criteria of the campaign's audience: its own, or those its segment has now. Raises
    ValidationFailed if the segment is gone."""
    if campaign.segment_id is None:
        return campaign.segment_criteria or {}
    segment = await tx.segments.find(campaign.segment_id)
    if segment is None:
        raise ValidationFailed.of("segment_id", "the campaign's segment does not exist any more")
    return segment.predicate

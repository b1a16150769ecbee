"""Checks of what a campaign says and whom it is for, shared by creating and changing one, and by starting it."""

from __future__ import annotations

from server.domain.channels import Channel
from server.domain.criteria import parse_criteria
from server.domain.errors import ValidationFailed
from server.domain.rendering import Source, TemplateSyntaxError, compile_template
from server.domain.validation import DESCRIPTION_LENGTH, NAME_LENGTH, SUBJECT_LENGTH, Checks
from storage.interface import Transaction
from storage.records import Campaign, Template


def check_definition(campaign: Campaign, *, content_field: str = "") -> None:
    """Raises ValidationFailed with everything that is wrong with the campaign's own fields. `content_field` prefixes the content's
    names."""
    checks = Checks()
    checks.line("name", campaign.name, NAME_LENGTH)
    checks.text("description", campaign.description or "", DESCRIPTION_LENGTH, required=False)
    checks.template_key(f"{content_field}template_key", campaign.template_key)
    checks.json_object(f"{content_field}variables", campaign.variables)
    _check_subject(checks, f"{content_field}subject", campaign)
    if campaign.segment_criteria is not None:
        criteria = campaign.segment_criteria
        checks.json_object("segment_criteria", criteria)
        checks.attempt(lambda: parse_criteria(criteria, "segment_criteria"))
    checks.finish()


def _check_subject(checks: Checks, field: str, campaign: Campaign) -> None:
    checks.line(field, campaign.subject or "", SUBJECT_LENGTH, required=campaign.segment_id is None)
    try:
        compile_template(Source(subject=campaign.subject, body="", html=None))
    except TemplateSyntaxError as error:
        checks.add(field, str(error))


async def require_segment(tx: Transaction, brand_id: str, segment_id: str) -> None:
    """Raises ValidationFailed unless the segment exists in the brand."""
    if not segment_id.strip():
        raise ValidationFailed.of("segment_id", "is required")
    segment = await tx.segments.find(segment_id)
    if segment is None or segment.brand_id != brand_id:
        raise ValidationFailed.of("segment_id", "no such segment in the brand")


async def require_template(tx: Transaction, brand_id: str, channel: str, template_key: str, *, field: str = "template_key") -> Template:
    """The latest revision. Raises ValidationFailed, naming `field`, unless there is one in the brand and channel."""
    template = await tx.templates.find(brand_id, channel, template_key)
    if template is None:
        raise ValidationFailed.of(field, f"no such template on channel {Channel(channel)}")
    return template

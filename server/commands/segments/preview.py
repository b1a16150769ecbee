"""Previews a segment, or a predicate that is none yet: who is in it, and what it asks. Writes
nothing."""

from __future__ import annotations

from dataclasses import dataclass

from server.commands.segments.queries import get_segment
from server.commands.segments.received import campaign_names, require_own_campaigns
from server.commands.sends.preview_audience import (
    AudiencePreview,
    preview_criteria,
    round_to_crowd,
)
from server.domain.access import Caller
from server.domain.criteria.check import check_criteria
from server.domain.criteria.explain import explain
from server.domain.criteria.parse import parse_criteria
from server.domain.validation import Checks
from storage.contract.storage import Transaction
from storage.model.channels import Channel
from storage.model.values import JsonObject


@dataclass(frozen=True, slots=True)
class PredicatePreview:
    """Everybody whom a predicate matches, counted, and the first of them by id."""

    count: int
    sample_ids: list[str]
    explain: str
    """What it asks, in plain English."""
    audience: AudiencePreview | None
    """What a send to them would do, where that was asked for."""
    rounded: bool
    """Whether it was made for somebody who may not see people."""


async def preview_segment(
    tx: Transaction, caller: Caller, segment_id: str, channel: str | None
) -> PredicatePreview:
    """Previews a segment, archived or not, and with a channel a send to it. Raises NotFound."""
    segment = await get_segment(tx, caller, segment_id)
    return await _preview(tx, caller, segment.brand_id, segment.predicate, channel)


async def preview_predicate(
    tx: Transaction, caller: Caller, brand_id: str, predicate: JsonObject, channel: str | None
) -> PredicatePreview:
    """Previews a predicate, and with a channel a send to whom it matches. Raises NotFound for a
    brand of others, ValidationFailed for a bad predicate."""
    caller.principal.require_brand(brand_id)
    checks = Checks()
    check_criteria(checks, "predicate", predicate)
    checks.finish()
    await require_own_campaigns(tx, brand_id, "predicate", predicate)
    return await _preview(tx, caller, brand_id, predicate, channel)


async def _preview(
    tx: Transaction, caller: Caller, brand_id: str, predicate: JsonObject, channel: str | None
) -> PredicatePreview:
    # Whom it matches is the same on every channel.
    audience = await preview_criteria(tx, caller, brand_id, predicate, channel or Channel.IN_APP)
    shown = audience.for_eyes_of(caller.principal)
    return PredicatePreview(
        count=round_to_crowd(audience.total) if shown.rounded else audience.total,
        sample_ids=[person.person_id for person in shown.sample],
        explain=explain(
            parse_criteria(predicate, "predicate"), await campaign_names(tx, brand_id, predicate)
        ),
        audience=shown if channel else None,
        rounded=shown.rounded,
    )

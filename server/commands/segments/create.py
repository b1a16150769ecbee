"""Creates a segment."""

from __future__ import annotations

from server.commands.operations.audit import note
from server.domain.access import Caller
from server.domain.criteria.check import check_criteria
from server.domain.validation import Checks
from storage.contract.storage import Transaction
from storage.model.audit import AuditAction
from storage.model.ids import new_id
from storage.model.segments import Segment
from storage.model.values import JsonObject


async def create_segment(
    tx: Transaction, caller: Caller, brand_id: str, name: str, criteria: JsonObject
) -> Segment:
    """Creates the segment. Raises NotFound for a brand of others, ValidationFailed for bad
    criteria."""
    checks = Checks()
    check_criteria(checks, "criteria", criteria)
    checks.finish()
    caller.principal.require_brand(brand_id)
    segment = Segment(
        id=new_id(),
        brand_id=brand_id,
        name=name,
        criteria=criteria,
        created_by=caller.principal.subject,
        created_at=caller.now,
    )
    await tx.segments.insert(segment)
    await note(tx, caller, brand_id, AuditAction.SEGMENT_CREATED, segment.id)
    return segment

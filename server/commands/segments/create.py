"""Creates a segment."""

from __future__ import annotations

from dataclasses import dataclass

from server.commands.operations.audit import note
from server.commands.segments.received import require_own_campaigns
from server.domain.access import Caller
from server.domain.criteria.check import check_criteria
from server.domain.validation import Checks
from storage.contract.storage import Transaction
from storage.model.audit import AuditAction
from storage.model.ids import new_id
from storage.model.segments import Segment
from storage.model.values import JsonObject


@dataclass(frozen=True, slots=True, kw_only=True)
class NewSegment:
    """A segment to create."""

    brand_id: str
    name: str
    description: str | None = None
    predicate: JsonObject


async def create_segment(tx: Transaction, caller: Caller, new: NewSegment) -> Segment:
    """Creates the segment. Raises NotFound for a brand of others, ValidationFailed for a bad
    predicate."""
    checks = Checks()
    check_criteria(checks, "predicate", new.predicate)
    checks.finish()
    caller.principal.require_brand(new.brand_id)
    await require_own_campaigns(tx, new.brand_id, "predicate", new.predicate)
    segment = Segment(
        id=new_id(),
        brand_id=new.brand_id,
        name=new.name,
        description=new.description,
        predicate=new.predicate,
        created_by=caller.principal.subject,
        created_at=caller.now,
        updated_at=caller.now,
    )
    await tx.segments.insert(segment)
    await note(tx, caller, segment.brand_id, AuditAction.SEGMENT_CREATED, segment.id)
    return segment

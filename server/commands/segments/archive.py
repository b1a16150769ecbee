"""Archives a segment."""

from __future__ import annotations

from server.commands.operations.audit import note
from server.commands.segments.queries import get_segment
from server.domain.access import Caller
from storage.contract.storage import Transaction
from storage.model.audit import AuditAction
from storage.model.segments import Segment


async def archive_segment(tx: Transaction, caller: Caller, segment_id: str) -> Segment:
    """Archives the segment: no new campaign or send goes to it. One that is archived stays as it
    is. Raises NotFound."""
    segment = await get_segment(tx, caller, segment_id)
    if not await tx.segments.archive(segment.id, caller.now):
        return segment
    await note(tx, caller, segment.brand_id, AuditAction.SEGMENT_ARCHIVED, segment.id)
    return await get_segment(tx, caller, segment_id)

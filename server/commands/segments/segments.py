"""Creates and reads segments."""

from __future__ import annotations

from server.commands.operations.audit import note
from server.domain.access import Caller
from server.domain.criteria.check import check_criteria
from server.domain.errors import NotFound
from server.domain.paging import Page, make_page, read_page_request
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


async def get_segment(tx: Transaction, caller: Caller, segment_id: str) -> Segment:
    """The segment. Raises NotFound."""
    segment = await tx.segments.find(segment_id)
    if segment is None or not caller.principal.owns(segment.brand_id):
        raise NotFound("segment")
    return segment


async def list_segments(
    tx: Transaction, caller: Caller, brand_id: str, page_size: int, page_token: str
) -> Page[Segment]:
    """A page of a brand's segments, newest first. Raises NotFound, ValidationFailed."""
    brand = caller.principal.brand_or_only(brand_id)
    query = f"segments/{brand}"
    page = read_page_request(page_size, page_token, query)
    rows = await tx.segments.list_page(brand, page.after, page.size + 1)
    return make_page(rows, page, query, lambda segment: segment.id)

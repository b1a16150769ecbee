"""Reads segments."""

from __future__ import annotations

from server.domain.access import Caller
from server.domain.errors import NotFound
from server.domain.paging import Page, make_page, read_page_request
from storage.contract.storage import Transaction
from storage.model.segments import Segment, SegmentStatus


async def get_segment(tx: Transaction, caller: Caller, segment_id: str) -> Segment:
    """The segment. Raises NotFound."""
    segment = await tx.segments.find(segment_id)
    if segment is None or not caller.principal.owns(segment.brand_id):
        raise NotFound("segment")
    return segment


async def list_segments(
    tx: Transaction,
    caller: Caller,
    brand_id: str,
    status: SegmentStatus | None,
    page_size: int,
    page_token: str,
) -> Page[Segment]:
    """A page of a brand's segments, newest first. Raises NotFound, ValidationFailed."""
    brand = caller.principal.brand_or_only(brand_id)
    query = f"segments/{brand}/{status or ''}"
    page = read_page_request(page_size, page_token, query)
    rows = await tx.segments.list_page(brand, status, page.after, page.size + 1)
    return make_page(rows, page, query, lambda segment: segment.id)

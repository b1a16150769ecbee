"""Statements about segments."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import insert, select, update

from storage.model.segments import Segment, SegmentStatus
from storage.sql.connection import Connection, read_record, record_values
from storage.sql.schema.segments import segments


class SqlSegments:
    """See `storage.contract.segments.Segments`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def insert(self, segment: Segment) -> None:
        await self._connection.execute(insert(segments), record_values(segment))

    async def find(self, segment_id: str, *, lock: bool = False) -> Segment | None:
        statement = select(segments).where(segments.c.id == segment_id)
        if lock:
            # Shared: sends to one segment start beside each other.
            statement = statement.with_for_update(read=True)
        row = (await self._connection.execute(statement)).first
        return read_record(Segment, row) if row else None

    async def archive(self, segment_id: str, now: datetime) -> bool:
        statement = (
            update(segments)
            .where(segments.c.id == segment_id, segments.c.status == SegmentStatus.ACTIVE)
            .values(status=SegmentStatus.ARCHIVED, updated_at=now)
        )
        return (await self._connection.execute(statement)).count > 0

    async def list_page(
        self, brand_id: str, status: SegmentStatus | None, after: str | None, limit: int
    ) -> list[Segment]:
        statement = select(segments).where(segments.c.brand_id == brand_id)
        if status is not None:
            statement = statement.where(segments.c.status == status)
        if after is not None:
            statement = statement.where(segments.c.id < after)
        rows = await self._connection.execute(statement.order_by(segments.c.id.desc()).limit(limit))
        return [read_record(Segment, row) for row in rows.all]

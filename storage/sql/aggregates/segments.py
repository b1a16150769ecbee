"""Statements about segments."""

from __future__ import annotations

from sqlalchemy import insert, select

from storage.model.segments import Segment
from storage.sql.connection import Connection, read_record, record_values
from storage.sql.schema.segments import segments


class SqlSegments:
    """See `storage.contract.segments.Segments`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def insert(self, segment: Segment) -> None:
        await self._connection.execute(insert(segments), record_values(segment))

    async def find(self, segment_id: str) -> Segment | None:
        row = (
            await self._connection.execute(select(segments).where(segments.c.id == segment_id))
        ).first
        return read_record(Segment, row) if row else None

    async def list_page(self, brand_id: str, after: str | None, limit: int) -> list[Segment]:
        statement = (
            select(segments)
            .where(segments.c.brand_id == brand_id)
            .order_by(segments.c.id.desc())
            .limit(limit)
        )
        if after is not None:
            statement = statement.where(segments.c.id < after)
        return [
            read_record(Segment, row) for row in (await self._connection.execute(statement)).all
        ]

"""Statements about what messages say that are made of no template."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import insert, select

from storage.model.literal_contents import LiteralContent
from storage.sql.connection import Connection, read_record, record_values
from storage.sql.dialects.dialect import ColumnKind
from storage.sql.schema.literal_contents import literal_contents


class SqlLiteralContents:
    """See `storage.contract.literal_contents.LiteralContents`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def insert(self, content: LiteralContent) -> None:
        await self._connection.execute(insert(literal_contents), record_values(content))

    async def find_many(self, message_ids: Sequence[str]) -> Mapping[str, LiteralContent]:
        dialect = self._connection.dialect
        given = dialect.row_set("given", id=ColumnKind.TEXT)
        statement = select(literal_contents).join(
            given.table, literal_contents.c.message_id == given.c.id
        )
        parameters = dialect.row_set_parameters(given, [(each,) for each in message_ids])
        rows = (await self._connection.execute(statement, parameters)).all
        return {row.message_id: read_record(LiteralContent, row) for row in rows}

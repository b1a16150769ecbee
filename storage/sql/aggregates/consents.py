"""Statements about consents."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from sqlalchemy import Executable, select

from storage.model.consents import Consent
from storage.sql.connection import Connection, read_record, record_values
from storage.sql.dialects.dialect import SqlDialect
from storage.sql.schema.consents import consents

_CHANGES = ("opted_in", "source", "updated_at")


class SqlConsents:
    """See `storage.contract.consents.Consents`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def put_many(self, records: Sequence[Consent]) -> None:
        # In one order, so that two batches with the same people wait for each other rather than
        # deadlock.
        in_order = sorted(
            records, key=lambda each: (each.brand_id, each.channel, each.category, each.person_id)
        )
        if in_order:
            await self._connection.execute(
                _put(self._connection.dialect), [record_values(each) for each in in_order]
            )

    async def find(
        self, brand_id: str, person_id: str, channel: str, category: str
    ) -> Consent | None:
        statement = select(consents).where(
            consents.c.brand_id == brand_id,
            consents.c.channel == channel,
            consents.c.category == category,
            consents.c.person_id == person_id,
        )
        row = (await self._connection.execute(statement)).first
        return read_record(Consent, row) if row else None

    async def list_page(
        self, brand_id: str, person_id: str, after: str | None, limit: int
    ) -> list[Consent]:
        statement = select(consents).where(
            consents.c.brand_id == brand_id, consents.c.person_id == person_id
        )
        if after is not None:
            statement = statement.where(consents.c.id < after)
        rows = await self._connection.execute(statement.order_by(consents.c.id.desc()).limit(limit))
        return [read_record(Consent, row) for row in rows.all]


@lru_cache
def _put(dialect: SqlDialect) -> Executable:
    insert = dialect.insert(consents)
    statement: Executable = insert.on_conflict_do_update(
        index_elements=["brand_id", "channel", "category", "person_id"],
        set_={name: insert.excluded[name] for name in _CHANGES},
    )
    return statement

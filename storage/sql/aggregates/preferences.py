"""Statements about preferences."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from sqlalchemy import Executable, select

from storage.model.preferences import Preference
from storage.sql.connection import Connection, read_record, record_values
from storage.sql.dialects.dialect import SqlDialect
from storage.sql.schema.preferences import preferences

_CHANGES = ("enabled", "updated_at")


class SqlPreferences:
    """See `storage.contract.preferences.Preferences`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def put_many(self, records: Sequence[Preference]) -> None:
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
    ) -> Preference | None:
        statement = select(preferences).where(
            preferences.c.brand_id == brand_id,
            preferences.c.channel == channel,
            preferences.c.category == category,
            preferences.c.person_id == person_id,
        )
        row = (await self._connection.execute(statement)).first
        return read_record(Preference, row) if row else None

    async def list_page(
        self, brand_id: str, person_id: str, after: str | None, limit: int
    ) -> list[Preference]:
        statement = select(preferences).where(
            preferences.c.brand_id == brand_id, preferences.c.person_id == person_id
        )
        if after is not None:
            statement = statement.where(preferences.c.id < after)
        rows = await self._connection.execute(
            statement.order_by(preferences.c.id.desc()).limit(limit)
        )
        return [read_record(Preference, row) for row in rows.all]


@lru_cache
def _put(dialect: SqlDialect) -> Executable:
    insert = dialect.insert(preferences)
    statement: Executable = insert.on_conflict_do_update(
        index_elements=["brand_id", "channel", "category", "person_id"],
        set_={name: insert.excluded[name] for name in _CHANGES},
    )
    return statement

"""Statements about what people answered: their consents and preferences, a row for each person,
channel and category."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Generic, TypeVar

from sqlalchemy import Executable, Table, select

from storage.model.consents import Consent
from storage.model.preferences import Preference
from storage.sql.connection import Connection, read_record, record_values
from storage.sql.dialects.dialect import SqlDialect

A = TypeVar("A", Consent, Preference)

_KEY = ("brand_id", "channel", "category", "person_id")
_KEPT = {"id", "created_at", *_KEY}
"""What a row keeps when a later answer takes its place."""


class SqlAnswers(Generic[A]):
    """See `storage.contract.consents.Consents` and `storage.contract.preferences.Preferences`."""

    def __init__(self, connection: Connection, table: Table, record: type[A]) -> None:
        self._connection = connection
        self._table = table
        self._record: type[A] = record

    async def put_many(self, records: Sequence[A]) -> None:
        # In one order, so that two batches with the same people wait for each other rather than
        # deadlock.
        in_order = sorted(
            records, key=lambda each: (each.brand_id, each.channel, each.category, each.person_id)
        )
        if in_order:
            await self._connection.execute(
                _put(self._connection.dialect, self._table),
                [record_values(each) for each in in_order],
            )

    async def find(self, brand_id: str, person_id: str, channel: str, category: str) -> A | None:
        of = self._table.c
        statement = select(self._table).where(
            of.brand_id == brand_id,
            of.channel == channel,
            of.category == category,
            of.person_id == person_id,
        )
        row = (await self._connection.execute(statement)).first
        return read_record(self._record, row) if row else None

    async def list_page(
        self, brand_id: str, person_id: str, after: str | None, limit: int
    ) -> list[A]:
        of = self._table.c
        statement = select(self._table).where(of.brand_id == brand_id, of.person_id == person_id)
        if after is not None:
            statement = statement.where(of.id < after)
        rows = await self._connection.execute(statement.order_by(of.id.desc()).limit(limit))
        return [read_record(self._record, row) for row in rows.all]


@lru_cache
def _put(dialect: SqlDialect, table: Table) -> Executable:
    insert: Any = dialect.insert(table)
    changes = [column.name for column in table.c if column.name not in _KEPT]
    statement: Executable = insert.on_conflict_do_update(
        index_elements=_KEY, set_={name: insert.excluded[name] for name in changes}
    )
    return statement

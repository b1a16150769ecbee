"""Statements about what people answered: their consents and preferences, a row for each person,
channel and category."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from typing import Generic, TypeVar

from sqlalchemy import Table, select

from storage.model.consents import Consent
from storage.model.preferences import Preference
from storage.sql.connection import Connection, or_replace, read_record, record_values
from storage.sql.schema.consents import consents

A = TypeVar("A", Consent, Preference)

_KEY = ("brand_id", "channel", "category", "person_id")
_KEPT = {"id", "created_at", *_KEY}
"""What a row keeps when a later answer takes its place."""
_NO_YES_OVER_A_NO = " OR ".join(
    ("NOT excluded.opted_in", "consents.opted_in", "consents.source = excluded.source")
)


class SqlAnswers(Generic[A]):
    """What both have in common; of preferences all, see
    `storage.contract.preferences.Preferences`."""

    def __init__(self, connection: Connection, table: Table, record: type[A]) -> None:
        self._connection = connection
        self._table = table
        self._record: type[A] = record

    async def put_many(self, records: Sequence[A]) -> None:
        await self._put(records)

    async def _put(self, records: Sequence[A], condition: str = "") -> None:
        if not records:
            return
        instant = lru_cache(maxsize=8)(self._connection.dialect.encode_instant)
        columns = [column.name for column in self._table.c]
        # In one order, so that two batches with the same people wait for each other rather than
        # deadlock.
        in_order = sorted(
            records, key=lambda each: (each.brand_id, each.channel, each.category, each.person_id)
        )
        rows = [
            tuple(
                instant(value) if isinstance(value, datetime) else value
                for value in map(record_values(each).__getitem__, columns)
            )
            for each in in_order
        ]
        on_conflict = or_replace(_KEY, columns, _KEPT, condition)
        await self._connection.insert_rows(self._table, columns, rows, on_conflict)

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


class SqlConsents(SqlAnswers[Consent]):
    """See `storage.contract.consents.Consents`."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection, consents, Consent)

    async def put_said_elsewhere(self, records: Sequence[Consent]) -> None:
        await self._put(records, _NO_YES_OVER_A_NO)

"""Statements about suppressions."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache

from sqlalchemy import Executable, case, select, text, update

from storage.model.suppressions import STRENGTH, Suppression, SuppressionReason
from storage.sql.connection import Connection, read_record, record_values
from storage.sql.delivery.suppressed import HOLDS
from storage.sql.dialects.dialect import SqlDialect
from storage.sql.schema.suppressions import suppressions


class SqlSuppressions:
    """See `storage.contract.suppressions.Suppressions`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def put_many(self, records: Sequence[Suppression]) -> None:
        # In one order, so that two batches with the same addresses wait for each other rather than
        # deadlock.
        in_order = sorted(records, key=lambda each: (each.brand_id, each.channel, each.address))
        if in_order:
            await self._connection.execute(
                _put(self._connection.dialect), [record_values(each) for each in in_order]
            )

    async def find(self, suppression_id: str) -> Suppression | None:
        row = (
            await self._connection.execute(
                select(suppressions).where(suppressions.c.id == suppression_id)
            )
        ).first
        return read_record(Suppression, row) if row else None

    async def find_address(self, brand_id: str, channel: str, address: str) -> Suppression | None:
        statement = select(suppressions).where(
            suppressions.c.brand_id == brand_id, suppressions.c.channel == channel, HOLDS
        )
        row = (
            await self._connection.execute(statement.where(suppressions.c.address == address))
        ).first
        return read_record(Suppression, row) if row else None

    async def list_page(
        self,
        brand_id: str,
        channel: str | None,
        reason: SuppressionReason | None,
        after: str | None,
        limit: int,
        *,
        include_lifted: bool = False,
    ) -> list[Suppression]:
        statement = select(suppressions).where(suppressions.c.brand_id == brand_id)
        if channel is not None:
            statement = statement.where(suppressions.c.channel == channel)
        if reason is not None:
            statement = statement.where(suppressions.c.reason == reason)
        if not include_lifted:
            statement = statement.where(HOLDS)
        if after is not None:
            statement = statement.where(suppressions.c.id < after)
        rows = await self._connection.execute(
            statement.order_by(suppressions.c.id.desc()).limit(limit)
        )
        return [read_record(Suppression, row) for row in rows.all]

    async def lift(self, suppression_id: str, now: datetime) -> Suppression | None:
        statement = (
            update(suppressions)
            .where(suppressions.c.id == suppression_id, HOLDS)
            .values(lifted_at=now)
            .returning(*suppressions.c)
        )
        row = (await self._connection.execute(statement)).first
        return read_record(Suppression, row) if row else None


@lru_cache
def _put(dialect: SqlDialect) -> Executable:
    insert = dialect.insert(suppressions)
    strength = {reason.value: number for reason, number in STRENGTH.items()}
    statement: Executable = insert.on_conflict_do_update(
        index_elements=["brand_id", "channel", "address"],
        index_where=text("lifted_at IS NULL"),
        set_={"reason": insert.excluded.reason, "source": insert.excluded.source},
        where=case(strength, value=insert.excluded.reason)
        > case(strength, value=suppressions.c.reason),
    )
    return statement

"""Policies of brands."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from sqlalchemy import Executable, select

from storage.operations import BrandPolicy
from storage.sql.connection import Connection, read_record, record_values
from storage.sql.dialects import Kind, RowSet, SqlDialect
from storage.sql.tables import brand_policies


class SqlBrands:
    """See `storage.operations.Brands`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def find_policy(self, brand_id: str) -> BrandPolicy | None:
        row = (await self._connection.execute(select(brand_policies).where(brand_policies.c.brand_id == brand_id))).first
        return read_record(BrandPolicy, row) if row else None

    async def find_policies(self, brand_ids: Iterable[str]) -> dict[str, BrandPolicy]:
        wanted, statement = _find_policies(self._connection.dialect)
        given = self._connection.dialect.row_set_parameters(wanted, [(brand_id,) for brand_id in brand_ids])
        return {policy.brand_id: policy for policy in await self._connection.fetch_records(BrandPolicy, statement, given)}

    async def put_policy(self, policy: BrandPolicy) -> None:
        values = record_values(policy)
        changes = {name: value for name, value in values.items() if name != "brand_id"}
        statement = self._connection.dialect.insert(brand_policies).values(values)
        await self._connection.execute(statement.on_conflict_do_update(index_elements=["brand_id"], set_=changes))


@lru_cache
def _find_policies(dialect: SqlDialect) -> tuple[RowSet, Executable]:
    wanted = dialect.row_set("wanted", id=Kind.TEXT)
    return wanted, select(brand_policies).where(brand_policies.c.brand_id.in_(select(wanted.c.id)))

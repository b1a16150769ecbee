"""Statements about brands and their policies."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from functools import lru_cache

from sqlalchemy import Executable, select, update

from storage.model.brands import Brand, BrandPolicy
from storage.sql.connection import Connection, read_record, record_values
from storage.sql.dialects.dialect import ColumnKind, RowSet, SqlDialect
from storage.sql.schema.brands import brand_policies, brands


class SqlBrands:
    """See `storage.contract.brands.Brands`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def insert(self, brand: Brand) -> bool:
        statement = (
            self._connection.dialect.insert(brands)
            .values(record_values(brand))
            .on_conflict_do_nothing()
        )
        return (await self._connection.execute(statement)).count > 0

    async def find(self, brand_id: str) -> Brand | None:
        row = (await self._connection.execute(select(brands).where(brands.c.id == brand_id))).first
        return read_record(Brand, row) if row else None

    async def rename(self, brand_id: str, name: str, now: datetime) -> Brand | None:
        statement = (
            update(brands)
            .where(brands.c.id == brand_id)
            .values(name=name, updated_at=now)
            .returning(*brands.c)
        )
        row = (await self._connection.execute(statement)).first
        return read_record(Brand, row) if row else None

    async def list_page(self, prefix: str, after: str | None, limit: int) -> list[Brand]:
        begins_so = brands.c.id.startswith(prefix, autoescape=True)
        statement = select(brands).where(begins_so).order_by(brands.c.id).limit(limit)
        if after is not None:
            statement = statement.where(brands.c.id > after)
        return [read_record(Brand, row) for row in (await self._connection.execute(statement)).all]

    async def find_existing(self, brand_ids: Iterable[str]) -> set[str]:
        wanted, statement = _find_existing(self._connection.dialect)
        given = self._connection.dialect.row_set_parameters(
            wanted, [(brand_id,) for brand_id in brand_ids]
        )
        return {row.id for row in (await self._connection.execute(statement, given)).all}

    async def find_policy(self, brand_id: str) -> BrandPolicy | None:
        row = (
            await self._connection.execute(
                select(brand_policies).where(brand_policies.c.brand_id == brand_id)
            )
        ).first
        return read_record(BrandPolicy, row) if row else None

    async def find_policies(self, brand_ids: Iterable[str]) -> dict[str, BrandPolicy]:
        wanted, statement = _find_policies(self._connection.dialect)
        given = self._connection.dialect.row_set_parameters(
            wanted, [(brand_id,) for brand_id in brand_ids]
        )
        return {
            policy.brand_id: policy
            for policy in await self._connection.fetch_records(BrandPolicy, statement, given)
        }

    async def put_policy(self, policy: BrandPolicy) -> None:
        values = record_values(policy)
        changes = {name: value for name, value in values.items() if name != "brand_id"}
        statement = self._connection.dialect.insert(brand_policies).values(values)
        await self._connection.execute(
            statement.on_conflict_do_update(index_elements=["brand_id"], set_=changes)
        )


@lru_cache
def _find_existing(dialect: SqlDialect) -> tuple[RowSet, Executable]:
    wanted = dialect.row_set("wanted", id=ColumnKind.TEXT)
    return wanted, select(brands.c.id).where(brands.c.id.in_(select(wanted.c.id)))


@lru_cache
def _find_policies(dialect: SqlDialect) -> tuple[RowSet, Executable]:
    wanted = dialect.row_set("wanted", id=ColumnKind.TEXT)
    return wanted, select(brand_policies).where(brand_policies.c.brand_id.in_(select(wanted.c.id)))

"""Statements about push subscriptions."""

from __future__ import annotations

from functools import lru_cache

from sqlalchemy import Executable, case, delete, select

from storage.model.push_subscriptions import PushSubscription
from storage.sql.connection import Connection, read_record, record_values
from storage.sql.dialects.dialect import SqlDialect
from storage.sql.schema.push_subscriptions import push_subscriptions

_REPLACED = ("person_id", "p256dh", "auth", "user_agent", "expires_at")
_KEPT_BY_THE_SAME_PERSON = ("id", "created_at")


class SqlPushSubscriptions:
    """See `storage.contract.push_subscriptions.PushSubscriptions`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def put(self, subscription: PushSubscription) -> PushSubscription:
        statement = _put(self._connection.dialect)
        await self._connection.change(statement, record_values(subscription))
        kept = select(push_subscriptions).where(
            push_subscriptions.c.brand_id == subscription.brand_id,
            push_subscriptions.c.endpoint == subscription.endpoint,
        )
        (row,) = (await self._connection.execute(kept)).all
        return read_record(PushSubscription, row)

    async def find(self, subscription_id: str) -> PushSubscription | None:
        statement = select(push_subscriptions).where(push_subscriptions.c.id == subscription_id)
        row = (await self._connection.execute(statement)).first
        return read_record(PushSubscription, row) if row else None

    async def list_of_person(
        self, brand_id: str, person_id: str, limit: int
    ) -> list[PushSubscription]:
        statement = (
            select(push_subscriptions)
            .where(
                push_subscriptions.c.brand_id == brand_id,
                push_subscriptions.c.person_id == person_id,
            )
            .order_by(push_subscriptions.c.id.desc())
            .limit(limit)
        )
        rows = await self._connection.execute(statement)
        return [read_record(PushSubscription, row) for row in rows.all]

    async def delete(self, subscription_id: str) -> bool:
        statement = delete(push_subscriptions).where(push_subscriptions.c.id == subscription_id)
        return (await self._connection.execute(statement)).count > 0

    async def delete_of_person(self, brand_id: str, person_id: str) -> int:
        statement = delete(push_subscriptions).where(
            push_subscriptions.c.brand_id == brand_id,
            push_subscriptions.c.person_id == person_id,
        )
        return (await self._connection.execute(statement)).count


@lru_cache
def _put(dialect: SqlDialect) -> Executable:
    insert = dialect.insert(push_subscriptions)
    same_person = push_subscriptions.c.person_id == insert.excluded.person_id
    kept = {
        name: case((same_person, push_subscriptions.c[name]), else_=insert.excluded[name])
        for name in _KEPT_BY_THE_SAME_PERSON
    }
    statement: Executable = insert.on_conflict_do_update(
        index_elements=["brand_id", "endpoint"],
        set_=kept | {name: insert.excluded[name] for name in _REPLACED},
    )
    return statement

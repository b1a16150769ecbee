"""Statements about dispatchers: their generations, and the hold."""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache

from sqlalchemy import BigInteger, Executable, Text, bindparam, delete, exists, select, update

from storage.model.dispatchers import Hold
from storage.sql.connection import Connection
from storage.sql.dialects.dialect import SqlDialect
from storage.sql.schema.dispatchers import dispatchers, holds

_ONLY = 1
_is_held = exists().where(holds.c.id == _ONLY, holds.c.held_at.is_not(None))
_next = bindparam("next_generation", type_=BigInteger())
_ADVANCE = (
    update(dispatchers)
    .where(dispatchers.c.id == bindparam("of_dispatcher"), ~_is_held)
    .where(dispatchers.c.generation >= bindparam("known"), dispatchers.c.generation < _next)
    .values(generation=_next)
)


class SqlDispatchers:
    """See `storage.contract.dispatchers.Dispatchers`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def find_hold(self) -> Hold:
        columns = (holds.c.held_at, holds.c.reason, holds.c.released_at, holds.c.released_by)
        row = (await self._connection.execute(select(*columns).where(holds.c.id == _ONLY))).first
        return Hold(**row._mapping) if row else Hold()

    async def hold(self, reason: str, now: datetime) -> None:
        values = {"held_at": now, "reason": reason, "released_at": None, "released_by": None}
        statement = self._connection.dialect.insert(holds).values(id=_ONLY, **values)
        await self._connection.execute(
            statement.on_conflict_do_update(
                index_elements=["id"], set_=values, where=holds.c.held_at.is_(None)
            )
        )

    async def release(self, released_by: str, now: datetime) -> None:
        values = {"held_at": None, "reason": None, "released_at": now, "released_by": released_by}
        statement = self._connection.dialect.insert(holds).values(id=_ONLY, **values)
        await self._connection.execute(
            statement.on_conflict_do_update(index_elements=["id"], set_=values)
        )
        await self._connection.execute(delete(dispatchers))

    async def find_generation(self, dispatcher_id: str) -> int | None:
        statement = select(dispatchers.c.generation).where(dispatchers.c.id == dispatcher_id)
        row = (await self._connection.execute(statement)).first
        return row.generation if row else None

    async def exist(self) -> bool:
        return (await self._connection.execute(select(dispatchers.c.id).limit(1))).first is not None

    async def advance(self, dispatcher_id: str, known: int, next_generation: int) -> bool:
        statement = _ADVANCE if known else _begin_or_advance(self._connection.dialect)
        given = {"of_dispatcher": dispatcher_id, "known": known, "next_generation": next_generation}
        return (await self._connection.execute(statement, given)).count > 0

    async def adopt(self, dispatcher_id: str, generation: int) -> None:
        statement = self._connection.dialect.insert(dispatchers).values(
            id=dispatcher_id, generation=generation
        )
        await self._connection.execute(
            statement.on_conflict_do_update(index_elements=["id"], set_={"generation": generation})
        )


@lru_cache
def _begin_or_advance(dialect: SqlDialect) -> Executable:
    new = select(bindparam("of_dispatcher", type_=Text()), _next).where(~_is_held)
    statement = dialect.insert(dispatchers).from_select(["id", "generation"], new)
    advance: Executable = statement.on_conflict_do_update(
        index_elements=["id"],
        set_={"generation": statement.excluded.generation},
        where=(dispatchers.c.generation >= bindparam("known"))
        & (dispatchers.c.generation < statement.excluded.generation),
    )
    return advance

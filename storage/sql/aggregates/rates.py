"""Statements about rate limits, by GCRA, the generic cell rate algorithm (ITU-T I.371).

A limit keeps one instant, `full_at`: when all of its burst will be free again. Each call moves it
on by the time that one call takes at the limited rate, and may begin while it is no further ahead
than the time the whole burst takes. Whoever takes holds the limit's row until the transaction ends,
so that no two replicas see the same instant.
"""

from __future__ import annotations

from datetime import datetime
from math import ceil, floor

from sqlalchemy import Executable, bindparam, select, update

from storage.model.rates import RateLimit
from storage.sql.connection import Connection
from storage.sql.dialects.types import Instant, from_microseconds, to_microseconds
from storage.sql.schema.rates import rate_states

_SECOND = 1_000_000
# How much of a call may be missing for it to be granted: what doubles lose, far less than a
# microsecond brings at any rate.
_ROUNDING = 1e-9

_FIND = select(rate_states.c.full_at).where(rate_states.c.key == bindparam("of_limit"))
_LOCK = _FIND.with_for_update()
_MOVE = (
    update(rate_states)
    .where(rate_states.c.key == bindparam("of_limit"))
    .values(full_at=bindparam("until", type_=Instant()))
)


class SqlRates:
    """See `storage.contract.rates.Rates`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def take(self, limit: RateLimit, wanted: int, now: datetime) -> int:
        full_at = await self._read(_LOCK, limit)
        if full_at is None:
            # Of two at once, the second waits for the first here, and finds its row.
            new = self._connection.dialect.insert(rate_states).values(key=limit.key, full_at=now)
            await self._connection.execute(new.on_conflict_do_nothing(index_elements=["key"]))
            full_at = await self._read(_LOCK, limit)
            assert full_at is not None, "nothing deletes limits"
        begin = max(full_at, to_microseconds(now))
        taken = max(0, begin - to_microseconds(now) - _slack(limit)) * limit.per_second / _SECOND
        granted = min(wanted, floor(limit.burst - taken + _ROUNDING))
        if granted <= 0:
            return 0
        # Rounded up, so that in the long run the rate is never exceeded by the sum of what was
        # rounded.
        until = begin + ceil(granted * _SECOND / limit.per_second)
        await self._connection.execute(
            _MOVE, {"of_limit": limit.key, "until": from_microseconds(until)}
        )
        return granted

    async def give_back(self, limit: RateLimit, count: int, now: datetime) -> None:
        full_at = await self._read(_LOCK, limit)
        assert full_at is not None, "granted before"
        until = max(full_at - floor(count * _SECOND / limit.per_second), to_microseconds(now))
        await self._connection.execute(
            _MOVE, {"of_limit": limit.key, "until": from_microseconds(until)}
        )

    async def next_free(self, limit: RateLimit, now: datetime) -> datetime:
        full_at = await self._read(_FIND, limit)
        if full_at is None:
            return now
        return max(
            now,
            from_microseconds(
                full_at - floor((limit.burst - 1) * _SECOND / limit.per_second) - _slack(limit)
            ),
        )

    async def _read(self, statement: Executable, limit: RateLimit) -> int | None:
        row = (await self._connection.execute(statement, {"of_limit": limit.key})).first
        return to_microseconds(row.full_at) if row else None


def _slack(limit: RateLimit) -> int:
    """Microseconds: what rounding adds to a burst that is taken call by call, which must not cost
    its last call."""
    return limit.burst

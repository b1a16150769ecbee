"""Storage in PostgreSQL, shared by any number of processes."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Coroutine, Sequence, Set
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from storage.contract.errors import StorageUnavailable, TookTooLong, WriteConflict
from storage.contract.signals import Signals
from storage.contract.storage import Transaction
from storage.contract.work import PREVIEWS_AT_ONCE, STATEMENT_SECONDS, TimeLimits, Work
from storage.model.messages import Accepted, Message
from storage.sql.dialects.driver_errors import ConnectionLost, translated
from storage.sql.dialects.types import Instant
from storage.sql.postgres.engine import PostgresConnection, make_engine, read_revision
from storage.sql.postgres.notices import Notices
from storage.sql.shares import Shares
from storage.sql.transaction import SqlTransaction

T = TypeVar("T")

_POOLS = {Work.CALLS: 10, Work.DELIVERY: 10, Work.PREVIEWS: PREVIEWS_AT_ONCE}
"""Connections, which are made when they are needed."""
_OF_ONE_PARTY = 6
"""Connections that one party may hold at once."""
_TRIES = 6
_FIRST_PAUSE_SECONDS = 0.02
# One snapshot for all statements of a read; the newest state for each statement of a write, which
# locks what it decides on.
_BEGIN_READ = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
_BEGIN_WRITE = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE"
_CLOCK = select(func.clock_timestamp(type_=Instant()))


class PostgresStorage:
    """See `storage.contract.storage.Storage`."""

    exclusive = False

    def __init__(
        self, url: str, signals: Signals, limits: TimeLimits, *, share_signals: bool = False
    ) -> None:
        self.signals = signals
        self._limits = limits
        self._engines = {
            work: make_engine(url, connections, _statement_seconds(work, limits))
            for work, connections in _POOLS.items()
        }
        self._engine = self._engines[Work.CALLS]
        self._shares = Shares(_OF_ONE_PARTY)
        self._notices = Notices(url, signals) if share_signals else None
        self._running: set[asyncio.Task[Any]] = set()
        self._closed = False

    async def read(
        self,
        function: Callable[[Transaction], Awaitable[T]],
        work: Work = Work.CALLS,
        whose: str = "",
    ) -> T:
        once = partial(self._once, function, _BEGIN_READ, self._engines[work])
        read = partial(_in_time, partial(_again, once), self._limits.of(work))
        return await self._tracked(self._shares.hold(whose, read))

    async def write(
        self,
        function: Callable[[Transaction], Awaitable[T]],
        work: Work = Work.CALLS,
        whose: str = "",
    ) -> T:
        once = partial(self._once, function, _BEGIN_WRITE, self._engines[work])
        return await self._finish(self._shares.hold(whose, partial(_again, once)))

    async def now(self) -> datetime:
        return await self._finish(_again(self._read_clock))

    async def insert_one_offs(
        self, messages: Sequence[Message], accepted: Sequence[Accepted] = ()
    ) -> set[str]:
        # Tried again also after a connection broke when it may have taken effect: those that are
        # there are not added again.
        return await self._finish(
            _again(
                partial(self._single, lambda tx: tx.messages.insert_one_offs(messages, accepted))
            )
        )

    async def ping(self) -> None:
        # A standby answers too, but is no good.
        await self._finish(self._once(_nothing, _BEGIN_WRITE, self._engine))

    async def revision(self) -> str | None:
        """That of the schema; None if there is none. Raises StorageUnavailable."""
        with translated():
            async with self._engine.connect() as connection:
                return await read_revision(connection)

    async def close(self) -> None:
        self._closed = True
        while self._running:
            await asyncio.wait(self._running)
        if self._notices is not None:
            await self._notices.close()
        for engine in self._engines.values():
            await engine.dispose()

    async def _finish(self, work: Coroutine[Any, Any, T]) -> T:
        """Waits for what runs to its end whatever its caller does."""
        return await asyncio.shield(self._tracked(work))

    def _tracked(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        if self._closed:
            work.close()
            raise StorageUnavailable("storage is closed")
        running = asyncio.create_task(work)
        self._running.add(running)
        running.add_done_callback(self._end)
        return running

    def _end(self, ended: asyncio.Task[Any]) -> None:
        self._running.discard(ended)
        if not ended.cancelled():
            # A caller that has gone away does not ask how it ended, and asyncio would log that
            # nobody did.
            ended.exception()

    async def _once(
        self, function: Callable[[Transaction], Awaitable[T]], begin: str, engine: AsyncEngine
    ) -> T:
        with translated():
            connection = await engine.connect()
        try:
            transaction = PostgresConnection(connection, await _driver(connection))
            try:
                with translated():
                    await connection.exec_driver_sql(begin)
                result = await function(SqlTransaction(transaction))
                if transaction.failure is not None:
                    raise transaction.failure from None
            except BaseException:
                await _roll_back(connection)
                raise
            await _commit(connection)
        finally:
            await connection.close()
        self._fire(transaction.topics)
        return result

    def _fire(self, topics: Set[str]) -> None:
        self.signals.fire(topics)
        if self._notices is not None:
            self._notices.tell(topics)

    async def _read_clock(self) -> datetime:
        with translated():
            async with self._engine.connect() as connection:
                now: datetime = (await connection.execute(_CLOCK)).scalar_one()
                return now

    async def _single(self, function: Callable[[Transaction], Awaitable[T]]) -> T:
        """Runs a function that writes by its first statement only, which the server commits by
        itself."""
        with translated():
            connection = await self._engine.connect()
        try:
            transaction = PostgresConnection(connection, await _driver(connection))
            result = await function(SqlTransaction(transaction))
        finally:
            await connection.close()
        self._fire(transaction.topics)
        return result


def _statement_seconds(work: Work, limits: TimeLimits) -> float:
    """What the server itself stops a statement after: a pool of reads alone has their limit."""
    return limits.of(work) if work is Work.PREVIEWS else STATEMENT_SECONDS


async def _in_time(read: Callable[[], Awaitable[T]], seconds: float) -> T:
    """What a read returns. Raises TookTooLong, having asked the server to stop it."""
    limit = asyncio.timeout(seconds)
    try:
        async with limit:
            return await read()
    except TimeoutError:
        if limit.expired():
            raise TookTooLong("the statements of a read took too long") from None
        raise


async def _again(once: Callable[[], Awaitable[T]]) -> T:
    """Tries again after a conflict or a connection that broke before the commit: all pooled ones do
    when the server restarts."""
    pause = _FIRST_PAUSE_SECONDS
    for _ in range(_TRIES - 1):
        try:
            return await once()
        except (WriteConflict, ConnectionLost):
            # No secret: it only spreads the tries.
            await asyncio.sleep(pause * random.uniform(0.5, 1))  # noqa: S311
            pause *= 2
    return await once()


async def _driver(connection: AsyncConnection) -> Any:
    return (await connection.get_raw_connection()).driver_connection


async def _commit(connection: AsyncConnection) -> None:
    try:
        with translated():
            await connection.exec_driver_sql("COMMIT")
    except BaseException as error:
        await connection.invalidate()
        if isinstance(error, ConnectionLost):
            raise StorageUnavailable(
                "the connection broke during the commit: whether the write took effect is not known"
            ) from None
        raise


async def _roll_back(connection: AsyncConnection) -> None:
    """A connection that cannot even roll back is thrown away; its end rolls back on the server."""
    try:
        await connection.exec_driver_sql("ROLLBACK")
    except Exception:  # noqa: BLE001  # the caller learns of the error that led here
        await connection.invalidate()


async def _nothing(_transaction: Transaction) -> None:
    return None

"""Storage in one SQLite file, owned by one process."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy

from storage.contract.errors import StorageUnavailable
from storage.contract.signals import Signals
from storage.contract.storage import Transaction
from storage.contract.work import PREVIEWS_AT_ONCE, STATEMENT_SECONDS, TimeLimits, Work
from storage.model.messages import Accepted, Message
from storage.sql.shares import Shares
from storage.sql.sqlite.engine import OwnerLock, connect, make_engine, prepare_file
from storage.sql.sqlite.group_commit import GroupCommit
from storage.sql.sqlite.snapshot_readers import SnapshotReaders

T = TypeVar("T")

_READERS = {Work.CALLS: 4, Work.DELIVERY: 2, Work.PREVIEWS: PREVIEWS_AT_ONCE}
"""Threads, each with a connection."""
_OF_ONE_PARTY = 3
"""Threads that reads of one party may hold at once."""
# Small, so that one long read holds up few others; previews are long.
_LARGEST_GROUP = {Work.CALLS: 8, Work.DELIVERY: 8, Work.PREVIEWS: 1}


class SqliteStorage:
    """See `storage.contract.storage.Storage`. Writes share commits on one thread; reads have
    snapshots on connections of their own."""

    def __init__(
        self, database: Path, signals: Signals, limits: TimeLimits, *, owned: bool = True
    ) -> None:
        """Opens the file, and takes it into possession unless not `owned`. Raises DatabaseInUse or
        StorageUnavailable."""
        self.signals = signals
        self.exclusive = owned
        prepare_file(database)
        self._lock = OwnerLock(database) if owned else None
        self._connections: list[sqlalchemy.Connection] = []
        try:
            self._connections.append(connect(make_engine(database, read_only=False)))
            read_engine = make_engine(database, read_only=True)
            reading = {
                work: [self._opened(connect(read_engine)) for _ in range(threads)]
                for work, threads in _READERS.items()
            }
        except BaseException:
            self._release()
            raise
        loop = asyncio.get_running_loop()
        self._writer = GroupCommit(self._connections[0], loop, signals, STATEMENT_SECONDS)
        self._readers = {
            work: SnapshotReaders(connections, loop, signals, limits.of(work), _LARGEST_GROUP[work])
            for work, connections in reading.items()
        }
        self._shares = Shares(_OF_ONE_PARTY)
        self._running: set[asyncio.Future[Any]] = set()
        self._closed = False

    async def read(
        self,
        function: Callable[[Transaction], Awaitable[T]],
        work: Work = Work.CALLS,
        whose: str = "",
    ) -> T:
        self._require_open()
        return await self._shares.hold(
            whose, lambda: self._tracked(self._readers[work].submit(function, whose))
        )

    async def write(
        self,
        function: Callable[[Transaction], Awaitable[T]],
        work: Work = Work.CALLS,
        whose: str = "",
    ) -> T:
        self._require_open()
        return await self._finish(self._writer.submit(function, whose or f"\n{work}"))

    async def now(self) -> datetime:
        # The only process on the database: its clock is the database's.
        self._require_open()
        return datetime.now(UTC)

    async def insert_one_offs(
        self, messages: Sequence[Message], accepted: Sequence[Accepted] = ()
    ) -> set[str]:
        self._require_open()
        return await self._finish(
            self._writer.submit(
                lambda tx: tx.messages.insert_one_offs(messages, accepted), single=True
            )
        )

    async def ping(self) -> None:
        await self.read(_nothing)

    async def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        while self._running:
            await asyncio.wait(self._running)
        await asyncio.to_thread(self._stop)

    def _require_open(self) -> None:
        if self._closed:
            raise StorageUnavailable("storage is closed")

    async def _finish(self, running: asyncio.Future[T]) -> T:
        """Waits for a write, which runs to its end whatever its caller does."""
        return await asyncio.shield(self._tracked(running))

    def _tracked(self, running: asyncio.Future[T]) -> asyncio.Future[T]:
        self._running.add(running)
        running.add_done_callback(self._end)
        return running

    def _end(self, ended: asyncio.Future[Any]) -> None:
        self._running.discard(ended)
        if not ended.cancelled():
            # A caller that has gone away does not ask how it ended, and asyncio would log that
            # nobody did.
            ended.exception()

    def _stop(self) -> None:
        self._writer.stop()
        for readers in self._readers.values():
            readers.stop()
        self._release()

    def _opened(self, connection: sqlalchemy.Connection) -> sqlalchemy.Connection:
        self._connections.append(connection)
        return connection

    def _release(self) -> None:
        for connection in self._connections:
            connection.close()
        if self._lock is not None:
            self._lock.release()


async def _nothing(_transaction: Transaction) -> None:
    return None

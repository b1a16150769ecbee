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
from storage.model.messages import Accepted, Message
from storage.sql.sqlite.engine import OwnerLock, connect, make_engine, prepare_file
from storage.sql.sqlite.group_commit import GroupCommit
from storage.sql.sqlite.snapshot_readers import SnapshotReaders

T = TypeVar("T")

_READERS = 4


class SqliteStorage:
    """See `storage.contract.storage.Storage`. Writes share commits on one thread; reads have
    snapshots on connections of their own."""

    def __init__(self, database: Path, signals: Signals, *, owned: bool = True) -> None:
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
            self._connections.extend(connect(read_engine) for _ in range(_READERS))
        except BaseException:
            self._release()
            raise
        loop = asyncio.get_running_loop()
        self._writer = GroupCommit(self._connections[0], loop, signals)
        self._readers = SnapshotReaders(self._connections[1:], loop, signals)
        self._running: set[asyncio.Future[Any]] = set()
        self._closed = False

    async def read(self, function: Callable[[Transaction], Awaitable[T]]) -> T:
        self._require_open()
        return await self._finish(self._readers.submit(function))

    async def write(self, function: Callable[[Transaction], Awaitable[T]]) -> T:
        self._require_open()
        return await self._finish(self._writer.submit(function))

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
        self._running.add(running)
        running.add_done_callback(self._end)
        return await asyncio.shield(running)

    def _end(self, ended: asyncio.Future[Any]) -> None:
        self._running.discard(ended)
        if not ended.cancelled():
            # A caller that has gone away does not ask how it ended, and asyncio would log that
            # nobody did.
            ended.exception()

    def _stop(self) -> None:
        self._writer.stop()
        self._readers.stop()
        self._release()

    def _release(self) -> None:
        for connection in self._connections:
            connection.close()
        if self._lock is not None:
            self._lock.release()


async def _nothing(_transaction: Transaction) -> None:
    return None

"""Storage in one SQLite file, owned by one process."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from queue import SimpleQueue
from typing import Any, TypeVar

import sqlalchemy

from storage.errors import StorageUnavailable
from storage.interface import Transaction
from storage.signals import Signals
from storage.sql.engine_sqlite import OwnerLock, SqliteConnection, connect, make_engine, prepare_file
from storage.sql.failures import translated
from storage.sql.group_commit import GroupCommit, run_to_end

T = TypeVar("T")

_READERS = 4


class SqliteStorage:
    """See `storage.interface.Storage`. Writes share commits on one thread; each read has a snapshot on a connection of its own."""

    exclusive = True

    def __init__(self, database: Path, signals: Signals) -> None:
        """Opens the file. Raises DatabaseInUse or StorageUnavailable."""
        self.signals = signals
        prepare_file(database)
        self._lock = OwnerLock(database)
        try:
            self._writer_connection = connect(make_engine(database, read_only=False))
            read_engine = make_engine(database, read_only=True)
            self._readers: SimpleQueue[sqlalchemy.Connection] = SimpleQueue()
            for _ in range(_READERS):
                self._readers.put(connect(read_engine))
        except BaseException:
            self._lock.release()
            raise
        self._threads = ThreadPoolExecutor(_READERS, thread_name_prefix="sqlite-reader")
        self._writer = GroupCommit(self._writer_connection, asyncio.get_running_loop(), signals)
        self._running: set[asyncio.Future[Any]] = set()
        self._closed = False

    async def read(self, function: Callable[[Transaction], Awaitable[T]]) -> T:
        self._require_open()
        return await self._finish(asyncio.get_running_loop().run_in_executor(self._threads, self._read, function))

    async def write(self, function: Callable[[Transaction], Awaitable[T]]) -> T:
        self._require_open()
        return await self._finish(self._writer.submit(function))

    async def ping(self) -> None:
        await self.read(_nothing)

    async def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        while self._running:
            await asyncio.wait(self._running)
        await asyncio.to_thread(self._let_go)

    def _require_open(self) -> None:
        if self._closed:
            raise StorageUnavailable("storage is closed")

    async def _finish(self, running: asyncio.Future[T]) -> T:
        self._running.add(running)
        running.add_done_callback(self._running.discard)
        return await asyncio.shield(running)

    def _read(self, function: Callable[[Transaction], Awaitable[T]]) -> T:
        connection = self._readers.get()
        try:
            with translated():
                connection.exec_driver_sql("BEGIN")
            try:
                return run_to_end(function, SqliteConnection(connection))
            finally:
                with suppress(sqlalchemy.exc.DBAPIError):
                    connection.exec_driver_sql("ROLLBACK")
        finally:
            self._readers.put(connection)

    def _let_go(self) -> None:
        self._writer.stop()
        self._threads.shutdown()
        while not self._readers.empty():
            self._readers.get().close()
        self._writer_connection.close()
        self._lock.release()


async def _nothing(_transaction: Transaction) -> None:
    return None

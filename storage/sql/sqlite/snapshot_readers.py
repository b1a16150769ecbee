"""Reads from SQLite on threads of their own: reads that wait at the same time share one
snapshot."""

from __future__ import annotations

import sqlite3
import threading
from asyncio import AbstractEventLoop, Future
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import TypeVar

import sqlalchemy

from storage.contract.signals import Signals
from storage.contract.storage import Transaction
from storage.sql.dialects.driver_errors import meaning_of
from storage.sql.sqlite.engine import SqliteConnection
from storage.sql.sqlite.statement_limit import StatementLimit
from storage.sql.sqlite.transaction_queue import QueuedTransaction, TransactionQueue

T = TypeVar("T")


class SnapshotReaders:
    """Runs transaction functions that only read, on one thread for each connection."""

    def __init__(
        self,
        connections: Sequence[sqlalchemy.Connection],
        loop: AbstractEventLoop,
        signals: Signals,
        seconds: float,
        largest_group: int,
    ) -> None:
        """`seconds` is how long a read may take, `largest_group` how many share a snapshot, and so
        wait for each other."""
        self._seconds = seconds
        self._largest_group = largest_group
        self._queue = TransactionQueue(loop, signals)
        self._threads = [
            threading.Thread(target=self._run, args=(each,), name="sqlite-reader", daemon=True)
            for each in connections
        ]
        for thread in self._threads:
            thread.start()

    def submit(self, function: Callable[[Transaction], Awaitable[T]], whose: str) -> Future[T]:
        """Queues a read of a party, which take turns. It sees everything that was committed before.
        If the future is cancelled, it is stopped."""
        return self._queue.submit(function, whose)

    def stop(self) -> None:
        """Ends the threads after what is queued; blocks until then."""
        self._queue.end()
        for thread in self._threads:
            thread.join()

    def _run(self, connection: sqlalchemy.Connection) -> None:
        # SQLAlchemy does not know which driver it is.
        driver: sqlite3.Connection = connection.connection.driver_connection  # type: ignore[assignment]
        limit = StatementLimit(driver, self._seconds)
        while (queued := self._queue.take()) is not None:
            # Taken before the snapshot begins, so that it is of a later moment than their asking.
            group = [queued]
            while (
                len(group) < self._largest_group
                and (queued := self._queue.take_waiting()) is not None
            ):
                group.append(queued)
            _read(connection, driver, limit, group)
            self._queue.give_back(group)


def _read(
    connection: sqlalchemy.Connection,
    driver: sqlite3.Connection,
    limit: StatementLimit,
    group: Sequence[QueuedTransaction],
) -> None:
    try:
        driver.execute("BEGIN")
        for queued in group:
            if not queued.done.cancelled():
                limit.begin(queued.done)
                queued.run(SqliteConnection(connection))
    except sqlite3.Error as error:
        for queued in group:
            queued.fail(meaning_of(error))
    finally:
        with suppress(sqlite3.Error):
            limit.begin()
            driver.execute("ROLLBACK")

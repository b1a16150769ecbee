"""Writes to SQLite on one thread: transactions that wait at the same time share one commit, and so
one fsync."""

from __future__ import annotations

import sqlite3
import threading
import time
from asyncio import AbstractEventLoop, Future
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TypeVar

import sqlalchemy

from storage.contract.errors import StorageFull, StorageUnavailable
from storage.contract.signals import Signals
from storage.contract.storage import Transaction
from storage.sql.dialects.driver_errors import meaning_of
from storage.sql.sqlite.engine import SqliteConnection
from storage.sql.sqlite.statement_limit import StatementLimit
from storage.sql.sqlite.transaction_queue import QueuedTransaction, TransactionQueue

T = TypeVar("T")

_LARGEST_GROUP = 64
_LONGEST_GROUP_SECONDS = 0.005


class GroupCommit:
    """Runs transaction functions on a thread of its own, many in one transaction of the database.

    One that fails takes back nothing of the others. It rarely wrote before it failed, so there is
    no savepoint at first; if it did write, the transaction begins anew without it, and those before
    it run again, now each in a savepoint.
    """

    def __init__(
        self,
        connection: sqlalchemy.Connection,
        loop: AbstractEventLoop,
        signals: Signals,
        statement_seconds: float,
    ) -> None:
        """`statement_seconds` is how long one statement may take: all writers wait for it."""
        self._connection = connection
        # SQLAlchemy does not know which driver it is.
        self._driver: sqlite3.Connection = connection.connection.driver_connection  # type: ignore[assignment]
        self._limit = StatementLimit(self._driver, statement_seconds)
        self._queue = TransactionQueue(loop, signals)
        self._thread = threading.Thread(target=self._run, name="sqlite-writer", daemon=True)
        self._thread.start()

    def submit(
        self,
        function: Callable[[Transaction], Awaitable[T]],
        whose: str = "",
        *,
        single: bool = False,
    ) -> Future[T]:
        """Queues a transaction of a party, which take turns; the future is done when it is durable
        or has failed. `single`: it writes by its first statement only."""
        return self._queue.submit(function, whose, single=single)

    def stop(self) -> None:
        """Ends the thread after what is queued; blocks until then."""
        self._queue.end()
        self._thread.join()

    def _run(self) -> None:
        while (first := self._queue.take()) is not None:
            group = [first]
            try:
                if first.single and self._queue.is_empty:
                    # Every statement less is several times less that this thread gives up Python's
                    # lock and waits to have it again.
                    first.run(self._transaction())
                else:
                    self._commit(group)
            # The callers must hear of it, whatever it was, and the thread must go on.
            except Exception as error:  # noqa: BLE001
                self._undo()
                for queued in group:
                    queued.fail(meaning_of(error))
            self._queue.give_back(group)

    def _commit(self, group: list[QueuedTransaction]) -> None:
        """Runs the group's first transaction and whatever waits by then, up to the limits, and
        commits."""
        deadline = time.monotonic() + _LONGEST_GROUP_SECONDS
        self._driver.execute("BEGIN IMMEDIATE")
        run = self._run_plainly
        while True:
            if not run(group[-1]):
                self._begin_anew(group)
                run = self._run_in_savepoint
            if (
                len(group) == _LARGEST_GROUP
                or time.monotonic() > deadline
                or (queued := self._queue.take_waiting()) is None
            ):
                break
            group.append(queued)
        try:
            self._driver.execute("COMMIT")
        except sqlite3.Error as error:
            meaning = meaning_of(error)
            if isinstance(meaning, StorageFull):
                raise meaning from None
            raise StorageUnavailable(f"the commit failed: {meaning}") from None

    def _run_plainly(self, queued: QueuedTransaction) -> bool:
        """False if it failed after it had written."""
        written = self._driver.total_changes
        self._run_queued(queued)
        return queued.error is None or self._driver.total_changes == written

    def _begin_anew(self, group: list[QueuedTransaction]) -> None:
        """Takes back all of the transaction, and runs those again that did not fail."""
        self._driver.execute("ROLLBACK")
        self._driver.execute("BEGIN IMMEDIATE")
        for queued in group:
            if queued.error is None:
                self._run_in_savepoint(queued)

    def _run_in_savepoint(self, queued: QueuedTransaction) -> bool:
        self._driver.execute("SAVEPOINT queued")
        self._run_queued(queued)
        if queued.error is not None:
            self._driver.execute("ROLLBACK TO queued")
        self._driver.execute("RELEASE queued")
        return True

    def _run_queued(self, queued: QueuedTransaction) -> None:
        queued.run(self._transaction())
        if queued.error is not None and not self._driver.in_transaction:
            # SQLite takes back the whole transaction after some errors, such as a failing disk.
            if isinstance(queued.error, StorageFull):
                raise StorageFull("the disk is full")
            raise StorageUnavailable("the database took back the transaction")

    def _transaction(self) -> SqliteConnection:
        return SqliteConnection(self._connection, self._limit.begin)

    def _undo(self) -> None:
        # What cannot be rolled back now is when the next BEGIN fails, and its callers hear of that.
        with suppress(sqlite3.Error):
            if self._driver.in_transaction:
                self._driver.execute("ROLLBACK")

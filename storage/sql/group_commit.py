"""One thread that writes to SQLite: transactions that wait at the same time share one commit, and so one fsync."""

from __future__ import annotations

import sqlite3
import threading
import time
from asyncio import AbstractEventLoop, Future
from collections.abc import Awaitable, Callable, Generator
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

import sqlalchemy

from storage.errors import StorageUnavailable
from storage.interface import Transaction
from storage.signals import Signals
from storage.sql.engine_sqlite import SqliteConnection
from storage.sql.failures import meaning_of, translated
from storage.sql.transaction import SqlTransaction

T = TypeVar("T")

_LARGEST_GROUP = 64
_LONGEST_GROUP_SECONDS = 0.005


@dataclass(slots=True)
class _Job:
    function: Callable[[Transaction], Awaitable[Any]]
    done: Future[Any]
    result: Any = None
    error: BaseException | None = None
    topics: set[str] = field(default_factory=set)


class GroupCommit:
    """Runs transaction functions on a thread of its own, each in its savepoint, so that one that fails takes back nothing of the others."""

    def __init__(self, connection: sqlalchemy.Connection, loop: AbstractEventLoop, signals: Signals) -> None:
        self._connection = connection
        self._driver: sqlite3.Connection = connection.connection.driver_connection  # type: ignore[assignment]  # the driver is known
        self._loop = loop
        self._signals = signals
        self._queue: SimpleQueue[_Job | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="sqlite-writer", daemon=True)
        self._thread.start()

    def submit(self, function: Callable[[Transaction], Awaitable[T]]) -> Future[T]:
        """Queues a transaction; the future is done when it is durable or has failed."""
        done: Future[T] = self._loop.create_future()
        self._queue.put(_Job(function, done))
        return done

    def stop(self) -> None:
        """Ends the thread after what is queued; blocks until then."""
        self._queue.put(None)
        self._thread.join()

    def _run(self) -> None:
        while (job := self._queue.get()) is not None:
            group = [job]
            try:
                more = self._commit(group)
            except Exception as error:  # noqa: BLE001  # whatever it was, the callers must hear of it and the thread must go on
                self._undo()
                _fail(group, meaning_of(error))
                more = True
            self._loop.call_soon_threadsafe(self._finish, group)
            if not more:
                return

    def _commit(self, group: list[_Job]) -> bool:
        """Runs the group's first job and whatever has been queued by then, up to the limits. Whether the queue goes on after them."""
        deadline = time.monotonic() + _LONGEST_GROUP_SECONDS
        self._driver.execute("BEGIN IMMEDIATE")
        more, job = True, group[0]
        while True:
            self._run_in_savepoint(job)
            if len(group) == _LARGEST_GROUP or time.monotonic() > deadline:
                break
            try:
                following = self._queue.get_nowait()
            except Empty:
                break
            if following is None:
                more = False
                break
            job = following
            group.append(job)
        try:
            self._driver.execute("COMMIT")
        except sqlite3.Error as error:
            raise StorageUnavailable(f"the commit failed: {meaning_of(error)}") from None
        return more

    def _run_in_savepoint(self, job: _Job) -> None:
        self._driver.execute("SAVEPOINT job")
        connection = SqliteConnection(self._connection)
        try:
            job.result = run_to_end(job.function, connection)
        except BaseException as error:  # noqa: BLE001  # it belongs to the caller, who gets it
            job.error = error
            if not self._driver.in_transaction:
                # SQLite takes back the whole transaction when, for example, the disk is full.
                raise StorageUnavailable("the database took back the transaction") from None
            self._driver.execute("ROLLBACK TO job")
        else:
            job.topics = connection.topics
        self._driver.execute("RELEASE job")

    def _undo(self) -> None:
        if self._driver.in_transaction:
            with translated():
                self._driver.execute("ROLLBACK")

    def _finish(self, group: list[_Job]) -> None:
        for job in group:
            self._signals.fire(job.topics)
        for job in group:
            if job.error is not None:
                job.done.set_exception(job.error)
            else:
                job.done.set_result(job.result)


def run_to_end(function: Callable[[Transaction], Awaitable[T]], connection: SqliteConnection) -> T:
    """Runs a transaction function on this thread. Raises RuntimeError if it awaits anything but its transaction, and the error of a
    statement that it hid."""
    steps: Generator[Any, None, T] = function(SqlTransaction(connection)).__await__()
    try:
        next(steps)
    except StopIteration as end:
        if connection.failure is not None:
            raise connection.failure from None
        result: T = end.value
        return result
    steps.close()
    raise RuntimeError("a transaction function may await only the methods of its transaction")


def _fail(group: list[_Job], error: Exception) -> None:
    for job in group:
        job.error, job.topics = job.error or error, set()

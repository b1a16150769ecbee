"""Transactions on their way through a thread that works on SQLite."""

from __future__ import annotations

from asyncio import AbstractEventLoop, Future
from collections.abc import Awaitable, Callable, Generator, Sequence
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

from storage.contract.signals import Signals
from storage.contract.storage import Transaction
from storage.sql.sqlite.engine import SqliteConnection
from storage.sql.transaction import SqlTransaction

T = TypeVar("T")


@dataclass(slots=True)
class QueuedTransaction:
    """A transaction function, who waits for it, and what came of it."""

    function: Callable[[Transaction], Awaitable[Any]]
    done: Future[Any]
    single: bool = False
    """It writes by its first statement only, so alone it needs no transaction around it."""
    result: Any = None
    error: BaseException | None = None
    topics: set[str] = field(default_factory=set)

    def run(self, connection: SqliteConnection) -> None:
        """Runs the function to its end on this thread and keeps what it returns or raises. May be
        called again."""
        self.result, self.topics = None, set()
        try:
            self.result = _run_to_end(self.function, connection)
        except BaseException as error:  # noqa: BLE001  # it belongs to the caller, who gets it
            self.error = error
        else:
            self.topics = connection.topics

    def fail(self, error: Exception) -> None:
        """Takes back what came of it: its writes were lost."""
        self.error, self.topics = self.error or error, set()


class TransactionQueue:
    """Jobs for threads, which take several at once when several wait: a hand-over between threads
    costs more than a small transaction."""

    def __init__(self, loop: AbstractEventLoop, signals: Signals) -> None:
        self._loop = loop
        self._signals = signals
        self._jobs: SimpleQueue[QueuedTransaction | None] = SimpleQueue()

    def submit(
        self, function: Callable[[Transaction], Awaitable[T]], *, single: bool = False
    ) -> Future[T]:
        """Queues a transaction; the future is done when a thread has given it back. Call on the
        event loop."""
        done: Future[T] = self._loop.create_future()
        self._jobs.put(QueuedTransaction(function, done, single))
        return done

    @property
    def is_empty(self) -> bool:
        """Whether no job is queued at this moment."""
        return self._jobs.empty()

    def end(self) -> None:
        """Lets the threads end once nothing is queued."""
        self._jobs.put(None)

    def take(self) -> QueuedTransaction | None:
        """The next job, waited for; None at the end."""
        job = self._jobs.get()
        if job is None:
            # For the other threads.
            self._jobs.put(None)
        return job

    def take_waiting(self) -> QueuedTransaction | None:
        """The next job if one is queued."""
        try:
            job = self._jobs.get_nowait()
        except Empty:
            return None
        if job is None:
            self._jobs.put(None)
        return job

    def give_back(self, jobs: Sequence[QueuedTransaction]) -> None:
        """Tells the callers, on the event loop, and fires the signals before that."""
        self._loop.call_soon_threadsafe(self._resolve, jobs)

    def _resolve(self, jobs: Sequence[QueuedTransaction]) -> None:
        for job in jobs:
            self._signals.fire(job.topics)
        for job in jobs:
            if job.error is not None:
                job.done.set_exception(job.error)
            else:
                job.done.set_result(job.result)


def _run_to_end(function: Callable[[Transaction], Awaitable[T]], connection: SqliteConnection) -> T:
    """Raises RuntimeError if the function awaits anything but its transaction, and the error of a
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

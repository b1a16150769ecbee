"""Hands transactions to the threads that work on SQLite, and their results back."""

from __future__ import annotations

import threading
from asyncio import AbstractEventLoop, Future
from collections import deque
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


class _Turns:
    """What waits for a thread, of each party in order; parties take turns."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: dict[str, deque[QueuedTransaction]] = {}
        """By party, the next one's first."""

    def append(self, whose: str, queued: QueuedTransaction) -> None:
        with self._lock:
            self._waiting.setdefault(whose, deque()).append(queued)

    def pop(self) -> QueuedTransaction:
        """The next one. There must be one."""
        with self._lock:
            whose = next(iter(self._waiting))
            theirs = self._waiting.pop(whose)
            queued = theirs.popleft()
            if theirs:
                # Behind everybody else.
                self._waiting[whose] = theirs
            return queued


class TransactionQueue:
    """Hands transactions to threads, which take several at once when several wait: a hand-over
    between threads costs more than a small transaction."""

    def __init__(self, loop: AbstractEventLoop, signals: Signals) -> None:
        self._loop = loop
        self._signals = signals
        self._turns = _Turns()
        self._tickets: SimpleQueue[bool] = SimpleQueue()
        """One for each that waits, and False for the end."""

    def submit(
        self,
        function: Callable[[Transaction], Awaitable[T]],
        whose: str = "",
        *,
        single: bool = False,
    ) -> Future[T]:
        """Queues a transaction of a party; the future is done when a thread has given it back. Call
        on the event loop."""
        done: Future[T] = self._loop.create_future()
        self._turns.append(whose, QueuedTransaction(function, done, single))
        self._tickets.put(True)
        return done

    @property
    def is_empty(self) -> bool:
        """Whether no transaction is queued at this moment."""
        return self._tickets.empty()

    def end(self) -> None:
        """Lets the threads end once nothing is queued."""
        self._tickets.put(False)

    def take(self) -> QueuedTransaction | None:
        """The next transaction, waited for; None at the end."""
        return self._turn(self._tickets.get())

    def take_waiting(self) -> QueuedTransaction | None:
        """The next transaction if one is queued."""
        try:
            return self._turn(self._tickets.get_nowait())
        except Empty:
            return None

    def _turn(self, ticket: bool) -> QueuedTransaction | None:
        if ticket:
            return self._turns.pop()
        # For the other threads.
        self._tickets.put(False)
        return None

    def give_back(self, transactions: Sequence[QueuedTransaction]) -> None:
        """Fires the signals, then answers the callers, on the event loop."""
        self._loop.call_soon_threadsafe(self._resolve, transactions)

    def _resolve(self, transactions: Sequence[QueuedTransaction]) -> None:
        for queued in transactions:
            self._signals.fire(queued.topics)
        for queued in transactions:
            if queued.done.cancelled():
                # Nobody waits for the read any more.
                continue
            if queued.error is not None:
                queued.done.set_exception(queued.error)
            else:
                queued.done.set_result(queued.result)


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

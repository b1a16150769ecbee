"""The named points at which a process can be made to end, as if the power had gone.

Nothing in the service knows of them: its storage and providers are wrapped by a test, and the
wrappers know what passes through.
"""

from __future__ import annotations

import asyncio
import enum
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

from server.channels.provider import Delivery, Envelope
from storage.contract.storage import Transaction
from storage.contract.work import Work
from tests.chaos.ledger import read_ledger

T = TypeVar("T")

STATUS = 86
"""Exit status of a process that ended at its point."""
POLL_INTERVAL = 0.002
"""Seconds between looks at the ledger."""


class Step(enum.Enum):
    """What the service does, as far as its storage and providers see it."""

    CLAIM = "claim"
    MARK = "mark"
    CALL = "call"
    RESULT = "result"
    EXPANSION = "expansion"
    RECOVERY = "recovery"


class When(enum.Enum):
    """Where in a step."""

    BEFORE = "before"
    """Nothing of it has been done."""
    DURING = "during"
    """Done, and not yet committed; of a call: the provider has taken it, and has not answered."""
    AFTER = "after"
    """Committed; of a call: answered. The service has not learned of it."""


class Point(enum.Enum):
    """A step and where in it."""

    BEFORE_CLAIM = (Step.CLAIM, When.BEFORE)
    BEFORE_COMMIT_OF_CLAIM = (Step.CLAIM, When.DURING)
    AFTER_CLAIM = (Step.CLAIM, When.AFTER)
    BEFORE_MARK = (Step.MARK, When.BEFORE)
    BEFORE_COMMIT_OF_MARK = (Step.MARK, When.DURING)
    AFTER_MARK = (Step.MARK, When.AFTER)
    BEFORE_CALL = (Step.CALL, When.BEFORE)
    DURING_CALL = (Step.CALL, When.DURING)
    AFTER_CALL = (Step.CALL, When.AFTER)
    BEFORE_COMMIT_OF_RESULTS = (Step.RESULT, When.DURING)
    AFTER_RESULTS = (Step.RESULT, When.AFTER)
    BEFORE_COMMIT_OF_EXPANSION = (Step.EXPANSION, When.DURING)
    BETWEEN_BATCHES_OF_EXPANSION = (Step.EXPANSION, When.AFTER)
    BEFORE_RECOVERY = (Step.RECOVERY, When.BEFORE)
    BEFORE_COMMIT_OF_RECOVERY = (Step.RECOVERY, When.DURING)
    AFTER_RECOVERY = (Step.RECOVERY, When.AFTER)

    @property
    def step(self) -> Step:
        return self.value[0]

    @property
    def when(self) -> When:
        return self.value[1]


class Fuse:
    """Ends the process at the given time of reaching a point."""

    def __init__(self, point: Point, times: int) -> None:
        self._point = point
        self._left = times

    def reach(self, step: Step, when: When) -> None:
        """Does not return if this is the point, and the time."""
        if (step, when) == self._point.value:
            self._left -= 1
            if self._left == 0:
                # No handler, no flush, no goodbye; from whatever thread this is.
                os._exit(STATUS)

    def is_at(self, step: Step, when: When) -> bool:
        """Whether this is the point."""
        return (step, when) == self._point.value


def step_of(method: str, arguments: tuple[Any, ...]) -> Step | None:
    """The step that a call of a transaction's method is."""
    if method == "settle":
        # Others give rows back without a call having been made.
        return (
            Step.RESULT
            if any(settlement.attempt is not None for settlement in arguments[0])
            else None
        )
    return {
        "claim": Step.CLAIM,
        "claim_due": Step.CLAIM,
        "mark_sending": Step.MARK,
        "advance_audience": Step.EXPANSION,
        "recover": Step.RECOVERY,
    }.get(method)


class WatchedAggregate:
    """One aggregate of a transaction; tells of every method that is called."""

    def __init__(self, aggregate: Any, tell: Callable[[Step], None]) -> None:
        self._aggregate = aggregate
        self._tell = tell

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._aggregate, name)

        async def watched(*arguments: Any, **named: Any) -> Any:
            step = step_of(name, arguments)
            if step is not None:
                self._tell(step)
            return await method(*arguments, **named)

        return watched


class WatchedTransaction:
    """A transaction whose steps are noticed."""

    def __init__(self, transaction: Transaction, tell: Callable[[Step], None]) -> None:
        self._transaction = transaction
        self._tell = tell

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._transaction, name)
        return found if callable(found) else WatchedAggregate(found, self._tell)


class CrashingStorage:
    """A real storage whose process ends at a point."""

    def __init__(self, storage: Any, fuse: Fuse) -> None:
        self._storage = storage
        self._fuse = fuse

    def __getattr__(self, name: str) -> Any:
        return getattr(self._storage, name)

    async def write(
        self,
        function: Callable[[Transaction], Awaitable[T]],
        work: Work = Work.CALLS,
        whose: str = "",
    ) -> T:
        steps: set[Step] = set()

        def tell(step: Step) -> None:
            steps.add(step)
            self._fuse.reach(step, When.BEFORE)

        async def watched(transaction: Transaction) -> T:
            result = await function(WatchedTransaction(transaction, tell))
            for step in steps:
                self._fuse.reach(step, When.DURING)
            return result

        result: T = await self._storage.write(watched, work)
        for step in steps:
            self._fuse.reach(step, When.AFTER)
        return result


class CrashingProvider:
    """A real provider whose process ends at a point."""

    def __init__(self, provider: Any, fuse: Fuse, ledger: Path) -> None:
        self._provider = provider
        self._fuse = fuse
        self._ledger = ledger

    def __getattr__(self, name: str) -> Any:
        return getattr(self._provider, name)

    async def deliver(self, envelope: Envelope) -> Delivery:
        self._fuse.reach(Step.CALL, When.BEFORE)
        if self._fuse.is_at(Step.CALL, When.DURING):
            delivering = asyncio.ensure_future(self._provider.deliver(envelope))
            await self._taken(envelope.message_id)
            self._fuse.reach(Step.CALL, When.DURING)
            delivery: Delivery = await delivering
        else:
            delivery = await self._provider.deliver(envelope)
        self._fuse.reach(Step.CALL, When.AFTER)
        return delivery

    async def _taken(self, message_id: str) -> None:
        # A file has no event.
        while not any(entry.message_id == message_id for entry in read_ledger(self._ledger)):  # noqa: ASYNC110
            await asyncio.sleep(POLL_INTERVAL)

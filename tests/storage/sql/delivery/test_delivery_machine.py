"""Random histories of delivery on the real storage, step by step against its promise (README,
docs/reliability.md).

Callers, operators and several dispatchers, any of which may be slow or die, do what they may in any
order; a virtual clock jumps past leases, keys and expiries; the database is put back to an earlier
state. After every step the laws are checked: what changed was the step's to change, every counter
is what its rows say, nothing final changes, and the provider's own ledger never sees a message
twice, or one that was stopped, unless somebody chose that.

`make test` runs the same few histories every time. CARILLON_HISTORIES=2000 runs that many other
ones on each database.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Collection, Iterator, Sequence
from datetime import timedelta
from itertools import count
from typing import Any, ClassVar, TypeVar

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from storage.contract.storage import Storage
from storage.model.deliveries import Queue
from storage.model.messages import Message, MessageStatus, Resolution
from storage.model.programs import Enrollment, EnrollmentStatus
from storage.model.sends import Send, SendStatus
from storage.sql import open_storage
from storage.sql.delivery import cancellations, steps
from tests.storage.sql.delivery.machine.operators import Operators
from tests.storage.sql.delivery.machine.sight import CHANNEL, OPEN
from tests.storage.sql.delivery.machine.workers import (
    KEYED,
    PLAIN,
    RETRY_AFTER,
    UNSTARTED_ENDS,
    Outcome,
    Worker,
    Workers,
)
from tests.storage.sql.delivery.machine.world import PARKS, RESENDS, World
from tests.support.drift import assert_no_drift
from tests.support.storage.made import NOW, SECOND

T = TypeVar("T")
Named = TypeVar("Named", Message, Send, Worker, Enrollment)

WORKERS = 3
MOST_OPEN = 12
WAITS = (1, 10, 31, 61, 601, 3600)
"""Seconds: past nothing, a due time, a lease, a retry, a key's window, everything."""
AGES = (timedelta(), 60 * SECOND)
EXPIRIES = (None, None, 5 * SECOND, 60 * SECOND)

many_histories = int(os.environ.get("CARILLON_HISTORIES", "0"))
HISTORIES = settings(
    stateful_step_count=60 if many_histories else 40,
    derandomize=not many_histories,
    print_blob=True,
    deadline=None,
    # Making a history that failed shorter takes minutes.
    phases=(Phase.reuse, Phase.generate, Phase.shrink) if many_histories else (Phase.generate,),
    report_multiple_bugs=False,
    suppress_health_check=list(HealthCheck),
)

brands = st.sampled_from([PARKS, RESENDS])
providers = st.sampled_from([KEYED, PLAIN])
expiries = st.sampled_from(EXPIRIES)
few = st.integers(1, 4)
delays = st.lists(st.sampled_from([timedelta(), 60 * SECOND]), min_size=1, max_size=3)


class Histories(RuleBasedStateMachine):
    """One history. Its rules choose; what they do and what must come of it is in
    `tests.storage.sql.delivery.machine`."""

    def __init__(self, loop: asyncio.AbstractEventLoop, storage: Storage) -> None:
        super().__init__()
        self._loop = loop
        self._broken = False
        self.world = World(storage)
        self.workers = Workers(self.world, WORKERS)
        self.operators = Operators(self.world, self.workers)

    def run(self, step: Awaitable[T]) -> T:
        try:
            return self._loop.run_until_complete(_awaited(step))
        except BaseException:
            self._broken = True
            raise

    @initialize(brand=brands, recipients=few)
    def begin(self, brand: str, recipients: int) -> None:
        self.run(self.world.begin())
        self.run(self.operators.publish(brand, recipients, None, done=True))

    @invariant()
    def is_lawful(self) -> None:
        self.run(self.world.check())

    def teardown(self) -> None:
        if not self._broken:
            self.run(self._end())

    # What there is to choose from

    def rows(self, *statuses: MessageStatus) -> list[Message]:
        return sorted(
            (
                row
                for row in self.world.sight.rows.values()
                if not statuses or row.status in statuses
            ),
            key=lambda row: row.id,
        )

    def sends(self, chosen: Callable[[Send], bool] = lambda _: True) -> list[Send]:
        return sorted(filter(chosen, self.world.sight.sends.values()), key=lambda send: send.id)

    def has_room(self) -> bool:
        """Long histories of few messages find more than short ones of many."""
        return len(self.rows(*OPEN)) < MOST_OPEN

    def claiming(self) -> list[Worker]:
        return [worker for worker in self.workers.all if worker.claimed]

    def with_steps(self) -> list[Worker]:
        return [
            worker
            for worker in self.claiming()
            if any(row.enrollment_id for row in worker.claimed.values())
        ]

    def enrollments(self) -> list[Enrollment]:
        """Those that go on, and have had a worker."""
        return [
            each
            for each in self.world.sight.enrollments.values()
            if each.status is EnrollmentStatus.ACTIVE
            and any(row.lease for row in self.world.sight.of_enrollment(each.id))
        ]

    def calling(self) -> list[Worker]:
        return [worker for worker in self.workers.all if worker.calls]

    @staticmethod
    def a(data: st.DataObject, found: Sequence[Named]) -> Named:
        """One of them, drawn by its id, which is what a failing history prints."""
        by_id = {each.id: each for each in found}
        return by_id[data.draw(st.sampled_from(list(by_id)))]

    # Callers

    @precondition(lambda self: self.has_room())
    @rule(
        brand=brands,
        due_in=st.sampled_from([-SECOND, timedelta(), 10 * SECOND]),
        expires_in=expiries,
    )
    def one_off(self, brand: str, due_in: timedelta, expires_in: timedelta | None) -> None:
        self.run(self.operators.one_off(brand, due_in, expires_in))

    @precondition(lambda self: self.has_room())
    @rule(brand=brands, recipients=few, expires_in=expiries, done=st.booleans())
    def publish(
        self, brand: str, recipients: int, expires_in: timedelta | None, done: bool
    ) -> None:
        self.run(self.operators.publish(brand, recipients, expires_in, done=done))

    @precondition(lambda self: self.has_room())
    @rule(brand=brands, recipients=few, delays=delays, expires_in=expiries, done=st.booleans())
    def publish_steps(
        self,
        brand: str,
        recipients: int,
        delays: list[timedelta],
        expires_in: timedelta | None,
        done: bool,
    ) -> None:
        self.run(self.operators.publish(brand, recipients, expires_in, done=done, delays=delays))

    @precondition(lambda self: self.has_room())
    @rule(brand=brands, delays=delays)
    def enroll(self, brand: str, delays: list[timedelta]) -> None:
        self.run(self.operators.enroll(brand, delays))

    @precondition(lambda self: self.sends(_resolves))
    @rule(data=st.data(), done=st.booleans())
    def resolve_more(self, data: st.DataObject, done: bool) -> None:
        self.run(self.operators.resolve_more(self.a(data, self.sends(_resolves)), done=done))

    # Dispatchers

    @rule(data=st.data(), turns=st.integers(2, 6))
    def dispatch(self, data: st.DataObject, turns: int) -> None:
        """Dispatchers go on, or do not. One rule, with more than one turn, so that messages get far
        although much else may happen."""
        for turn in range(turns):
            if turn:
                self.is_lawful()
            possible = [step for step, is_possible in self.DISPATCHING if is_possible(self)]
            data.draw(st.sampled_from(possible), label="turn")(self, data)

    def claim(self, data: st.DataObject) -> None:
        row = self.a(data, self.rows(MessageStatus.PENDING))
        self.run(self.workers.claim(self.a(data, self.workers.all), _queue(row), data.draw(few)))

    def mark(self, data: st.DataObject) -> None:
        worker = self.a(data, self.claiming())
        self.run(
            self.workers.mark(worker, _some(data, sorted(worker.claimed)), data.draw(providers))
        )

    def deliver(self, data: st.DataObject) -> None:
        """Claims and marks at once, as a dispatcher that may call does."""
        worker = self.a(data, self.workers.all)
        self.run(
            self.workers.claim(
                worker, _queue(self.a(data, self.rows(MessageStatus.PENDING))), data.draw(few)
            )
        )
        self.is_lawful()
        self.run(self.workers.mark(worker, sorted(worker.claimed), data.draw(providers)))

    def end_calls(self, data: st.DataObject) -> None:
        """Some calls of a worker end, and are told of together."""
        worker = self.a(data, self.calling())
        chosen = sorted(
            data.draw(st.sets(st.integers(0, len(worker.calls) - 1), min_size=1, max_size=3))
        )
        self.run(
            self.workers.settle(
                worker,
                [(worker.calls[each], data.draw(st.sampled_from(Outcome))) for each in chosen],
            )
        )

    def end_unstarted(self, data: st.DataObject) -> None:
        worker = self.a(data, self.claiming())
        status = data.draw(st.sampled_from(UNSTARTED_ENDS))
        self.run(
            self.workers.settle_unstarted(
                worker, [(each, status) for each in _some(data, sorted(worker.claimed))]
            )
        )

    def suppress(self, data: st.DataObject) -> None:
        worker = self.a(data, self.with_steps())
        held = [row for row in worker.claimed.values() if row.enrollment_id]
        self.run(self.workers.suppress(worker, self.a(data, held).id))

    def say_again(self, data: st.DataObject) -> None:
        self.run(
            self.workers.say_again(
                self.a(data, [worker for worker in self.workers.all if worker.said])
            )
        )

    def crash(self, data: st.DataObject) -> None:
        self.a(data, [*self.claiming(), *self.calling()]).crash()

    def recover(self, data: st.DataObject) -> None:
        self.run(self.workers.recover(everything=data.draw(st.booleans())))

    def stall(self, data: st.DataObject) -> None:
        """A worker stands still until its leases are over; others may have what it held by then,
        and it goes on, at once or some time."""
        slow = self.a(data, [*self.claiming(), *self.calling()])
        held = {*slow.claimed, *(call.message.id for call in slow.calls)}
        self.world.wait(31)
        self.run(self.workers.recover(everything=False))
        self.is_lawful()
        is_taken, marks, settles = (data.draw(st.booleans()) for _ in range(3))
        if is_taken:
            self.take_over(
                data,
                self.a(data, [worker for worker in self.workers.all if worker is not slow]),
                held,
            )
        if marks and slow.claimed:
            self.run(self.workers.mark(slow, sorted(slow.claimed), data.draw(providers)))
            self.is_lawful()
        if settles and slow.calls:
            self.run(
                self.workers.settle(
                    slow, [(call, data.draw(st.sampled_from(Outcome))) for call in slow.calls]
                )
            )

    def take_over(self, data: st.DataObject, quick: Worker, held: Collection[str]) -> None:
        for queue in sorted(
            {_queue(row) for row in self.rows(MessageStatus.PENDING) if row.id in held}, key=_order
        ):
            self.run(self.workers.claim(quick, queue, MOST_OPEN))
            self.is_lawful()
        marks: bool = data.draw(st.booleans())
        if marks and quick.claimed:
            self.run(self.workers.mark(quick, sorted(quick.claimed), data.draw(providers)))
            self.is_lawful()

    def expire(self, data: st.DataObject) -> None:
        self.run(self.operators.expire(data.draw(few)))

    def sweep(self, data: st.DataObject) -> None:
        self.run(self.operators.sweep(data.draw(few)))

    def prune(self, data: st.DataObject) -> None:
        self.run(
            self.operators.prune(data.draw(st.sampled_from(AGES)), data.draw(st.integers(1, 8)))
        )

    def wait(self, data: st.DataObject) -> None:
        self.world.wait(data.draw(st.sampled_from(WAITS)))

    DISPATCHING: ClassVar[
        tuple[tuple[Callable[[Histories, st.DataObject], None], Callable[[Histories], object]], ...]
    ] = (
        *((deliver, lambda self: self.rows(MessageStatus.PENDING)),) * 4,
        *((end_calls, calling),) * 4,
        (claim, lambda self: self.rows(MessageStatus.PENDING)),
        (mark, claiming),
        (end_unstarted, claiming),
        (suppress, with_steps),
        (
            say_again,
            lambda self: self.calling() and any(worker.said for worker in self.workers.all),
        ),
        (crash, lambda self: self.claiming() or self.calling()),
        *((stall, lambda self: self.claiming() or self.calling()),) * 2,
        (recover, lambda self: self.world.sight.held_until),
        (
            expire,
            lambda self: any(
                row.expire_at and row.expire_at <= self.world.now
                for row in self.rows(MessageStatus.PENDING)
            ),
        ),
        (sweep, lambda self: self.sends(_is_unswept)),
        (prune, lambda self: len(self.rows()) > len(self.rows(*OPEN)) + 4),
        (wait, lambda _: True),
    )
    """What dispatchers do and when they can, the likelier things more than once."""

    # Operators

    @precondition(lambda self: self.world.sight.held_until and len(self.world.ledger.cancelled) < 2)
    @rule(data=st.data())
    def cancel_message(self, data: st.DataObject) -> None:
        self.run(self.operators.cancel_message(self.a(data, self.rows(*OPEN))))

    @precondition(lambda self: len(self.enrollments()) > 1)
    @rule(data=st.data(), deleted=st.booleans())
    def end_enrollment(self, data: st.DataObject, deleted: bool) -> None:
        found = sorted(self.enrollments(), key=lambda each: each.id)
        self.run(self.operators.end_enrollment(self.a(data, found), deleted=deleted))

    @precondition(lambda self: self.sends(self.is_underway))
    @rule(data=st.data(), whole_campaign=st.booleans())
    def cancel_send(self, data: st.DataObject, whole_campaign: bool) -> None:
        send = self.a(data, self.sends(self.is_underway))
        self.run(
            self.operators.cancel_campaign(send)
            if whole_campaign
            else self.operators.cancel_send(send)
        )

    @precondition(lambda self: self.sends(self.is_underway) and not self.sends(_is_paused))
    @rule(data=st.data())
    def pause(self, data: st.DataObject) -> None:
        self.run(self.operators.pause(self.a(data, self.sends(self.is_underway))))

    @precondition(lambda self: self.sends(_is_paused))
    @rule(data=st.data())
    def resume(self, data: st.DataObject) -> None:
        self.run(self.operators.resume(self.a(data, self.sends(_is_paused))))

    @precondition(lambda self: self.sends(self.has_untried))
    @rule(data=st.data())
    def change_version(self, data: st.DataObject) -> None:
        send = self.a(data, self.sends(self.has_untried))
        for step in (
            self.operators.pause,
            self.operators.change_version,
            self.operators.resume,
        ):
            self.run(step(send))
            self.is_lawful()

    @precondition(lambda self: self.rows(MessageStatus.UNKNOWN))
    @rule(data=st.data(), brand=brands, resolution=st.sampled_from(Resolution))
    def resolve(self, data: st.DataObject, brand: str, resolution: Resolution) -> None:
        unknown = {row.id: row for row in self.rows(MessageStatus.UNKNOWN)}
        stray = self.a(data, self.rows())
        chosen = {each: unknown[each] for each in _some(data, sorted(unknown))} | {stray.id: stray}
        self.run(self.operators.resolve(brand, list(chosen.values()), resolution))

    @precondition(lambda self: self.sends(self.may_be_retried))
    @rule(data=st.data(), unknown=st.booleans())
    def retry_failed(self, data: st.DataObject, unknown: bool) -> None:
        self.run(
            self.operators.retry_failed(
                self.a(data, self.sends(self.may_be_retried)), unknown=unknown
            )
        )

    @precondition(
        lambda self: not self.operators.backup and not self.operators.restored and self.calling()
    )
    @rule()
    def back_up(self) -> None:
        self.run(self.operators.back_up())

    @precondition(lambda self: self.operators.backup and self.calling())
    @rule()
    def restore(self) -> None:
        self.run(self.operators.restore())

    @precondition(lambda self: self.world.sight.is_held)
    @rule()
    def release(self) -> None:
        self.run(self.operators.release())

    # Which of them make a history interesting

    def is_underway(self, send: Send) -> bool:
        return send.status is SendStatus.SENDING and any(
            row.lease for row in self.world.sight.of_send(send.id)
        )

    def has_untried(self, send: Send) -> bool:
        return send.status is SendStatus.SENDING and any(
            row.status is MessageStatus.PENDING and not row.attempts
            for row in self.world.sight.of_send(send.id)
        )

    def may_be_retried(self, send: Send) -> bool:
        stale = send.expire_at is not None and send.expire_at <= self.world.now
        rows = self.world.sight.of_send(send.id)
        failed = any(
            row.status in (MessageStatus.FAILED, MessageStatus.UNKNOWN) and row.retried_in is None
            for row in rows
        )
        return send.completed_at is not None and not stale and failed

    # How every history ends

    async def _end(self) -> None:
        """Everything that stands in the way is lifted, and every message comes to its one end."""
        await self.operators.release()
        for worker in self.workers.all:
            worker.crash()
        while sends := self.sends(_resolves):
            await self.operators.resolve_more(sends[0], done=True)
            await self.world.check()
        for send in self.sends(_is_paused):
            await self.operators.resume(send)
            await self.world.check()
        while self.rows(*OPEN):
            await self._come_nearer_to_the_end()
        for send in self.world.sight.sends.values():
            assert send.completed_at is not None
        for enrollment in self.world.sight.enrollments.values():
            assert enrollment.status is not EnrollmentStatus.ACTIVE
        await assert_no_drift(self.world.storage)

    async def _come_nearer_to_the_end(self) -> None:
        self.world.wait(int(RETRY_AFTER.total_seconds()) + 1)
        await self.workers.recover(everything=False)
        await self.world.check()
        if self.sends(_is_unswept):
            await self.operators.sweep(100)
            await self.world.check()
        await self.operators.expire(100)
        await self.world.check()
        worker = self.workers.all[0]
        for queue in sorted(self.world.sight.queues, key=_order):
            await self.workers.claim(worker, queue, 100)
            await self.world.check()
        await self.workers.mark(worker, sorted(worker.claimed), KEYED)
        await self.world.check()
        await self.workers.settle(worker, [(call, Outcome.OK) for call in worker.calls])
        await self.world.check()


async def _awaited(step: Awaitable[T]) -> T:
    return await step


def _some(data: st.DataObject, ids: Sequence[str]) -> list[str]:
    return sorted(data.draw(st.sets(st.sampled_from(ids), min_size=1)))


def _queue(row: Message) -> Queue:
    """As a dispatcher saw it at some time: how long it has waited does not matter to a claim."""
    return Queue(CHANNEL, row.brand_id, row.send_id, NOW, row.enrollment_id is not None)


def _order(queue: Queue) -> tuple[str, str, bool]:
    return queue.brand_id, queue.send_id or "", queue.steps


def _resolves(send: Send) -> bool:
    return send.status is SendStatus.SENDING and not send.audience_done


def _is_paused(send: Send) -> bool:
    return send.paused_at is not None


def _is_unswept(send: Send) -> bool:
    return send.status is SendStatus.CANCELLED and send.counters.pending > 0


@pytest.fixture
def storage_and_loop(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[Storage, asyncio.AbstractEventLoop]]:
    # So that the sends of a history are large enough to be cancelled in slices.
    monkeypatch.setattr(cancellations, "_ROWS_WITH_THE_SEND", 2)
    # So that the same history has the same ids each time.
    numbers = count(1)
    monkeypatch.setattr(steps, "new_id", lambda: f"planned-{next(numbers):06}")
    loop = asyncio.new_event_loop()
    storage = loop.run_until_complete(open_storage(database_url))
    yield storage, loop
    loop.run_until_complete(storage.close())
    loop.close()


@pytest.mark.timeout(0 if many_histories else 300)
def test_no_history_loses_repeats_or_miscounts_a_message(
    storage_and_loop: tuple[Storage, asyncio.AbstractEventLoop],
) -> None:
    storage, loop = storage_and_loop
    machine: Any = lambda: Histories(loop, storage)  # noqa: E731
    # A history takes three times as long on PostgreSQL.
    number = many_histories or (40 if storage.exclusive else 15)
    run_state_machine_as_test(machine, settings=settings(HISTORIES, max_examples=number))

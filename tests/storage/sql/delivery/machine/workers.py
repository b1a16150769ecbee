"""What dispatchers do with the rows they claim, also when they are slow, die, or come back too
late."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum

from storage.contract.storage import Transaction
from storage.model.deliveries import Queue, Settlement
from storage.model.messages import Attempt, Message, MessageStatus
from tests.storage.sql.delivery.machine.ledger import Answer, Start
from tests.storage.sql.delivery.machine.world import RESENDS, World
from tests.support.storage.made import SECOND

LEASE = 30 * SECOND
RETRY_AFTER = 60 * SECOND
KEYED, PLAIN = "keyed", "plain"
KEY_WINDOWS = {KEYED: 600 * SECOND, PLAIN: timedelta()}
MAX_ATTEMPTS = 2


class Outcome(Enum):
    """How a call ended, and what becomes of the row."""

    OK = Answer.ACCEPTED, MessageStatus.SENT
    REFUSED = Answer.REJECTED, MessageStatus.FAILED
    BUSY = Answer.REJECTED, MessageStatus.PENDING
    TOO_LATE_TO_RETRY = Answer.REJECTED, MessageStatus.EXPIRED
    IN_DOUBT = Answer.AMBIGUOUS, MessageStatus.UNKNOWN
    IN_DOUBT_AGAIN = Answer.AMBIGUOUS, MessageStatus.PENDING
    """As IN_DOUBT where neither the key nor the brand allows a repeat."""
    NOT_CALLED = Answer.UNCALLED, MessageStatus.PENDING

    @property
    def answer(self) -> Answer:
        return self.value[0]


UNSTARTED_ENDS = (
    MessageStatus.PENDING,
    MessageStatus.SKIPPED,
    MessageStatus.FAILED,
    MessageStatus.EXPIRED,
)
"""What becomes of a claimed row that is not given to its provider."""


@dataclass
class Call:
    """A call whose end its worker waits for."""

    message: Message
    """As it was claimed."""
    provider: str
    start: Start


@dataclass
class Worker:
    """One dispatcher."""

    id: str
    generation: int = 0
    """What its file says; a crash leaves it."""
    claimed: dict[str, Message] = field(default_factory=dict)
    calls: list[Call] = field(default_factory=list)
    said: tuple[Settlement, ...] = ()
    """What it wrote last: it writes that again if it did not hear that it was durable."""

    def crash(self) -> None:
        self.claimed.clear()
        self.calls.clear()
        self.said = ()


class Workers:
    """The dispatchers of a world, and their steps."""

    def __init__(self, world: World, count: int) -> None:
        self._world = world
        self.stopped = 0
        """How many enrollments were stopped."""
        self.all = [Worker(f"worker-{number}") for number in range(count)]

    async def claim(self, worker: Worker, queue: Queue, limit: int) -> None:
        """Claims from a queue as it was at some time; the send may have stopped since."""
        world, now = self._world, self._world.now
        waiting = [
            row
            for row in world.sight.rows.values()
            if (row.brand_id, row.send_id, row.enrollment_id is not None)
            == (queue.brand_id, queue.send_id, queue.steps)
            and row.status is MessageStatus.PENDING
            and row.due_at <= now
            and world.sight.runs(row)
        ]
        expected = sorted(waiting, key=lambda row: (row.due_at, row.id))[:limit]
        ids = [row.id for row in expected]
        claimed = await world.write(
            "claim", ids, lambda tx: tx.messages.claim(queue, now, now + LEASE, limit)
        )
        assert [row.id for row in claimed] == ids
        for row in claimed:
            assert row.lease == world.sight.rows[row.id].lease + 1
            self._assert_version(row)
            worker.claimed[row.id] = row

    async def mark(self, worker: Worker, message_ids: Sequence[str], provider: str) -> None:
        """Marks rows in the transaction that advances the worker's generation, and begins the calls
        of those that were marked."""
        world, now = self._world, self._world.now
        ours = [worker.claimed.pop(message_id) for message_id in message_ids]

        async def advance_and_mark(tx: Transaction) -> set[str] | None:
            if not await tx.dispatchers.advance(
                worker.id, worker.generation, worker.generation + 1
            ):
                return None
            return await tx.messages.mark_sending(ours, provider, now, now + LEASE)

        marked = await world.write("mark", message_ids, advance_and_mark)
        assert (marked is None) == world.sight.is_held, (
            "a dispatcher goes on if delivery is not held, and only then"
        )
        if marked is None:
            return
        worker.generation += 1
        assert marked == {row.id for row in ours if self._may_begin(row)}
        for row in ours:
            if row.id in marked:
                self._assert_version(row)
                worker.calls.append(Call(row, provider, world.ledger.begin(row, provider, now)))

    async def settle(self, worker: Worker, ends: Sequence[tuple[Call, Outcome]]) -> None:
        """Tells how calls ended."""
        settlements = [self._settlement(call, outcome) for call, outcome in ends]
        told = await self._write(worker, settlements)
        rows = self._world.sight.rows
        for (call, outcome), settlement in zip(ends, settlements, strict=True):
            worker.calls.remove(call)
            # Of two calls for one message, which are told of together, one is too late.
            in_time = call.message.id in told and _is_held_for(rows[call.message.id], settlement)
            call.start.answer, call.start.told_in_time = outcome.answer, in_time
            if (
                outcome is Outcome.IN_DOUBT_AGAIN
                and call.start.told_in_time
                and self._may_repeat(call)
            ):
                self._world.ledger.accounts[call.message.id].forgive()

    async def settle_unstarted(
        self, worker: Worker, ends: Sequence[tuple[str, MessageStatus]]
    ) -> None:
        """Gives back or ends rows that were claimed, without calling a provider."""
        rows = [(worker.claimed.pop(message_id), status) for message_id, status in ends]
        await self._write(
            worker, [_settlement(row, MessageStatus.LEASED, status) for row, status in rows]
        )

    async def suppress(self, worker: Worker, message_id: str) -> None:
        """Ends a step that was claimed because the person must not be contacted any more."""
        row = worker.claimed.pop(message_id)
        assert row.enrollment_id is not None
        end = _settlement(row, MessageStatus.LEASED, MessageStatus.SKIPPED, reason="suppressed")
        others = [each.id for each in self._world.sight.of_enrollment(row.enrollment_id)]
        told = await self._write(worker, [end], also=others)
        if told:
            # In doubt, it is unknown, and what is next will be suppressed in its turn.
            self.stopped += not row.in_doubt

    async def say_again(self, worker: Worker) -> None:
        """Writes the last results once more."""
        applied = await self._write(worker, worker.said)
        assert applied == set()

    async def recover(self, *, everything: bool) -> None:
        """Takes back what is held by workers that seem to be gone; they may only be slow."""
        world, now = self._world, self._world.now
        abandoned = [
            world.sight.rows[each]
            for each, until in world.sight.held_until.items()
            if everything or until <= now
        ]
        resent = {
            row.id
            for row in abandoned
            if row.status is MessageStatus.SENDING and self._may_be_resent(row)
        }
        recovery = await world.write(
            "recover",
            [row.id for row in abandoned],
            lambda tx: tx.messages.recover(
                now, everything=everything, key_windows=KEY_WINDOWS, max_attempts=MAX_ATTEMPTS
            ),
        )
        assert recovery.released == sum(row.status is MessageStatus.LEASED for row in abandoned)
        assert recovery.resent == len(resent)
        for message_id in resent:
            world.ledger.accounts[message_id].forgive()

    def _assert_version(self, claimed: Message) -> None:
        """The first call for a message says the version that its send has when it begins."""
        if claimed.send_id is not None and claimed.step is None and not claimed.attempts:
            send = self._world.sight.sends[claimed.send_id]
            assert claimed.template_revision == send.template_revision

    def _may_begin(self, claimed: Message) -> bool:
        row = self._world.sight.rows.get(claimed.id)
        held = row is not None and row.status is MessageStatus.LEASED and row.lease == claimed.lease
        fresh = claimed.expire_at is None or self._world.now < claimed.expire_at
        return held and fresh and self._world.sight.runs(claimed)

    async def _write(
        self, worker: Worker, settlements: Sequence[Settlement], also: Sequence[str] = ()
    ) -> set[str]:
        world, now = self._world, self._world.now
        rows = world.sight.rows
        touched = [*(each.message_id for each in settlements), *also]
        told = await world.write("settle", touched, lambda tx: tx.messages.settle(settlements, now))
        ours = {
            each.message_id
            for each in settlements
            if each.message_id in rows and _is_held_for(rows[each.message_id], each)
        }
        assert told == ours, (
            "a result takes effect as long as the row is held under its lease, and only then"
        )
        worker.said = tuple(settlements)
        return told

    def _settlement(self, call: Call, outcome: Outcome) -> Settlement:
        status = outcome.value[1]
        if outcome is Outcome.IN_DOUBT_AGAIN and not self._may_repeat(call):
            status = MessageStatus.UNKNOWN
        due_at = (
            self._world.now + RETRY_AFTER
            if status is MessageStatus.PENDING and outcome is not Outcome.NOT_CALLED
            else None
        )
        attempt = None if outcome is Outcome.NOT_CALLED else self._attempt(call, outcome.answer)
        return _settlement(
            call.message, MessageStatus.SENDING, status, due_at=due_at, attempt=attempt
        )

    def _may_repeat(self, call: Call) -> bool:
        first = call.message.first_sending_at or call.start.at
        return (
            call.message.brand_id == RESENDS
            or self._world.now + RETRY_AFTER < first + KEY_WINDOWS[call.provider]
        )

    def _may_be_resent(self, row: Message) -> bool:
        if (
            row.attempts >= MAX_ATTEMPTS
            or self._world.sight.is_cancelled(row)
            or self._was_accepted(row)
        ):
            return False
        assert row.first_sending_at is not None
        provider = self._world.ledger.accounts[row.id].remembered()[-1].provider
        return (
            row.brand_id == RESENDS
            or self._world.now < row.first_sending_at + KEY_WINDOWS[provider]
        )

    def _was_accepted(self, row: Message) -> bool:
        starts = self._world.ledger.accounts[row.id].remembered()
        return any(start.answer is Answer.ACCEPTED for start in starts)

    def _attempt(self, call: Call, answer: Answer) -> Attempt:
        return Attempt(
            id=self._world.next_id("attempt"),
            message_id=call.message.id,
            number=call.message.attempts + 1,
            lease=call.message.lease,
            provider=call.provider,
            started_at=call.start.at,
            finished_at=self._world.now,
            outcome=answer.value,
            reason=None,
            provider_message_id=None,
        )


def _settlement(
    row: Message,
    expected: MessageStatus,
    status: MessageStatus,
    *,
    reason: str | None = None,
    due_at: datetime | None = None,
    attempt: Attempt | None = None,
) -> Settlement:
    return Settlement(
        message_id=row.id,
        lease=row.lease,
        enrollment_id=row.enrollment_id,
        expected=expected,
        status=status,
        reason=reason,
        due_at=due_at,
        attempt=attempt,
    )


def _is_held_for(row: Message, settlement: Settlement) -> bool:
    return (row.lease, row.status) == (settlement.lease, settlement.expected)

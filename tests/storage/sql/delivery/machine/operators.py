"""What callers and operators do with messages and sends."""

from __future__ import annotations

import copy
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from storage.contract.storage import Transaction
from storage.model.campaigns import CampaignStatus
from storage.model.messages import UNSTARTED, Message, MessageStatus, Resolution
from storage.model.programs import Enrollment, EnrollmentStatus, RecipientOutcome, Step
from storage.model.sends import Send, SendStatus
from tests.storage.sql.delivery.machine.ledger import Ledger
from tests.storage.sql.delivery.machine.sight import OPEN, Dump, dump, put_back
from tests.storage.sql.delivery.machine.workers import Workers
from tests.storage.sql.delivery.machine.world import World
from tests.support.storage import made

RETRIED_AT_ONCE = 2


@dataclass(frozen=True)
class Backup:
    """The database at some time, and what had been acknowledged by then."""

    rows: Dump
    ledger: Ledger


class Operators:
    """Everybody but the dispatchers."""

    def __init__(self, world: World, workers: Workers) -> None:
        self._world = world
        self._workers = workers
        self._programs: dict[str, list[Step]] = {}
        """What each send runs."""
        self.backup: Backup | None = None
        self.restored = 0

    # Callers

    async def one_off(self, brand: str, due_in: timedelta, expires_in: timedelta | None) -> None:
        message = self._message(
            brand, due_at=self._world.now + due_in, expire_at=self._after(expires_in)
        )
        assert await self._world.write(
            "one-off", (), lambda tx: tx.messages.insert_unless_duplicate(message)
        )

    async def publish(
        self,
        brand: str,
        recipients: int,
        expires_in: timedelta | None,
        *,
        done: bool,
        delays: Sequence[timedelta] = (),
    ) -> None:
        """Begins a send; with `delays`, of steps that wait so long."""
        world, steps = self._world, self._steps(delays)
        campaign = made.campaign(
            id=world.next_id("campaign"), brand_id=brand, status=CampaignStatus.SENDING
        )
        send = made.send(
            campaign.id,
            id=world.next_id("send"),
            brand_id=brand,
            expire_at=self._after(expires_in),
            started_at=world.now,
            enrolls=bool(steps),
        )

        async def publish(tx: Transaction) -> None:
            await tx.campaigns.insert(campaign)
            for step in steps:
                await tx.steps.insert(campaign.id, step)
            await tx.sends.insert(send)

        await world.storage.write(publish)
        self._programs[send.id] = steps
        await self._add_recipients("publish", send, recipients, done=done)

    async def resolve_more(self, send: Send, *, done: bool) -> None:
        """The next batch of an audience: of a retried send, what its parent has."""
        if send.parent_send_id is not None:
            await self._retry(send)
            return
        await self._add_recipients("resolve audience", send, 1, done=done)

    async def _add_recipients(self, step: str, send: Send, count: int, *, done: bool) -> None:
        world, now = self._world, self._world.now
        steps = self._programs[send.id]
        enrolled = [self._enrollment(send, steps) for _ in range(count)] if steps else []
        rows = (
            [
                send.message(
                    world.next_id("message"),
                    each.person_id,
                    each.recipient,
                    None,
                    now,
                    step=steps[0],
                    enrollment=each,
                )
                for each in enrolled
            ]
            if steps
            else self._recipients(send, count)
        )

        async def add(tx: Transaction) -> None:
            await tx.enrollments.insert_many(enrolled)
            await tx.messages.insert_many(rows)
            await tx.sends.advance_audience(send.id, None, done=done, now=now)

        await world.write(step, (), add)
        if not steps:
            world.ledger.made[send.id] += count
        for each in enrolled:
            world.ledger.delays[each.id] = tuple(
                timedelta(minutes=step.delay_minutes) for step in steps
            )

    def _enrollment(self, send: Send, steps: Sequence[Step]) -> Enrollment:
        world = self._world
        return made.enrollment(
            made.sequence(*steps, id=send.campaign_id, brand_id=send.brand_id),
            world.next_id("person"),
            id=world.next_id("enrollment"),
            next_step_at=world.now + timedelta(minutes=steps[0].delay_minutes),
            enrolled_at=world.now,
            send_id=send.id,
            outcome=RecipientOutcome.PENDING,
        )

    def _steps(self, delays: Sequence[timedelta]) -> list[Step]:
        return [
            made.step(
                position,
                id=self._world.next_id("step"),
                template_revision=1,
                delay_minutes=int(delay.total_seconds()) // 60,
            )
            for position, delay in enumerate(delays)
        ]

    async def enroll(self, brand: str, delays: Sequence[timedelta]) -> None:
        """Somebody in a sequence of their own."""
        world, steps = self._world, self._steps(delays)
        sequence = made.sequence(*steps, id=world.next_id("sequence"), brand_id=brand)
        enrollment = made.enrollment(
            sequence,
            world.next_id("person"),
            id=world.next_id("enrollment"),
            next_step_at=world.now + delays[0],
            enrolled_at=world.now,
        )

        async def enroll(tx: Transaction) -> None:
            await tx.sequences.insert(sequence)
            assert await tx.enrollments.insert(enrollment)

        await world.write("enroll", (), enroll)
        world.ledger.delays[enrollment.id] = tuple(delays)

    # Cancelling and pausing

    async def end_enrollment(self, enrollment: Enrollment, *, deleted: bool) -> None:
        """Cancels it, or deletes its person, who is in no other."""
        world, now = self._world, self._world.now
        rows = world.sight.of_enrollment(enrollment.id)
        touched = [row.id for row in rows if row.status in UNSTARTED]

        async def end(tx: Transaction) -> bool:
            if deleted:
                who = enrollment.brand_id, enrollment.person_id
                return await tx.enrollments.stop_person(*who, "person_deleted", now) == 1
            return await tx.enrollments.cancel(enrollment.id, now)

        ended = await world.write("cancel", touched, end)
        assert ended == (enrollment.status is EnrollmentStatus.ACTIVE)
        if ended:
            world.ledger.cancelled.add(enrollment.id)

    async def cancel_message(self, message: Message) -> None:
        cancelled = await self._world.write(
            "cancel", [message.id], lambda tx: tx.messages.cancel(message.id, self._world.now)
        )
        assert cancelled == (message.status in UNSTARTED)
        if cancelled:
            self._world.ledger.cancelled.add(message.id)

    async def cancel_send(self, send: Send) -> None:
        world = self._world
        touched = self._rows(send, UNSTARTED)

        receipt = await world.write(
            "cancel", touched, lambda tx: tx.sends.cancel(send.id, world.now)
        )
        assert (receipt is not None) == (send.status is SendStatus.SENDING)
        if receipt is not None:
            world.ledger.cancelled.add(send.id)
            doubts = sum(world.sight.rows[each].in_doubt for each in touched)
            assert (receipt.sent, receipt.in_flight) == (
                send.counters.sent,
                send.counters.in_flight,
            )
            assert (
                len(touched) - doubts <= receipt.cancelled - send.counters.cancelled <= len(touched)
            )

    async def cancel_campaign(self, send: Send) -> None:
        world = self._world
        of_campaign = [
            each for each in world.sight.sends.values() if each.campaign_id == send.campaign_id
        ]
        running = [each for each in of_campaign if each.status is SendStatus.SENDING]
        touched = [row for each in running for row in self._rows(each, UNSTARTED)]
        stopped = await world.write(
            "cancel", touched, lambda tx: tx.sends.cancel_running(send.campaign_id, world.now)
        )
        assert list(stopped) == sorted(each.id for each in running)
        world.ledger.cancelled.update(stopped)

    async def sweep(self, limit: int) -> None:
        """Goes on with the rows of large cancelled sends."""
        sends = [
            send for send in self._world.sight.sends.values() if send.status is SendStatus.CANCELLED
        ]
        touched = [row for send in sends for row in self._rows(send, UNSTARTED)]
        swept = await self._world.write(
            "cancel", touched, lambda tx: tx.sends.sweep_cancelled(self._world.now, limit)
        )
        assert bool(swept) == bool(touched)

    async def pause(self, send: Send) -> None:
        touched = self._rows(send, {MessageStatus.LEASED})
        await self._world.write(
            "pause", touched, lambda tx: tx.sends.pause(send.id, self._world.now)
        )
        if send.status is SendStatus.SENDING:
            self._world.ledger.paused.add(send.id)

    async def resume(self, send: Send) -> None:
        await self._world.write("resume", (), lambda tx: tx.sends.resume(send.id))
        self._world.ledger.paused.discard(send.id)

    async def change_version(self, send: Send) -> None:
        touched, revision = self._rows(send, {MessageStatus.LEASED}), send.template_revision + 1
        await self._world.write(
            "change version", touched, lambda tx: tx.sends.change_revision(send.id, revision)
        )

    # Time

    async def expire(self, limit: int) -> None:
        now, rows = self._world.now, self._world.sight.rows.values()
        stale = [
            row.id
            for row in rows
            if row.status is MessageStatus.PENDING
            and row.expire_at is not None
            and row.expire_at <= now
        ]
        ended = await self._world.write("expire", stale, lambda tx: tx.messages.expire(now, limit))
        assert ended == min(limit, len(stale))

    async def prune(self, age: timedelta, limit: int) -> None:
        world, before = self._world, self._world.now - age
        looked_at = sorted(world.sight.rows.values(), key=lambda row: row.id)[:limit]
        leaving = [row for row in looked_at if self._may_leave(row, before)]
        deleted, _ = await world.write(
            "prune", (), lambda tx: tx.messages.prune(before, None, limit)
        )
        assert deleted == len(leaving)
        world.let_leave([row.id for row in leaving])

    # What is in doubt, and what failed

    async def resolve(
        self, brand: str, messages: Collection[Message], resolution: Resolution
    ) -> None:
        world, now = self._world, self._world.now
        ids = [message.id for message in messages]
        wanted = sorted(
            row.id
            for row in messages
            if row.brand_id == brand and self._may_be_resolved(row, resolution)
        )
        resolved = await world.write(
            "resolve", wanted, lambda tx: tx.messages.resolve_unknown(brand, ids, resolution, now)
        )
        assert [message.id for message in resolved] == wanted
        for message_id in wanted:
            world.ledger.accounts[message_id].decide(resolution)
            # One that was in doubt when it was cancelled is unknown, and resending it is a later
            # decision.
            world.ledger.cancelled.discard(message_id)

    async def retry_failed(self, parent: Send, *, unknown: bool) -> None:
        """Begins a send over what failed in one that has ended."""
        child = made.send(
            parent.campaign_id,
            id=self._world.next_id("send"),
            brand_id=parent.brand_id,
            expire_at=parent.expire_at,
            started_at=self._world.now,
            parent_send_id=parent.id,
            retries_unknown=unknown,
        )
        await self._retry(child, begins=True)

    async def _retry(self, child: Send, *, begins: bool = False) -> None:
        world, now, parent = self._world, self._world.now, child.parent_send_id
        assert parent is not None
        statuses = (
            {MessageStatus.FAILED, MessageStatus.UNKNOWN}
            if child.retries_unknown
            else {MessageStatus.FAILED}
        )
        rows = sorted(
            row.id
            for row in world.sight.of_send(parent)
            if row.status in statuses and row.retried_in is None
        )
        cursor = child.audience_cursor
        wanted = [each for each in rows if cursor is None or each > cursor][:RETRIED_AT_ONCE]

        ids = {each: world.next_id("message") for each in wanted}

        async def retry(tx: Transaction) -> list[Message]:
            if begins:
                await tx.sends.insert(child)
            taken = await tx.sends.mark_retried(
                parent, child.id, child.retries_unknown, cursor, RETRIED_AT_ONCE, now
            )
            await tx.messages.insert_many(child.again(ids[row.id], row, now) for row in taken)
            last = taken[-1].id if taken else cursor
            await tx.sends.advance_audience(
                child.id, last, done=len(taken) < RETRIED_AT_ONCE, now=now
            )
            return taken

        taken = await world.write("retry", wanted, retry)
        assert [row.id for row in taken] == wanted, "each is taken once"
        world.ledger.made[child.id] += len(taken)
        for row in taken:
            if row.status is MessageStatus.UNKNOWN:
                world.ledger.accounts[row.id].decide(Resolution.FAILED)

    # A database that is put back

    async def back_up(self) -> None:
        self.backup = Backup(
            await self._world.storage.read(dump), copy.deepcopy(self._world.ledger)
        )

    async def restore(self) -> None:
        """Puts the database back under dispatchers that were stopped. Those that called somebody
        since notice when they start, and hold."""
        world, backup, self.backup = self._world, self.backup, None
        assert backup is not None
        self.restored += 1
        await world.write("restore", (), lambda tx: put_back(tx, backup.rows))
        world.ledger.put_back(backup.ledger)
        behind = False
        for worker in self._workers.all:
            worker.crash()
            behind = await self._notices(worker.id, worker.generation) or behind
        if behind:
            await world.storage.write(lambda tx: tx.dispatchers.hold("it was put back", world.now))

    async def _notices(self, dispatcher_id: str, generation: int) -> bool:
        if not generation:
            return False

        async def starts(tx: Transaction) -> tuple[bool, bool]:
            found = await tx.dispatchers.find_generation(dispatcher_id) or 0
            refused = found < generation and not await tx.dispatchers.advance(
                dispatcher_id, generation, generation + 1
            )
            return found < generation, refused

        is_behind, refused = await self._world.storage.write(starts)
        assert refused == is_behind
        return is_behind

    async def release(self) -> None:
        """Somebody who knows what was put back lets delivery go on; every dispatcher begins anew
        with what it knows."""
        world = self._world

        async def release(tx: Transaction) -> None:
            await tx.dispatchers.release("operator", world.now)
            for worker in self._workers.all:
                if worker.generation:
                    await tx.dispatchers.adopt(worker.id, worker.generation)

        await world.write("release", (), release)
        world.ledger.release()

    def _message(self, brand: str, **more: object) -> Message:
        person = self._world.next_id("person")
        return made.message(
            person,
            id=self._world.next_id("message"),
            brand_id=brand,
            created_at=self._world.now,
            **more,
        )

    def _recipients(self, send: Send, count: int) -> list[Message]:
        people = (self._world.next_id("person") for _ in range(count))
        return [
            send.message(
                self._world.next_id("message"),
                person,
                f"{person}@example.com",
                None,
                self._world.now,
            )
            for person in people
        ]

    def _after(self, delay: timedelta | None) -> datetime | None:
        return None if delay is None else self._world.now + delay

    def _rows(self, send: Send, statuses: Iterable[MessageStatus]) -> list[str]:
        wanted = set(statuses)
        return [row.id for row in self._world.sight.of_send(send.id) if row.status in wanted]

    def _may_be_resolved(self, row: Message, resolution: Resolution) -> bool:
        if row.status is not MessageStatus.UNKNOWN or resolution is not Resolution.RESEND:
            return row.status is MessageStatus.UNKNOWN
        pruned = row.send_id is not None and self._world.sight.sends[row.send_id].pruned
        stale = row.expire_at is not None and row.expire_at <= self._world.now
        return not stale and not pruned and not self._world.sight.is_cancelled(row)

    def _may_leave(self, row: Message, before: datetime) -> bool:
        ended = row.status not in OPEN and row.status is not MessageStatus.UNKNOWN
        over = row.send_id is None or self._world.sight.sends[row.send_id].completed_at is not None
        return ended and over and row.created_at < before and row.due_at < before

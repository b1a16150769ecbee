"""Enrollments go on in the transaction that ends a message: no step is lost, none runs twice."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

import pytest
from sqlalchemy import update

from storage.contract.signals import PROGRESS, messages
from storage.contract.storage import Transaction
from storage.model.deliveries import Queue
from storage.model.messages import Message, MessageStatus, Purpose, Resolution
from storage.model.programs import (
    CURRENT_REVISION,
    OWN_ADDRESS,
    PERSON_DELETED,
    Enrollment,
    EnrollmentStatus,
)
from storage.sql.schema.messages import messages as table
from storage.sql.transaction import SqlTransaction
from tests.support.storage import made
from tests.support.storage.made import BRAND, KNOWS_KEYS, LEASE, NOW, SECOND
from tests.support.storage.scene import Scene

MINUTE = 60 * SECOND
S = MessageStatus


async def started(scene: Scene, *, now: datetime = NOW) -> Message:
    """The one message that is due, with its provider."""
    (row,) = await scene.claim(now=now, until=now + 30 * SECOND)
    assert await scene.mark([row], now=now, until=now + 30 * SECOND) == {row.id}
    return row


async def statuses(scene: Scene, enrollment: Enrollment) -> list[MessageStatus]:
    return [row.status for row in await scene.steps(enrollment)]


async def test_an_enrollment_has_the_message_of_its_first_step_and_no_other(scene: Scene) -> None:
    later = NOW + MINUTE
    enrollment = await scene.enrolled(next_step_at=later)
    (row,) = await scene.steps(enrollment)
    assert (row.status, row.step, row.due_at, row.scheduled_at) == (S.PENDING, 0, later, later)
    assert (row.person_id, row.recipient, row.created_at) == ("ann", "ann@example.com", NOW)
    assert await scene.claim() == []
    assert await scene.found_enrollment(enrollment) == enrollment


@pytest.mark.parametrize("end", [S.SENT, S.FAILED, S.UNKNOWN])
async def test_what_ends_a_message_plans_the_next_one_after_its_delay(
    scene: Scene, end: MessageStatus
) -> None:
    enrollment = await scene.enrolled()
    row = await started(scene)
    ended_at = NOW + 10 * SECOND
    assert await scene.settle(made.settlement(row, end), now=ended_at) == {row.id}
    first, second = await scene.steps(enrollment)
    assert (first.status, second.status, second.step) == (end, S.PENDING, 1)
    assert second.due_at == second.scheduled_at == ended_at + MINUTE
    assert second.created_at == ended_at
    found = await scene.found_enrollment(enrollment)
    assert (found.status, found.current_step, found.next_step_at) == (
        EnrollmentStatus.ACTIVE,
        1,
        second.due_at,
    )


@pytest.mark.parametrize("end", [S.SKIPPED, S.EXPIRED, S.FAILED])
async def test_a_step_that_is_not_tried_is_followed_by_the_next(
    scene: Scene, end: MessageStatus
) -> None:
    enrollment = await scene.enrolled()
    (row,) = await scene.claim()
    await scene.settle(made.settlement(row, end, S.LEASED, reason="no_address"))
    assert await statuses(scene, enrollment) == [end, S.PENDING]


async def test_the_last_step_completes_the_enrollment(scene: Scene) -> None:
    enrollment = await scene.enrolled()
    await scene.finish([await started(scene)])
    over = NOW + 2 * MINUTE
    row = await started(scene, now=over)
    await scene.settle(made.settlement(row, S.SENT), now=over)
    assert await statuses(scene, enrollment) == [S.SENT, S.SENT]
    found = await scene.found_enrollment(enrollment)
    assert (found.status, found.current_step) == (EnrollmentStatus.COMPLETED, 1)
    assert (found.next_step_at, found.ended_at, found.reason) == (None, over, None)


async def test_a_step_that_waits_to_be_tried_again_is_followed_by_nothing(scene: Scene) -> None:
    enrollment = await scene.enrolled()
    row = await started(scene)
    await scene.finish([row], S.PENDING, due_at=NOW + SECOND)
    assert await statuses(scene, enrollment) == [S.PENDING]


async def test_many_enrollments_go_on_at_once_each_by_its_own_steps(scene: Scene) -> None:
    short, long = made.sequence(made.step(5)), made.sequence(*map(made.step, (7, 3, 9)))
    long = made.sequence(*sorted(long.steps, key=lambda step: step.position))

    async def insert(tx: Transaction) -> None:
        await tx.sequences.insert(short)
        await tx.sequences.insert(long)

    await scene.storage.write(insert)
    both = [
        await scene.enrolled(sequence, person_id=f"{number}")
        for sequence in (short, long)
        for number in range(3)
    ]
    one_off = await scene.one_off()
    rows = await scene.claim()
    await scene.mark(rows)
    assert await scene.finish(rows) == {row.id for row in rows}
    assert one_off.id in {row.id for row in rows}
    for enrollment in both[:3]:
        assert await statuses(scene, enrollment) == [S.SENT]
        status = (await scene.found_enrollment(enrollment)).status
        assert status is EnrollmentStatus.COMPLETED
    for enrollment in both[3:]:
        steps = [(row.step, row.status) for row in await scene.steps(enrollment)]
        assert steps == [(3, S.SENT), (7, S.PENDING)]


async def test_a_suppressed_step_stops_the_enrollment(scene: Scene) -> None:
    enrollment = await scene.enrolled()
    (row,) = await scene.claim()
    await scene.settle(made.settlement(row, S.SKIPPED, S.LEASED, reason="suppressed"))
    assert await statuses(scene, enrollment) == [S.SKIPPED]
    found = await scene.found_enrollment(enrollment)
    assert (found.status, found.reason) == (EnrollmentStatus.STOPPED, "suppressed")
    assert (found.next_step_at, found.ended_at) == (None, NOW)


# What ends a message in other ways


async def test_recovery_that_gives_a_message_up_plans_the_next_step(scene: Scene) -> None:
    enrollment = await scene.enrolled()
    await started(scene)
    await scene.recover()
    assert await statuses(scene, enrollment) == [S.UNKNOWN, S.PENDING]


async def test_recovery_that_gives_a_message_back_plans_nothing(scene: Scene) -> None:
    enrollment = await scene.enrolled()
    await scene.claim()
    await scene.recover()
    await started(scene)
    await scene.recover(key_windows=KNOWS_KEYS)
    assert await statuses(scene, enrollment) == [S.PENDING]


async def test_a_late_acceptance_plans_the_next_step_once(scene: Scene) -> None:
    enrollment = await scene.enrolled()
    row = await started(scene)
    await scene.recover(key_windows=KNOWS_KEYS)
    late = made.settlement(row, S.SENT, attempt=made.attempt(row))
    assert await scene.settle(late) == set()
    assert await statuses(scene, enrollment) == [S.SENT, S.PENDING]
    await scene.settle(late)
    assert await statuses(scene, enrollment) == [S.SENT, S.PENDING]


async def test_a_late_acceptance_of_what_was_given_up_plans_nothing_more(scene: Scene) -> None:
    enrollment = await scene.enrolled()
    row = await started(scene)
    await scene.recover()
    await scene.settle(made.settlement(row, S.SENT, attempt=made.attempt(row)))
    assert await statuses(scene, enrollment) == [S.SENT, S.PENDING]


@pytest.mark.parametrize("resolution", Resolution)
async def test_a_resolution_plans_nothing_more(scene: Scene, resolution: Resolution) -> None:
    enrollment = await scene.enrolled()
    row = await started(scene)
    await scene.finish([row], S.UNKNOWN)
    resolved = await scene.storage.write(
        lambda tx: tx.messages.resolve_unknown(BRAND, [row.id], resolution, NOW)
    )
    assert [message.id for message in resolved] == [row.id]
    if resolution is Resolution.RESEND:
        await scene.finish([await started(scene)])
    assert len(await scene.steps(enrollment)) == 2
    found = await scene.found_enrollment(enrollment)
    assert (found.status, found.current_step) == (EnrollmentStatus.ACTIVE, 1)


async def test_an_expired_step_is_followed_by_the_next(scene: Scene) -> None:
    enrollment = await scene.enrolled()
    (row,) = await scene.steps(enrollment)
    await expires(scene, row, NOW)
    assert await scene.storage.write(lambda tx: tx.messages.expire(NOW, 10)) == 1
    assert await statuses(scene, enrollment) == [S.EXPIRED, S.PENDING]


async def expires(scene: Scene, row: Message, at: datetime) -> None:
    async def change(tx: Transaction) -> None:
        assert isinstance(tx, SqlTransaction)
        statement = update(table).where(table.c.id == row.id).values(expire_at=at)
        await tx._connection.execute(statement)

    await scene.storage.write(change)


async def test_a_cancelled_message_is_followed_by_the_next_step(scene: Scene) -> None:
    enrollment = await scene.enrolled()
    (row,) = await scene.steps(enrollment)
    assert await scene.storage.write(lambda tx: tx.messages.cancel(row.id, NOW))
    assert await statuses(scene, enrollment) == [S.CANCELLED, S.PENDING]


# Ending enrollments


async def cancel(scene: Scene, enrollment: Enrollment) -> bool:
    return await scene.storage.write(lambda tx: tx.enrollments.cancel(enrollment.id, NOW))


async def in_flight(scene: Scene, enrollment: Enrollment) -> bool:
    return await scene.storage.read(lambda tx: tx.enrollments.is_in_flight(enrollment.id))


async def test_a_cancelled_enrollment_starts_nothing_any_more(scene: Scene) -> None:
    waiting, leased = await scene.enrolled(), await scene.enrolled(person_id="bob")
    claimed = await scene.claim()
    assert await cancel(scene, waiting)
    assert await cancel(scene, leased)
    assert await scene.mark(claimed) == set()
    for enrollment in (waiting, leased):
        assert await statuses(scene, enrollment) == [S.CANCELLED]
        found = await scene.found_enrollment(enrollment)
        assert (found.status, found.ended_at) == (EnrollmentStatus.CANCELLED, NOW)
        assert (found.next_step_at, found.reason) == (None, None)
        assert not await cancel(scene, enrollment)
    assert await scene.queues() == []


@pytest.mark.parametrize(
    ("said", "becomes"), [(S.SENT, S.SENT), (S.FAILED, S.FAILED), (S.PENDING, S.CANCELLED)]
)
async def test_what_is_with_its_provider_ends_and_is_followed_by_nothing(
    scene: Scene, said: MessageStatus, becomes: MessageStatus
) -> None:
    enrollment = await scene.enrolled()
    row = await started(scene)
    assert await cancel(scene, enrollment)
    assert await in_flight(scene, enrollment)
    with scene.storage.signals.subscribe(PROGRESS) as progress:
        await scene.finish([row], said)
        assert progress.is_set()
    assert not await in_flight(scene, enrollment)
    assert await statuses(scene, enrollment) == [becomes]


async def test_in_doubt_a_cancelled_step_is_neither_repeated_nor_said_to_be_cancelled(
    scene: Scene,
) -> None:
    enrollment = await scene.enrolled()
    row = await started(scene)
    await scene.recover(key_windows=KNOWS_KEYS)
    assert await cancel(scene, enrollment)
    assert await statuses(scene, enrollment) == [S.UNKNOWN]
    resent = await scene.storage.write(
        lambda tx: tx.messages.resolve_unknown(BRAND, [row.id], Resolution.RESEND, NOW)
    )
    assert resent == []


async def test_recovery_does_not_repeat_a_step_of_a_cancelled_enrollment(scene: Scene) -> None:
    enrollment = await scene.enrolled()
    await started(scene)
    assert await cancel(scene, enrollment)
    await scene.recover(key_windows=KNOWS_KEYS)
    assert await statuses(scene, enrollment) == [S.UNKNOWN]


async def test_a_deleted_person_is_stopped_in_every_program_and_nobody_else(scene: Scene) -> None:
    ann, again, bob = (
        await scene.enrolled(),
        await scene.enrolled(),
        await scene.enrolled(person_id="bob"),
    )
    other = await scene.enrolled(made.sequence(brand_id="other"), add=True)
    stopped = await scene.storage.write(
        lambda tx: tx.enrollments.stop_person(BRAND, "ann", PERSON_DELETED, NOW)
    )
    assert stopped == 2
    for enrollment in (ann, again):
        found = await scene.found_enrollment(enrollment)
        assert (found.status, found.reason) == (EnrollmentStatus.STOPPED, PERSON_DELETED)
        assert await statuses(scene, enrollment) == [S.CANCELLED]
    for enrollment in (bob, other):
        assert await scene.found_enrollment(enrollment) == enrollment


# What is written when a step runs


async def test_a_step_gets_the_revision_and_address_of_the_moment_it_runs(scene: Scene) -> None:
    sequence = made.sequence(*(made.step(number, channel="sms") for number in (0, 1)))
    enrollment = await scene.enrolled(sequence, add=True)
    (row,) = await scene.steps(enrollment)
    assert (row.template_revision, row.recipient) == (CURRENT_REVISION, OWN_ADDRESS)

    async def change(tx: Transaction) -> None:
        await made.put_version(tx, channel="sms")
        await made.put_version(tx, channel="sms")
        await tx.people.put(made.person())

    await scene.storage.write(change)
    (claimed,) = await scene.claim(channel="sms")
    assert (claimed.template_revision, claimed.recipient) == (2, "+12025550100")
    await scene.settle(made.settlement(claimed, S.PENDING, S.LEASED))
    await scene.storage.write(change)
    (claimed,) = await scene.claim(channel="sms")
    assert claimed.template_revision == 2, "it stays as it was when it first ran"
    assert await scene.found(claimed) == claimed


@pytest.mark.parametrize(
    ("channel", "address"),
    [("email", "ann@example.com"), ("push", "first"), ("in_app", "ann"), ("sms", "+12025550100")],
)
async def test_the_recipient_serves_its_channel_and_others_the_persons_own(
    scene: Scene, channel: str, address: str
) -> None:
    await scene.storage.write(lambda tx: tx.people.put(made.person()))
    sequence = made.sequence(made.step(0, channel=channel))
    await scene.enrolled(sequence, add=True, recipient="given", recipient_channel="email")
    (row,) = await scene.claim(channel=channel)
    assert row.recipient == ("given" if channel == "email" else address)


async def test_somebody_without_an_address_or_unknown_has_none(scene: Scene) -> None:
    await scene.storage.write(
        lambda tx: tx.people.put(made.person("bob", phone=None, push_tokens=()))
    )
    for channel in ("sms", "push"):
        sequence = made.sequence(made.step(0, channel=channel))
        await scene.enrolled(sequence, add=True, person_id="ann")
        await scene.enrolled(sequence, person_id="bob")
        assert [row.recipient for row in await scene.claim(channel=channel)] == [""] * 2


# Queues


async def test_steps_wait_apart_from_one_offs(scene: Scene) -> None:
    one_off, enrollment = await scene.one_off(), await scene.enrolled()
    one_offs, steps = await scene.queues()
    assert (one_offs, steps) == (
        Queue("email", BRAND, None, NOW),
        Queue("email", BRAND, None, NOW, steps=True),
    )
    assert [queue.purpose for queue in (one_offs, steps)] == list(Purpose)
    claimed = [
        await scene.storage.write(lambda tx, queue=queue: tx.messages.claim(queue, NOW, LEASE, 9))  # type: ignore[misc]
        for queue in (one_offs, steps)
    ]
    assert [[row.enrollment_id for row in rows] for rows in claimed] == [[None], [enrollment.id]]
    assert claimed[0][0].id == one_off.id


async def test_a_planned_step_signals_only_if_it_is_due_soon(scene: Scene) -> None:
    sequence = made.sequence(*(made.step(number, delay_minutes=number % 2) for number in range(3)))
    await scene.enrolled(sequence, add=True)
    now = NOW
    for _ in range(2):
        row = await started(scene, now=now)
        with scene.storage.signals.subscribe(messages("email")) as fired:
            await scene.settle(made.settlement(row, S.SENT), now=now)
            assert fired.is_set() == (row.step == 1)
        now += MINUTE


# Others at the same time


async def test_nobody_is_active_twice_at_one_address(scene: Scene) -> None:
    sequence = made.sequence()
    await scene.storage.write(lambda tx: tx.sequences.insert(sequence))
    several = [made.enrollment(sequence) for _ in range(8)]
    added = await asyncio.gather(
        *(
            scene.storage.write(lambda tx, each=each: tx.enrollments.insert(each))  # type: ignore[misc]
            for each in several
        )
    )
    assert sorted(added) == [False] * 7 + [True]
    (row,) = await scene.claim()
    active = await scene.storage.read(
        lambda tx: tx.enrollments.find_active(sequence.id, "ann", "ann@example.com")
    )
    assert active is not None
    assert row.enrollment_id == active.id
    await cancel(scene, active)
    await scene.enrolled(sequence)


async def test_a_cancellation_and_a_settlement_at_the_same_time_leave_nothing_waiting(
    scene: Scene,
) -> None:
    several = [await scene.enrolled(person_id=str(number)) for number in range(20)]
    rows = await scene.claim()
    await scene.mark(rows)
    by_enrollment = {row.enrollment_id: row for row in rows}
    await asyncio.gather(
        *(cancel(scene, each) for each in several),
        *(scene.finish([by_enrollment[each.id]], S.PENDING) for each in several[:10]),
        *(scene.finish([by_enrollment[each.id]], S.SENT) for each in several[10:]),
    )
    for each in several:
        found = await scene.found_enrollment(each)
        assert found.status is EnrollmentStatus.CANCELLED
        assert not {S.PENDING, S.LEASED} & set(await statuses(scene, each))


async def prune(scene: Scene, before: datetime) -> int:
    return await scene.storage.write(lambda tx: tx.enrollments.prune(before, 10))


async def test_enrollments_that_are_over_leave_after_their_messages(scene: Scene) -> None:
    over, active = await scene.enrolled(), await scene.enrolled(person_id="bob")
    await cancel(scene, over)
    later = NOW + timedelta(days=1)
    assert await prune(scene, later) == 0
    await scene.storage.write(lambda tx: tx.messages.prune(later, None, 10))
    assert await prune(scene, NOW) == 0
    assert await prune(scene, later) == 1
    assert await scene.storage.read(lambda tx: tx.enrollments.find(over.id)) is None
    assert await scene.found_enrollment(active) == active

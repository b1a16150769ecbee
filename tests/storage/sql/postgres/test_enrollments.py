"""Enrollments whose steps end while they are being ended themselves."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import asyncpg

from storage.contract.storage import Transaction
from storage.model.messages import MessageStatus
from storage.model.programs import Enrollment, EnrollmentStatus
from storage.model.sends import CancelReceipt, Recipients, Send
from tests.support.storage import made
from tests.support.storage.blocking import Held, until_blocked
from tests.support.storage.made import NOW
from tests.support.storage.scene import Scene


async def test_a_retry_waits_for_a_cancellation_that_is_not_committed(
    on_postgres: Scene, admin: asyncpg.Connection
) -> None:
    enrollment = await on_postgres.enrolled()
    (started,) = await on_postgres.start()
    async with Held(on_postgres, lambda tx: tx.enrollments.cancel(enrollment.id, NOW)):
        settling = asyncio.create_task(on_postgres.finish([started], MessageStatus.PENDING))
        await until_blocked(admin)
    assert await settling == {started.id}
    assert await on_postgres.status(started) is MessageStatus.CANCELLED


async def test_a_cancellation_waits_for_a_settlement_and_cancels_what_it_planned(
    on_postgres: Scene, admin: asyncpg.Connection
) -> None:
    enrollment = await on_postgres.enrolled()
    (started,) = await on_postgres.start()
    sent = made.settlement(started, MessageStatus.SENT)

    async def settle(tx: Transaction) -> None:
        await tx.messages.settle([sent], NOW)

    async with Held(on_postgres, settle):
        cancelling = asyncio.create_task(
            on_postgres.storage.write(lambda tx: tx.enrollments.cancel(enrollment.id, NOW))
        )
        await until_blocked(admin)
    assert await cancelling
    first, second = await on_postgres.steps(enrollment)
    assert (first.status, second.status) == (MessageStatus.SENT, MessageStatus.CANCELLED)
    found = await on_postgres.found_enrollment(enrollment)
    assert found.status is EnrollmentStatus.CANCELLED


async def test_what_a_settlement_plans_is_cancelled_with_its_send(
    on_postgres: Scene, admin: asyncpg.Connection
) -> None:
    send, (enrollment,) = await on_postgres.enrolling()
    (started,) = await on_postgres.start()
    sent = made.settlement(started, MessageStatus.SENT)

    async def settle(tx: Transaction) -> None:
        await tx.messages.settle([sent], NOW)

    async with Held(on_postgres, settle):
        cancelling = asyncio.create_task(
            on_postgres.storage.write(lambda tx: tx.sends.cancel(send.id, NOW))
        )
        await until_blocked(admin)
    assert await cancelling == CancelReceipt(sent=1, in_flight=0, cancelled=1)
    first, second = await on_postgres.steps(enrollment)
    assert (first.status, second.status) == (MessageStatus.SENT, MessageStatus.CANCELLED)
    assert (await on_postgres.found_send(send)).recipients == Recipients(sent=1)


async def test_a_settlement_that_waits_for_the_end_of_its_enrollment_plans_nothing(
    on_postgres: Scene, admin: asyncpg.Connection
) -> None:
    for deleted in (False, True):
        send, (enrollment,) = await on_postgres.enrolling()
        (started,) = await on_postgres.start()
        stop = _stop(send, enrollment, deleted=deleted)
        async with Held(on_postgres, stop):
            settling = asyncio.create_task(on_postgres.finish([started]))
            await until_blocked(admin)
        assert await settling == {started.id}
        assert [row.status for row in await on_postgres.steps(enrollment)] == [MessageStatus.SENT]
        found = await on_postgres.found_send(send)
        assert (found.recipients, found.completed_at) == (Recipients(sent=1), NOW)


def _stop(
    send: Send, enrollment: Enrollment, *, deleted: bool
) -> Callable[[Transaction], Awaitable[None]]:
    async def stop(tx: Transaction) -> None:
        if deleted:
            who = enrollment.brand_id, enrollment.person_id
            assert await tx.enrollments.stop_person(*who, "person_deleted", NOW) == 1
        else:
            assert await tx.sends.cancel(send.id, NOW) is not None

    return stop

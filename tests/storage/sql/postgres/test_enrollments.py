"""Enrollments whose steps end while they are being ended themselves."""

from __future__ import annotations

import asyncio

import asyncpg

from storage.contract.storage import Transaction
from storage.model.messages import MessageStatus
from storage.model.programs import EnrollmentStatus
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

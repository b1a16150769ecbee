"""What runs all the time, or while somebody waits, looks at the rows it is about and not at all
there are."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from storage.contract.storage import Transaction
from storage.model.criteria import EVERYONE, Not, Received
from storage.model.deliveries import Queue
from storage.model.messages import MessageStatus
from storage.model.programs import EnrollmentFilter, EnrollmentStatus
from tests.support.storage import made
from tests.support.storage.made import BRAND, KNOWS_KEYS, LEASE, MAX_ATTEMPTS, NOW
from tests.support.storage.scene import Scene

OF_THE_GATE = {"uq_suppressions_address", "uq_consents_person", "uq_preferences_person"}
INDEXES = ("ix_messages", "uq_messages", "ix_enrollments", "uq_enrollments", *OF_THE_GATE)
TABLES = ("messages", "enrollments", "program_steps", "suppressions", "consents", "preferences")
SCANS = {f"SCAN {table}" for table in TABLES}


async def indexes_used(scene: Scene, function: Callable[[Transaction], Awaitable[Any]]) -> set[str]:
    """The indexes of messages and enrollments that the statements of a transaction use. Fails if
    one reads a whole table."""
    # Plans show only on the connection.
    driver = scene.storage._writer._driver  # type: ignore[attr-defined]
    statements: list[str] = []
    driver.set_trace_callback(statements.append)
    await scene.storage.write(function)
    driver.set_trace_callback(None)
    used: set[str] = set()
    for statement in statements:
        if statement.startswith(("SELECT", "UPDATE", "WITH")):
            for *_, step in driver.execute(f"EXPLAIN QUERY PLAN {statement}").fetchall():
                assert step not in SCANS, statement
                used.update(word for word in step.split() if word.startswith(INDEXES))
    return used


@pytest.fixture
async def busy(on_sqlite: Scene) -> Scene:
    """A send, one-offs and steps, of which some are leased and some with their provider."""
    await on_sqlite.send(20)
    for number in range(3):
        await on_sqlite.enrolled(person_id=f"enrolled-{number}")
    for number in range(10):
        await on_sqlite.one_off(person_id=str(number))
    await on_sqlite.start(5)
    await on_sqlite.claim(5)
    return on_sqlite


async def test_queues_are_listed_from_their_indexes(busy: Scene) -> None:
    assert await indexes_used(busy, lambda tx: tx.messages.list_queues("email")) == {
        "ix_messages_one_offs",
        "ix_messages_steps",
        "ix_messages_of_sends",
    }


async def test_a_claim_reads_the_index_of_its_queue_in_order(busy: Scene) -> None:
    send_id = (await busy.queues())[-1].send_id
    for queue, index in (
        (Queue("email", BRAND, None, NOW), "ix_messages_one_offs"),
        (Queue("email", BRAND, None, NOW, steps=True), "ix_messages_steps"),
        (Queue("email", BRAND, send_id, NOW), "ix_messages_of_sends"),
    ):
        used = await indexes_used(
            busy,
            lambda tx, queue=queue: tx.messages.claim(queue, NOW, LEASE, 3),  # type: ignore[misc]
        )
        assert used == {index}


async def test_marks_and_settlements_find_their_rows_by_id(busy: Scene) -> None:
    claimed = await busy.claim(3)
    assert (
        await indexes_used(busy, lambda tx: tx.messages.mark_sending(claimed, "outbox", NOW, LEASE))
        == set()
    )
    late = [
        made.settlement(row, MessageStatus.SENT, attempt=made.attempt(row))
        for row in await busy.claim(3)
    ]
    assert await indexes_used(busy, lambda tx: tx.messages.settle(late, NOW)) == set()


async def test_what_follows_a_step_is_found_by_the_id_of_its_enrollment(busy: Scene) -> None:
    queue = Queue("email", BRAND, None, NOW, steps=True)
    rows = await busy.storage.write(lambda tx: tx.messages.claim(queue, NOW, LEASE, 3))
    assert all(row.enrollment_id for row in rows)
    ends = [made.settlement(row, MessageStatus.SENT, MessageStatus.LEASED) for row in rows]
    assert await indexes_used(busy, lambda tx: tx.messages.settle(ends, NOW)) == set()


async def test_enrollments_are_listed_along_one_index(busy: Scene) -> None:
    of_program, of_person = EnrollmentFilter(program_id="one"), EnrollmentFilter(person_id="ann")
    both = EnrollmentFilter(program_id="one", person_id="ann", status=EnrollmentStatus.ACTIVE)
    for where, index in (
        (of_program, "ix_enrollments_program_id_status_id"),
        (of_person, "ix_enrollments_brand_id_person_id_id"),
        (both, "ix_enrollments_brand_id_person_id_id"),
    ):
        used = await indexes_used(
            busy,
            lambda tx, where=where: tx.enrollments.list_page(BRAND, where, "x", 9),  # type: ignore[misc]
        )
        assert used == {index}


async def test_ending_enrollments_reads_those_and_their_messages(busy: Scene) -> None:
    enrollment = await busy.enrolled()
    assert await indexes_used(busy, lambda tx: tx.enrollments.cancel(enrollment.id, NOW)) == {
        "uq_messages_step"
    }
    assert await indexes_used(
        busy, lambda tx: tx.enrollments.stop_person(BRAND, "enrolled-1", "gone", NOW)
    ) == {"ix_enrollments_brand_id_person_id_id", "uq_messages_step"}
    assert await indexes_used(busy, lambda tx: tx.enrollments.prune(NOW, 9)) == {
        "ix_enrollments_ended_at",
        "uq_messages_step",
    }


async def test_recovery_reads_held_rows_only(busy: Scene) -> None:
    for everything in (False, True):

        async def recover(tx: Transaction, everything: bool = everything) -> None:
            await tx.messages.recover(
                NOW, everything=everything, key_windows=KNOWS_KEYS, max_attempts=MAX_ATTEMPTS
            )

        assert await indexes_used(busy, recover) == {"ix_messages_lease"}


async def test_expiry_reads_what_may_expire_only(busy: Scene) -> None:
    await busy.one_off(expire_at=NOW)
    assert await indexes_used(busy, lambda tx: tx.messages.next_expiry()) == {
        "ix_messages_expire_at"
    }
    assert await indexes_used(busy, lambda tx: tx.messages.expire(NOW, 10)) == {
        "ix_messages_expire_at"
    }


async def test_a_pause_reads_held_rows_only_and_a_cancellation_also_what_waits(busy: Scene) -> None:
    send_id = (await busy.queues())[-1].send_id
    assert send_id is not None
    assert await indexes_used(busy, lambda tx: tx.sends.pause(send_id, NOW)) == {
        "ix_messages_lease"
    }
    assert await indexes_used(busy, lambda tx: tx.sends.cancel(send_id, NOW)) == {
        "ix_messages_lease",
        "ix_messages_of_sends",
    }


async def test_what_a_person_received_is_looked_up_among_their_own_messages(busy: Scene) -> None:
    campaign_id = (await busy.campaign()).id
    await busy.storage.write(lambda tx: tx.people.put(made.person()))
    criteria = Not(Received(campaign_id))
    for look in (
        lambda tx: tx.people.list_matching(made.rule("email"), criteria, NOW, None, 9),
        lambda tx: tx.people.count_matching(made.rule("email"), criteria, NOW),
    ):
        used = await indexes_used(busy, look)
        assert used == {"ix_messages_brand_id_person_id_id", *OF_THE_GATE}


async def test_addresses_that_a_send_has_reached_are_looked_up_one_by_one(busy: Scene) -> None:
    send_id = (await busy.queues())[-1].send_id
    await busy.storage.write(lambda tx: tx.people.put(made.person()))
    used = await indexes_used(
        busy,
        lambda tx: tx.people.list_matching(
            made.rule("email"), EVERYONE, NOW, None, 9, reached_by=send_id
        ),
    )
    assert used == {"uq_messages_audience", *OF_THE_GATE}


async def test_the_gate_looks_up_contacts_one_by_one(busy: Scene) -> None:
    ann = ("ann", "ann@example.com")
    for transactional, used in ((False, OF_THE_GATE), (True, {"uq_suppressions_address"})):
        rule = made.rule(transactional=transactional)
        found = await indexes_used(
            busy,
            lambda tx, rule=rule: tx.gate.find_blocks(rule, [ann]),  # type: ignore[misc]
        )
        assert found == used


async def test_messages_of_a_batch_are_looked_up_by_their_keys(busy: Scene) -> None:
    for number in range(3):
        await busy.one_off(dedup_key=str(number))
    used = await indexes_used(busy, lambda tx: tx.messages.find_by_dedup_keys(BRAND, ["1", "2"]))
    assert used == {"uq_messages_dedup_key"}

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import update

from storage.contract.storage import Transaction
from storage.model.messages import MessageStatus
from storage.model.sends import SendStatus
from storage.sql.schema.sends import sends
from tests.support.storage import made
from tests.support.storage.made import LEASE, NOW, SECOND
from tests.support.storage.scene import Scene


async def test_a_claim_takes_due_rows_of_its_channel_earliest_first_up_to_the_limit(
    scene: Scene,
) -> None:
    third = await scene.one_off(due_at=NOW)
    first = await scene.one_off(due_at=NOW - 2 * SECOND)
    second = await scene.one_off(due_at=NOW - SECOND)
    fourth = await scene.one_off(due_at=NOW)
    await scene.one_off(due_at=NOW + SECOND)
    await scene.one_off(channel="sms", due_at=NOW - SECOND)
    assert [row.id for row in await scene.claim(3)] == [first.id, second.id, third.id]
    assert [row.id for row in await scene.claim(3)] == [fourth.id]


async def test_a_claimed_row_comes_back_as_leased_and_is_not_claimed_again(scene: Scene) -> None:
    row = await scene.one_off(variables={"a": 1})
    claimed = await scene.claim()
    assert claimed == [replace(row, status=MessageStatus.LEASED, lease=1)]
    assert await scene.found(row) == claimed[0]
    assert await scene.claim() == []


async def test_the_lease_grows_with_every_claim_and_only_then(scene: Scene) -> None:
    row = await scene.one_off()
    for lease in (1, 2, 3):
        (claimed,) = await scene.start()
        assert claimed.lease == lease
        await scene.finish([claimed], MessageStatus.PENDING)
        assert (await scene.found(row)).lease == lease


async def test_two_workers_at_once_never_claim_the_same_row(scene: Scene) -> None:
    _, rows = await scene.send(300)
    claims = await asyncio.gather(*(scene.claim(20) for _ in range(20)))
    claimed = [row.id for claim in claims for row in claim]
    assert len(claimed) == len(set(claimed))
    remaining = 300
    while remaining:
        more = await scene.claim(100)
        remaining = len(more)
        claimed += [row.id for row in more]
    assert sorted(claimed) == sorted(row.id for row in rows)


async def test_claimed_rows_still_count_as_pending(scene: Scene) -> None:
    send, _ = await scene.send(2)
    await scene.claim(1)
    assert (await scene.found_send(send)).counters.pending == 2


async def test_a_mark_makes_a_leased_row_sending_counts_the_attempt_and_the_send(
    scene: Scene,
) -> None:
    send, _ = await scene.send(3)
    claimed = await scene.claim(2)
    assert await scene.mark(claimed) == {row.id for row in claimed}
    found = await scene.found(claimed[0])
    assert (found.status, found.attempts, found.lease) == (MessageStatus.SENDING, 1, 1)
    counters = (await scene.found_send(send)).counters
    assert (counters.pending, counters.in_flight) == (1, 2)


async def test_a_mark_with_an_old_lease_does_nothing(scene: Scene) -> None:
    row = await scene.one_off()
    (stale,) = await scene.claim()
    await scene.finish([stale], MessageStatus.PENDING, expected=MessageStatus.LEASED)
    (fresh,) = await scene.claim()
    assert await scene.mark([stale]) == set()
    assert (await scene.found(row)).attempts == 0
    assert await scene.mark([fresh]) == {row.id}


async def test_a_row_is_marked_once(scene: Scene) -> None:
    await scene.one_off()
    claimed = await scene.claim()
    assert len(await scene.mark(claimed)) == 1
    assert await scene.mark(claimed) == set()
    assert (await scene.found(claimed[0])).attempts == 1


async def test_the_same_row_twice_in_one_batch_of_marks_is_marked_once(scene: Scene) -> None:
    send, _ = await scene.send(1)
    (claimed,) = await scene.claim()
    assert await scene.mark([claimed, claimed]) == {claimed.id}
    assert (await scene.found_send(send)).counters.in_flight == 1


async def test_a_pending_row_cannot_be_marked(scene: Scene) -> None:
    row = await scene.one_off()
    assert await scene.mark([row]) == set()
    assert (
        await scene.storage.write(
            lambda tx: tx.messages.mark_sending([made.message(lease=1)], "outbox", NOW, LEASE)
        )
        == set()
    )


async def test_a_mark_renews_the_lease(scene: Scene) -> None:
    row = await scene.one_off()
    claimed = await scene.claim(until=NOW + SECOND)
    await scene.mark(claimed, until=NOW + 60 * SECOND)
    found = await scene.recover(now=NOW + 30 * SECOND, everything=False)
    assert (found.released, found.in_doubt) == (0, 0)
    assert await scene.status(row) is MessageStatus.SENDING


async def test_empty_batches_are_nothing(scene: Scene) -> None:
    assert await scene.mark([]) == set()
    assert await scene.settle() == set()


async def test_a_row_that_is_stale_is_not_marked(scene: Scene) -> None:
    send, _ = await scene.send([], done=False)
    rows = [
        made.message(str(number), send_id=send.id, expire_at=NOW + number * SECOND)
        for number in (1, 2, 3)
    ]
    await scene.storage.write(lambda tx: tx.messages.insert_many(rows))
    unlimited = await scene.one_off()
    claimed = await scene.claim()
    assert await scene.mark(claimed, now=NOW + 2 * SECOND) == {rows[2].id, unlimited.id}
    assert [await scene.status(row) for row in rows[:2]] == [MessageStatus.LEASED] * 2
    assert (await scene.found(rows[0])).attempts == 0
    assert (await scene.found_send(send)).counters.in_flight == 1


@pytest.mark.parametrize(
    "change",
    [{"paused_at": NOW}, {"status": SendStatus.CANCELLED}, {"status": SendStatus.COMPLETED}],
)
async def test_a_leased_row_of_a_send_that_does_not_run_is_not_marked(
    scene: Scene, change: dict[str, Any]
) -> None:
    """Rows of such a send are leased when a claim that began before the change commits after it."""
    send, _ = await scene.send(2)
    _, (of_other,) = await scene.send(1)
    claimed = await scene.claim()

    async def set_send(tx: Transaction, values: dict[str, Any]) -> None:
        await tx.sends._connection.execute(  # type: ignore[attr-defined]
            update(sends).where(sends.c.id == send.id).values(values)
        )

    await scene.storage.write(lambda tx: set_send(tx, change))
    assert await scene.mark(claimed) == {of_other.id}
    await scene.storage.write(
        lambda tx: set_send(tx, {"paused_at": None, "status": SendStatus.SENDING})
    )
    assert len(await scene.mark(claimed)) == 2


async def test_the_first_mark_is_remembered_through_all_later_ones(scene: Scene) -> None:
    row = await scene.one_off()
    for seconds in (0, 60):
        claimed = await scene.claim(now=NOW + seconds * SECOND)
        await scene.mark(claimed, now=NOW + seconds * SECOND)
        assert (await scene.found(row)).first_sending_at == NOW
        await scene.finish(
            claimed,
            MessageStatus.PENDING,
            due_at=NOW + 60 * SECOND,
            attempt=made.attempt(claimed[0], "rejected"),
        )

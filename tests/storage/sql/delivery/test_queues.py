"""What waits: the queues that a dispatcher claims from, one after the other."""

from __future__ import annotations

import asyncio

import pytest

from storage.contract.signals import messages
from storage.model.deliveries import Queue
from storage.model.messages import Message, MessageStatus
from storage.model.sends import Send
from tests.support.storage import made
from tests.support.storage.made import BRAND, LEASE, NOW, SECOND
from tests.support.storage.scene import Scene


async def claim(scene: Scene, queue: Queue, limit: int = 100) -> list[str]:
    return [
        row.id
        for row in await scene.storage.write(lambda tx: tx.messages.claim(queue, NOW, LEASE, limit))
    ]


async def pause(scene: Scene, send: Send) -> None:
    await scene.storage.write(lambda tx: tx.sends.pause(send.id, NOW + SECOND))


async def test_each_brand_has_a_queue_of_one_offs_with_its_earliest_due_time(scene: Scene) -> None:
    await scene.one_off(due_at=NOW + 5 * SECOND)
    await scene.one_off(due_at=NOW - SECOND)
    await scene.one_off(brand_id="another", due_at=NOW + 60 * SECOND)
    await scene.one_off(brand_id="other", channel="sms")
    assert await scene.queues() == [
        Queue("email", "another", None, NOW + 60 * SECOND),
        Queue("email", BRAND, None, NOW - SECOND),
    ]
    assert await scene.queues("sms") == [Queue("sms", "other", None, NOW)]
    assert await scene.queues("push") == []


async def test_of_a_hundred_brands_each_is_listed_once_however_much_waits(scene: Scene) -> None:
    brands = [f"brand-{number:03}" for number in range(100)]
    rows = [made.message(brand_id=brand) for brand in brands for _ in range(3)]
    await scene.storage.write(lambda tx: tx.messages.insert_many(rows))
    assert [queue.brand_id for queue in await scene.queues()] == brands


async def test_each_send_has_a_queue_of_its_own_with_its_earliest_due_time(scene: Scene) -> None:
    first, _ = await scene.send(3)
    (row,) = await scene.start(1)
    await scene.finish([row], MessageStatus.PENDING, due_at=NOW + 60 * SECOND)
    assert await scene.queues() == [Queue("email", BRAND, first.id, NOW)]
    await scene.claim()
    assert await scene.queues() == [Queue("email", BRAND, first.id, NOW + 60 * SECOND)]
    texts, _ = await scene.send([], channel="sms", done=False)
    assert await scene.queues("sms") == []
    await scene.storage.write(
        lambda tx: tx.messages.insert_many(
            [made.message(send_id=texts.id, channel="sms", due_at=NOW + SECOND)]
        )
    )
    assert await scene.queues("sms") == [Queue("sms", BRAND, texts.id, NOW + SECOND)]


async def test_rows_that_do_not_wait_make_no_queue(scene: Scene) -> None:
    await scene.one_off()
    await scene.send(2)
    claimed = await scene.claim()
    assert await scene.queues() == []
    await scene.mark(claimed)
    assert await scene.queues() == []
    await scene.finish(claimed)
    assert await scene.queues() == []


async def test_a_claim_takes_rows_of_its_queue_only(scene: Scene) -> None:
    mine, other = await scene.one_off(), await scene.one_off(brand_id="other")
    sms = await scene.one_off(channel="sms")
    first, first_rows = await scene.send(2)
    second, second_rows = await scene.send(2)
    assert await claim(scene, Queue("email", BRAND, None, NOW)) == [mine.id]
    assert await claim(scene, Queue("email", "other", None, NOW)) == [other.id]
    assert await claim(scene, Queue("email", BRAND, second.id, NOW)) == [
        row.id for row in second_rows
    ]
    assert await claim(scene, Queue("email", BRAND, first.id, NOW)) == [
        row.id for row in first_rows
    ]
    assert await claim(scene, Queue("sms", BRAND, None, NOW)) == [sms.id]


async def test_a_paused_send_has_no_queue_and_is_not_claimed_until_it_goes_on(scene: Scene) -> None:
    send, rows = await scene.send(2)
    (queue,) = await scene.queues()
    await pause(scene, send)
    assert (await scene.found_send(send)).paused_at == NOW + SECOND
    assert await scene.queues() == []
    assert await claim(scene, queue) == []
    with scene.storage.signals.subscribe(messages("email")) as fired:
        await scene.storage.write(lambda tx: tx.sends.resume(send.id))
        assert fired.is_set()
    assert await scene.queues() == [queue]
    assert await claim(scene, queue) == [row.id for row in rows]
    assert (await scene.found_send(send)).paused_at is None


async def test_a_pause_gives_leased_rows_back_and_none_of_them_is_marked(scene: Scene) -> None:
    send, _ = await scene.send(3)
    _, (of_other,) = await scene.send(1)
    (with_provider,) = await scene.start(1)
    leased = await scene.claim()
    before = (await scene.found_send(send)).counters
    await pause(scene, send)
    assert await scene.mark(leased) == {of_other.id}
    theirs = [row for row in leased if row.id != of_other.id]
    assert [await scene.status(row) for row in theirs] == [MessageStatus.PENDING] * 2
    assert (await scene.found_send(send)).counters == before
    assert await scene.finish([with_provider]) == {with_provider.id}
    await scene.storage.write(lambda tx: tx.sends.resume(send.id))
    # As before the pause, but with their old lease: they may be marked by whoever claims them
    # again.
    assert await scene.mark(theirs) == set()
    assert {row.id for row in await scene.claim()} == {row.id for row in theirs}


async def test_pausing_again_changes_nothing_and_what_has_ended_is_not_paused(scene: Scene) -> None:
    paused, _ = await scene.send(1)
    cancelled, _ = await scene.send(1)
    completed, _ = await scene.send(0)
    await scene.storage.write(lambda tx: tx.sends.cancel(cancelled.id, NOW))
    for send in (paused, cancelled, completed):
        await pause(scene, send)
    await scene.storage.write(lambda tx: tx.sends.pause(paused.id, NOW + 60 * SECOND))
    assert (await scene.found_send(paused)).paused_at == NOW + SECOND
    assert (await scene.found_send(cancelled)).paused_at is None
    assert (await scene.found_send(completed)).paused_at is None


async def test_a_cancelled_send_has_no_queue_and_is_not_claimed(scene: Scene) -> None:
    send, _ = await scene.send(2)
    (queue,) = await scene.queues()
    await scene.storage.write(lambda tx: tx.sends.cancel(send.id, NOW))
    assert await scene.queues() == []
    assert await claim(scene, queue) == []


async def test_while_delivery_is_held_there_are_no_queues(scene: Scene) -> None:
    await scene.one_off()
    await scene.send(1)
    await scene.storage.write(lambda tx: tx.dispatchers.hold("restored", NOW))
    assert await scene.queues() == []
    await scene.storage.write(lambda tx: tx.dispatchers.release("tester", NOW))
    assert len(await scene.queues()) == 2


async def test_claims_of_one_queue_at_once_do_not_touch_another(scene: Scene) -> None:
    big, rows = await scene.send(200)
    one_off = await scene.one_off()
    queue = Queue("email", BRAND, big.id, NOW)
    claims = await asyncio.gather(*(claim(scene, queue, 20) for _ in range(20)))
    assert {message_id for each in claims for message_id in each} <= {row.id for row in rows}
    assert await claim(scene, Queue("email", BRAND, None, NOW)) == [one_off.id]


@pytest.mark.parametrize("status", [MessageStatus.SENT, MessageStatus.FAILED])
async def test_open_sends_are_listed_until_their_last_row_has_ended(
    scene: Scene, status: MessageStatus
) -> None:
    first, _ = await scene.send(1)
    second, _ = await scene.send(1, done=False)
    paused, _ = await scene.send(1, channel="sms")
    cancelled, _ = await scene.send(1)
    await scene.send(0)
    started: list[Message] = await scene.start()
    await pause(scene, paused)
    await scene.storage.write(lambda tx: tx.sends.cancel(cancelled.id, NOW))
    every = [first.id, second.id, paused.id, cancelled.id]
    assert await scene.storage.read(lambda tx: tx.sends.list_open(None, 10)) == every
    assert await scene.storage.read(lambda tx: tx.sends.list_open(None, 3)) == every[:3]
    assert await scene.storage.read(lambda tx: tx.sends.list_open(every[2], 3)) == every[3:]
    await scene.finish(started, status)
    assert await scene.storage.read(lambda tx: tx.sends.list_open(None, 10)) == [
        second.id,
        paused.id,
    ]

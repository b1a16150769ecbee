"""Recipients who were given with a send and wait: counted from the start, begun with a slice at a
time, cancelled with it."""

from __future__ import annotations

import pytest

from storage.contract.signals import CANCELLATIONS
from storage.model.audiences import GivenRecipient, SkipReason
from storage.model.messages import MessageFilter, MessageStatus
from storage.model.sends import Counters, Recipients, Send
from tests.support.drift import assert_no_drift
from tests.support.storage.made import NOW, SECOND
from tests.support.storage.scene import Scene

SLICES: tuple[list[GivenRecipient], ...] = (
    [("a", "a@example.com", None), ("b", "b@example.com", None)],
    [("c", "c", SkipReason.INVALID_RECIPIENT)],
)


async def kept(scene: Scene, *, enrolls: bool = False) -> Send:
    """A send of one message, and three recipients who wait."""
    send, _ = await scene.send(1, done=False, enrolls=enrolls)
    count = await scene.storage.write(lambda tx: tx.sends.keep_recipients(send, SLICES, NOW))
    assert count == 3
    return send


async def take(scene: Scene, send: Send) -> list[GivenRecipient]:
    return await scene.storage.write(lambda tx: tx.sends.take_recipients(send, NOW))


async def sweep(scene: Scene) -> int:
    return await scene.storage.write(lambda tx: tx.sends.sweep_cancelled(NOW + SECOND, 10))


async def test_they_are_counted_until_they_are_taken_in_order(scene: Scene) -> None:
    send = await kept(scene)
    assert (await scene.found_send(send)).counters == Counters(total=4, pending=4)
    assert await scene.storage.read(lambda tx: tx.sends.recount(send.id)) == Counters(
        total=4, pending=4
    )
    for expected, left in ((SLICES[0], 2), (SLICES[1], 1), ([], 1)):
        assert await take(scene, send) == expected
        assert (await scene.found_send(send)).counters == Counters(total=left, pending=left)
        await assert_no_drift(scene.storage)


async def test_none_of_another_send_are_taken(scene: Scene) -> None:
    send, other = await kept(scene), await kept(scene)
    assert await take(scene, send) == SLICES[0]
    assert (await scene.found_send(other)).counters == Counters(total=4, pending=4)


@pytest.mark.parametrize("enrolls", [False, True])
async def test_those_who_wait_are_cancelled_one_message_each(scene: Scene, enrolls: bool) -> None:
    send = await kept(scene, enrolls=enrolls)
    with scene.storage.signals.subscribe(CANCELLATIONS) as more:
        receipt = await scene.storage.write(lambda tx: tx.sends.cancel(send.id, NOW))
        assert more.is_set()
    assert receipt is not None
    assert receipt.cancelled == 4
    assert (await scene.found_send(send)).completed_at is None
    assert [await sweep(scene), await sweep(scene), await sweep(scene)] == [2, 1, 0]
    found = await scene.found_send(send)
    assert found.counters == Counters(total=4, cancelled=3, skipped=1)
    assert found.completed_at == NOW + SECOND
    if enrolls:
        assert found.recipients == Recipients(skipped=4)
    rows = await scene.storage.read(
        lambda tx: tx.messages.list_page(send.brand_id, MessageFilter(send_id=send.id), None, 10)
    )
    by_person = {row.person_id: (row.recipient, row.status, row.failure_reason) for row in rows}
    assert by_person["b"] == ("b@example.com", MessageStatus.CANCELLED, None)
    assert by_person["c"] == ("c", MessageStatus.SKIPPED, SkipReason.INVALID_RECIPIENT)
    await assert_no_drift(scene.storage)


async def test_those_who_wait_are_reported_as_pending(scene: Scene) -> None:
    send = await kept(scene)
    (pending,) = await scene.storage.read(lambda tx: tx.messages.count_by_reason(send.id))
    assert (pending.status, pending.reason, pending.count) == (MessageStatus.PENDING, None, 4)

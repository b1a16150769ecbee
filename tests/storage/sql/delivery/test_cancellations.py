"""Cancelling sends that are larger than one transaction should be."""

from __future__ import annotations

import pytest

from storage.contract.signals import CANCELLATIONS
from storage.model.messages import MessageStatus
from storage.model.sends import CancelReceipt, Counters, Send, SendStatus
from storage.sql.delivery import cancellations
from tests.support.storage import made
from tests.support.storage.made import NOW, SECOND
from tests.support.storage.scene import Scene


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cancellations, "_ROWS_WITH_THE_SEND", 3)


async def cancel(scene: Scene, send: Send) -> CancelReceipt | None:
    return await scene.storage.write(lambda tx: tx.sends.cancel(send.id, NOW + SECOND))


async def sweep(scene: Scene, limit: int = 2, *, seconds: int = 2) -> int:
    return await scene.storage.write(
        lambda tx: tx.sends.sweep_cancelled(NOW + seconds * SECOND, limit)
    )


async def test_a_send_is_cancelled_at_once_and_its_rows_in_slices(scene: Scene) -> None:
    send, rows = await scene.send(8, done=False)
    with scene.storage.signals.subscribe(CANCELLATIONS) as more:
        assert await cancel(scene, send)
        found = await scene.found_send(send)
        assert (found.status, found.audience_done, found.completed_at) == (
            SendStatus.CANCELLED,
            True,
            None,
        )
        assert found.counters == Counters(total=8, pending=5, cancelled=3)
        assert more.is_set()
        assert await scene.claim() == []
        assert [await sweep(scene), await sweep(scene)] == [2, 2]
        assert (await scene.found_send(send)).completed_at is None
        more.clear()
        assert await sweep(scene, seconds=3) == 1
        assert not more.is_set()
    found = await scene.found_send(send)
    assert (found.counters, found.completed_at) == (
        Counters(total=8, cancelled=8),
        NOW + 3 * SECOND,
    )
    assert {await scene.status(row) for row in rows} == {MessageStatus.CANCELLED}
    assert await sweep(scene) == 0


async def test_a_small_send_is_cancelled_whole_and_leaves_nothing_to_sweep(scene: Scene) -> None:
    send, _ = await scene.send(3)
    with scene.storage.signals.subscribe(CANCELLATIONS) as more:
        assert await cancel(scene, send)
        assert not more.is_set()
    assert (await scene.found_send(send)).completed_at == NOW + SECOND
    assert await sweep(scene) == 0


async def test_all_leased_rows_are_cancelled_with_their_send_and_cannot_be_marked(
    scene: Scene,
) -> None:
    send, _ = await scene.send(9)
    leased = await scene.claim(5)
    assert await cancel(scene, send)
    assert {await scene.status(row) for row in leased} == {MessageStatus.CANCELLED}
    assert (await scene.found_send(send)).counters == Counters(total=9, pending=1, cancelled=8)
    assert await scene.mark(leased) == set()


async def test_the_receipt_counts_what_is_yet_to_be_swept_and_stays_as_it_was(
    scene: Scene,
) -> None:
    send, _ = await scene.send(9)
    sent, with_provider = await scene.start(2)
    await scene.finish([sent])
    assert (await scene.found_send(send)).receipt is None
    expected = CancelReceipt(sent=1, in_flight=1, cancelled=7)
    assert await cancel(scene, send) == expected
    assert (await scene.found_send(send)).receipt == expected
    await sweep(scene)
    await scene.finish([with_provider])
    assert await cancel(scene, send) is None
    assert (await scene.found_send(send)).receipt == expected


async def test_each_send_of_a_campaign_gets_a_receipt_of_its_own(scene: Scene) -> None:
    send, _ = await scene.send(2)
    second = made.send(send.campaign_id)
    other, _ = await scene.send(1)
    await scene.storage.write(lambda tx: tx.sends.insert(second))
    expected = {send.id: CancelReceipt(cancelled=2), second.id: CancelReceipt()}
    receipts = await scene.storage.write(lambda tx: tx.sends.cancel_running(send.campaign_id, NOW))
    assert (receipts, list(receipts)) == (expected, sorted(expected))
    assert {each.id: (await scene.found_send(each)).receipt for each in (send, second)} == expected
    assert (await scene.found_send(other)).receipt is None


async def test_a_send_whose_last_call_ends_before_the_sweep_is_complete_only_after_it(
    scene: Scene,
) -> None:
    send, _ = await scene.send(6)
    (with_provider,) = await scene.start(1)
    assert await cancel(scene, send)
    await scene.finish([with_provider])
    assert (await scene.found_send(send)).completed_at is None
    await sweep(scene)
    assert (await scene.found_send(send)).completed_at == NOW + 2 * SECOND


async def test_a_send_whose_sweep_ends_before_the_last_call_is_complete_only_after_that(
    scene: Scene,
) -> None:
    send, _ = await scene.send(6)
    (with_provider,) = await scene.start(1)
    assert await cancel(scene, send)
    await sweep(scene)
    assert await sweep(scene) == 0
    assert (await scene.found_send(send)).completed_at is None
    await scene.settle(made.settlement(with_provider, MessageStatus.SENT), now=NOW + 5 * SECOND)
    found = await scene.found_send(send)
    assert (found.counters, found.completed_at) == (
        Counters(total=6, sent=1, cancelled=5),
        NOW + 5 * SECOND,
    )


async def test_one_send_is_cancelled_and_another_of_its_campaign_goes_on(scene: Scene) -> None:
    send, _ = await scene.send(1)
    second = made.send(send.campaign_id)
    await scene.storage.write(lambda tx: tx.sends.insert(second))
    assert await cancel(scene, send)
    assert not await cancel(scene, send)
    assert (await scene.found_send(second)).status is SendStatus.SENDING
    assert await scene.storage.write(lambda tx: tx.sends.cancel_running(send.campaign_id, NOW)) == {
        second.id: CancelReceipt()
    }
    assert not await scene.storage.write(lambda tx: tx.sends.cancel("nobody", NOW))


async def test_a_row_in_doubt_becomes_unknown_when_its_send_is_cancelled(scene: Scene) -> None:
    """It may have been sent by the call that is in doubt."""
    send, _ = await scene.send(3)
    first, second = await scene.start(2)
    doubtful = [
        made.settlement(row, MessageStatus.PENDING, attempt=made.attempt(row, "ambiguous"))
        for row in (first, second)
    ]
    await scene.settle(*doubtful)
    (leased,) = await scene.claim(1)
    assert leased.id == first.id
    assert await cancel(scene, send)
    for row in (first, second):
        found = await scene.found(row)
        assert (found.status, found.failure_reason, found.cancelled_at) == (
            MessageStatus.UNKNOWN,
            "in_doubt",
            None,
        )
    assert (await scene.found_send(send)).counters == Counters(total=3, cancelled=1, unknown=2)


async def test_a_paused_send_can_be_cancelled(scene: Scene) -> None:
    send, _ = await scene.send(2)
    await scene.storage.write(lambda tx: tx.sends.pause(send.id, NOW))
    assert await cancel(scene, send)
    assert (await scene.found_send(send)).counters.cancelled == 2
    await scene.storage.write(lambda tx: tx.sends.resume(send.id))
    assert await scene.queues() == []

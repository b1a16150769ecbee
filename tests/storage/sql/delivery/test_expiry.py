"""Messages that go stale while they wait."""

from __future__ import annotations

from datetime import datetime

import pytest

from storage.model.messages import MessageStatus
from storage.model.sends import Counters, SendStatus
from storage.sql.delivery import cancellations
from tests.support.storage import made
from tests.support.storage.made import NOW, SECOND
from tests.support.storage.scene import Scene


async def expire(scene: Scene, *, now: datetime = NOW, limit: int = 100) -> int:
    return await scene.storage.write(lambda tx: tx.messages.expire(now, limit))


async def next_expiry(scene: Scene) -> datetime | None:
    return await scene.storage.read(lambda tx: tx.messages.next_expiry())


async def test_pending_rows_expire_at_their_instant_and_not_before(scene: Scene) -> None:
    row = await scene.one_off(expire_at=NOW + SECOND, due_at=NOW + 60 * SECOND)
    never = await scene.one_off()
    assert await expire(scene, now=NOW + SECOND - SECOND / 1000) == 0
    assert await expire(scene, now=NOW + SECOND) == 1
    found = await scene.found(row)
    assert (found.status, found.failure_reason, found.attempts) == (
        MessageStatus.EXPIRED,
        "expired",
        0,
    )
    assert await scene.status(never) is MessageStatus.PENDING
    assert await expire(scene, now=NOW + SECOND) == 0
    assert [claimed.id for claimed in await scene.claim(now=NOW + 60 * SECOND)] == [never.id]


async def test_rows_that_a_worker_has_or_that_ended_do_not_expire(scene: Scene) -> None:
    await scene.send([], done=False)
    for number in range(3):
        await scene.one_off(person_id=str(number), expire_at=NOW + SECOND)
    sent, *_ = started = await scene.start(2)
    await scene.finish([sent])
    (leased,) = await scene.claim()
    assert await expire(scene, now=NOW + SECOND) == 0
    statuses = [await scene.status(row) for row in (*started, leased)]
    assert statuses == [MessageStatus.SENT, MessageStatus.SENDING, MessageStatus.LEASED]


async def test_expired_rows_are_counted_and_complete_their_send(scene: Scene) -> None:
    send, _ = await scene.send([], done=False)
    rows = [
        made.message(str(number), send_id=send.id, expire_at=NOW + SECOND) for number in range(3)
    ]
    await scene.storage.write(lambda tx: tx.messages.insert_many(rows))
    await scene.storage.write(
        lambda tx: tx.sends.advance_audience(send.id, None, done=True, now=NOW)
    )
    await scene.finish(await scene.start(1))
    assert await expire(scene, now=NOW + 2 * SECOND) == 2
    found = await scene.found_send(send)
    assert (found.status, found.completed_at) == (SendStatus.COMPLETED, NOW + 2 * SECOND)
    assert found.counters == Counters(total=3, sent=1, expired=2)


async def test_rows_of_a_paused_send_expire_too(scene: Scene) -> None:
    send, _ = await scene.send([], done=False)
    row = made.message(send_id=send.id, expire_at=NOW + SECOND)
    await scene.storage.write(lambda tx: tx.messages.insert_many([row]))
    await scene.storage.write(lambda tx: tx.sends.pause(send.id, NOW))
    assert await expire(scene, now=NOW + SECOND) == 1
    assert await scene.status(row) is MessageStatus.EXPIRED


async def test_the_longest_stale_expire_first_up_to_the_limit(scene: Scene) -> None:
    rows = [
        await scene.one_off(person_id=str(seconds), expire_at=NOW + seconds * SECOND)
        for seconds in (3, 1, 2)
    ]
    assert await next_expiry(scene) == NOW + SECOND
    assert await expire(scene, now=NOW + 60 * SECOND, limit=2) == 2
    assert await scene.status(rows[0]) is MessageStatus.PENDING
    assert await next_expiry(scene) == NOW + 3 * SECOND
    assert await expire(scene, now=NOW + 60 * SECOND, limit=2) == 1
    assert await next_expiry(scene) is None


async def test_a_row_in_doubt_becomes_unknown_instead(scene: Scene) -> None:
    """It may have been sent by the call that is in doubt."""
    send, _ = await scene.send([], done=False)
    row = made.message(send_id=send.id, expire_at=NOW + 60 * SECOND)
    await scene.storage.write(lambda tx: tx.messages.insert_many([row]))
    (started,) = await scene.start()
    await scene.finish([started], MessageStatus.PENDING, attempt=made.attempt(started, "ambiguous"))
    assert await expire(scene, now=NOW + 60 * SECOND) == 1
    found = await scene.found(row)
    assert (found.status, found.failure_reason) == (MessageStatus.UNKNOWN, "in_doubt")
    assert (await scene.found_send(send)).counters == Counters(total=1, unknown=1)


async def test_a_row_whose_send_was_cancelled_is_cancelled_instead(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cancellations, "_ROWS_WITH_THE_SEND", 0)
    send, _ = await scene.send([], done=False)
    row = made.message(send_id=send.id, expire_at=NOW + SECOND)
    await scene.storage.write(lambda tx: tx.messages.insert_many([row]))
    await scene.storage.write(lambda tx: tx.sends.cancel(send.id, NOW))
    assert await expire(scene, now=NOW + SECOND) == 1
    found, found_send = await scene.found(row), await scene.found_send(send)
    assert (found.status, found.failure_reason, found.cancelled_at) == (
        MessageStatus.CANCELLED,
        None,
        NOW + SECOND,
    )
    assert (found_send.counters, found_send.completed_at) == (
        Counters(total=1, cancelled=1),
        NOW + SECOND,
    )

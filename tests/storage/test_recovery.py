from __future__ import annotations

import pytest

from server.domain.lifecycle import MessageStatus, SendStatus
from storage.records import Counters, Recovery
from tests.storage.made import LEASE, NOW, SECOND
from tests.storage.scene import Scene


async def recover(scene: Scene, *, everything: bool, seconds: int = 0) -> Recovery:
    return await scene.recover(now=NOW + seconds * SECOND, everything=everything)


@pytest.mark.parametrize(("everything", "seconds"), [(True, 0), (False, 30)])
async def test_leased_rows_go_back_and_rows_marked_sending_become_unknown(scene: Scene, everything: bool, seconds: int) -> None:
    send, _ = await scene.send(3)
    started = await scene.start(1)
    (leased,) = await scene.claim(1)
    assert await recover(scene, everything=everything, seconds=seconds) == Recovery(released=1, in_doubt=1)
    assert await scene.status(leased) is MessageStatus.PENDING
    found = await scene.found(started[0])
    assert (found.status, found.failure_reason) == (MessageStatus.UNKNOWN, "in_doubt")
    assert (await scene.found_send(send)).counters == Counters(total=3, pending=2, unknown=1)


async def test_leases_that_have_not_expired_are_left_alone(scene: Scene) -> None:
    await scene.send(2)
    (started,) = await scene.start(1)
    (leased,) = await scene.claim(1)
    assert await recover(scene, everything=False, seconds=29) == Recovery(released=0, in_doubt=0)
    assert await scene.status(started) is MessageStatus.SENDING
    assert await scene.mark([leased]) == {leased.id}


async def test_recovery_records_an_ambiguous_attempt_of_the_provider_that_was_called(scene: Scene) -> None:
    row = await scene.one_off()
    (claimed,) = await scene.claim()
    await scene.mark([claimed], now=NOW + SECOND)
    await recover(scene, everything=False, seconds=40)
    (attempt,) = await scene.storage.read(lambda tx: tx.messages.list_attempts(row.id, None, 10))
    assert (attempt.number, attempt.lease, attempt.provider, attempt.outcome, attempt.reason) == (1, 1, "outbox", "ambiguous", "in_doubt")
    assert (attempt.started_at, attempt.finished_at) == (NOW + SECOND, NOW + 40 * SECOND)


async def test_a_recovered_row_is_claimed_with_a_higher_lease_and_the_old_worker_is_fenced_off(scene: Scene) -> None:
    await scene.one_off()
    (old,) = await scene.claim()
    await recover(scene, everything=True)
    (new,) = await scene.claim()
    assert new.lease > old.lease
    assert await scene.mark([old]) == set()
    assert await scene.mark([new]) == {new.id}


async def test_recovery_completes_a_send_whose_last_rows_were_in_doubt(scene: Scene) -> None:
    send, _ = await scene.send(1)
    await scene.start()
    await recover(scene, everything=True, seconds=1)
    found = await scene.found_send(send)
    assert (found.status, found.completed_at) == (SendStatus.COMPLETED, NOW + SECOND)


async def test_recovery_twice_finds_nothing_more(scene: Scene) -> None:
    await scene.send(2)
    await scene.start(1)
    await scene.claim(1, until=LEASE)
    assert await recover(scene, everything=True) == Recovery(released=1, in_doubt=1)
    assert await recover(scene, everything=True) == Recovery(released=0, in_doubt=0)


async def test_settled_and_pending_rows_are_not_recovered(scene: Scene) -> None:
    _, rows = await scene.send(2)
    await scene.finish(await scene.start(1))
    assert await recover(scene, everything=True) == Recovery(released=0, in_doubt=0)
    assert [await scene.status(row) for row in rows] == [MessageStatus.SENT, MessageStatus.PENDING]

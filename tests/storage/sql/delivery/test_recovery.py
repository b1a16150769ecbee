from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from storage.contract.signals import messages
from storage.model.brands import BrandPolicy, UnknownPolicy
from storage.model.deliveries import Recovery
from storage.model.messages import Message, MessageStatus
from storage.model.sends import Counters, SendStatus
from tests.support.storage import made
from tests.support.storage.made import KNOWS_KEYS, LEASE, NOW, SECOND
from tests.support.storage.scene import Scene


async def recover(scene: Scene, *, everything: bool, seconds: int = 0) -> Recovery:
    return await scene.recover(now=NOW + seconds * SECOND, everything=everything)


@pytest.mark.parametrize(("everything", "seconds"), [(True, 0), (False, 30)])
async def test_leased_rows_go_back_and_rows_marked_sending_become_unknown(
    scene: Scene, everything: bool, seconds: int
) -> None:
    send, _ = await scene.send(3)
    started = await scene.start(1)
    (leased,) = await scene.claim(1)
    assert await recover(scene, everything=everything, seconds=seconds) == Recovery(
        released=1, in_doubt=1
    )
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


async def test_recovery_records_an_ambiguous_attempt_of_the_provider_that_was_called(
    scene: Scene,
) -> None:
    row = await scene.one_off()
    (claimed,) = await scene.claim()
    await scene.mark([claimed], now=NOW + SECOND)
    await recover(scene, everything=False, seconds=40)
    (attempt,) = await scene.storage.read(lambda tx: tx.messages.list_attempts(row.id, None, 10))
    assert (attempt.number, attempt.lease, attempt.provider, attempt.outcome, attempt.reason) == (
        1,
        1,
        "outbox",
        "ambiguous",
        "in_doubt",
    )
    assert (attempt.started_at, attempt.finished_at) == (NOW + SECOND, NOW + 40 * SECOND)


async def test_a_recovered_row_is_claimed_with_a_higher_lease_and_the_old_worker_is_fenced_off(
    scene: Scene,
) -> None:
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


async def started_at(scene: Scene, at: datetime, **more: Any) -> Message:
    row = await scene.one_off(**more)
    (claimed,) = [claimed for claimed in await scene.claim() if claimed.id == row.id]
    await scene.mark([claimed], now=at)
    return claimed


async def test_a_row_whose_provider_still_knows_its_key_is_sent_again_and_is_in_doubt(
    scene: Scene,
) -> None:
    row = await started_at(scene, NOW)
    with scene.storage.signals.subscribe(messages("email")) as fired:
        assert await scene.recover(key_windows=KNOWS_KEYS) == Recovery(
            released=0, in_doubt=0, resent=1
        )
        assert fired.is_set()
    found = await scene.found(row)
    assert (found.status, found.failure_reason, found.in_doubt, found.attempts) == (
        MessageStatus.PENDING,
        None,
        True,
        1,
    )
    assert (found.due_at, found.first_sending_at) == (NOW, NOW)
    (attempt,) = await scene.storage.read(lambda tx: tx.messages.list_attempts(row.id, None, 10))
    assert (attempt.outcome, attempt.reason) == ("ambiguous", "in_doubt")
    (again,) = await scene.claim()
    assert again.lease == row.lease + 1


async def test_the_window_of_a_key_ends_at_its_instant_and_counts_from_the_first_call(
    scene: Scene,
) -> None:
    windows = {"outbox": timedelta(seconds=60)}
    late, early = await started_at(scene, NOW), await started_at(scene, NOW + SECOND)
    assert await scene.recover(now=NOW + 60 * SECOND, key_windows=windows) == Recovery(
        released=0, in_doubt=1, resent=1
    )
    assert await scene.status(late) is MessageStatus.UNKNOWN
    assert await scene.status(early) is MessageStatus.PENDING
    again = await scene.claim()
    await scene.mark(again, now=NOW + 60 * SECOND)
    assert await scene.recover(now=NOW + 61 * SECOND, key_windows=windows) == Recovery(
        released=0, in_doubt=1, resent=0
    )


async def test_only_the_provider_that_was_called_says_whether_it_knows_the_key(
    scene: Scene,
) -> None:
    await started_at(scene, NOW)
    assert await scene.recover(key_windows={"another": timedelta(hours=1)}) == Recovery(
        released=0, in_doubt=1, resent=0
    )


async def test_a_brand_may_want_what_is_in_doubt_to_be_sent_again(scene: Scene) -> None:
    for brand_id, policy in (("wants", UnknownPolicy.RESEND), ("parks", UnknownPolicy.PARK)):
        given = BrandPolicy(brand_id=brand_id, unknown_policy=policy)
        await scene.storage.write(lambda tx, given=given: tx.brands.put_policy(given))  # type: ignore[misc]
    rows = [
        await started_at(scene, NOW, brand_id=brand_id)
        for brand_id in ("wants", "parks", "says-nothing")
    ]
    assert await scene.recover() == Recovery(released=0, in_doubt=2, resent=1)
    assert [await scene.status(row) for row in rows] == [
        MessageStatus.PENDING,
        MessageStatus.UNKNOWN,
        MessageStatus.UNKNOWN,
    ]


async def test_a_row_without_attempts_left_is_not_sent_again(scene: Scene) -> None:
    row = await started_at(scene, NOW)
    assert (await scene.recover(key_windows=KNOWS_KEYS, max_attempts=2)).resent == 1
    await scene.mark(await scene.claim())
    assert await scene.recover(key_windows=KNOWS_KEYS, max_attempts=2) == Recovery(
        released=0, in_doubt=1, resent=0
    )
    found = await scene.found(row)
    assert (found.status, found.failure_reason, found.attempts) == (
        MessageStatus.UNKNOWN,
        "in_doubt",
        2,
    )


async def test_a_row_whose_send_was_cancelled_is_not_sent_again(scene: Scene) -> None:
    send, _ = await scene.send(1)
    (row,) = await scene.start()
    await scene.storage.write(lambda tx: tx.sends.cancel(send.id, NOW))
    assert await scene.recover(key_windows=KNOWS_KEYS) == Recovery(released=0, in_doubt=1, resent=0)
    assert await scene.status(row) is MessageStatus.UNKNOWN
    assert (await scene.found_send(send)).completed_at == NOW


async def test_rows_that_are_sent_again_are_counted_as_pending(scene: Scene) -> None:
    send, _ = await scene.send(3)
    await scene.start(2)
    assert (await scene.recover(key_windows=KNOWS_KEYS)).resent == 2
    assert (await scene.found_send(send)).counters == Counters(total=3, pending=3)


async def test_a_row_of_a_paused_send_waits_until_it_goes_on(scene: Scene) -> None:
    send, _ = await scene.send(1)
    (row,) = await scene.start()
    await scene.storage.write(lambda tx: tx.sends.pause(send.id, NOW))
    assert (await scene.recover(key_windows=KNOWS_KEYS)).resent == 1
    assert await scene.claim() == []
    await scene.storage.write(lambda tx: tx.sends.resume(send.id))
    assert [again.id for again in await scene.claim()] == [row.id]


async def test_a_row_that_was_accepted_too_late_is_sent_although_its_next_worker_is_gone_too(
    scene: Scene,
) -> None:
    send, _ = await scene.send(1)
    (row,) = await scene.start()
    await scene.recover(key_windows=KNOWS_KEYS)
    await scene.mark(await scene.claim())
    await scene.settle(made.settlement(row, MessageStatus.SENT, attempt=made.attempt(row)))
    assert await scene.recover(now=NOW + SECOND, key_windows=KNOWS_KEYS) == Recovery(
        released=0, in_doubt=0, resent=0
    )
    found = await scene.found(row)
    assert (found.status, found.sent_at, found.failure_reason) == (
        MessageStatus.SENT,
        NOW + SECOND,
        None,
    )
    assert (await scene.found_send(send)).counters == Counters(total=1, sent=1)

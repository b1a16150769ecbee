"""What the counters of a send ought to be, and the sends that are worth counting."""

from __future__ import annotations

import asyncpg
import pytest

from storage.model.messages import MessageStatus
from storage.model.sends import Counters
from tests.support.storage import made
from tests.support.storage.made import NOW
from tests.support.storage.scene import Scene


async def test_a_recount_tells_rows_by_status_with_leased_as_pending_and_sending_as_in_flight(
    scene: Scene,
) -> None:
    send, rows = await scene.send(7, done=False)
    skips = [made.skip(send.id), made.skip(send.id)]
    expired = [made.message("late", send_id=send.id, status=MessageStatus.EXPIRED)]
    await scene.storage.write(lambda tx: tx.messages.insert_many([*skips, *expired]))
    await scene.storage.write(lambda tx: tx.messages.cancel(rows[6].id, NOW))
    sent, failed, unknown, _ = await scene.start(4)
    await scene.finish([sent])
    await scene.finish([failed], MessageStatus.FAILED)
    await scene.finish([unknown], MessageStatus.UNKNOWN)
    await scene.claim(1)
    expected = Counters(
        total=10,
        pending=2,
        in_flight=1,
        sent=1,
        failed=1,
        skipped=2,
        cancelled=1,
        expired=1,
        unknown=1,
    )
    assert await scene.storage.read(lambda tx: tx.sends.recount(send.id)) == expected
    assert (await scene.found_send(send)).counters == expected


async def test_a_recount_of_one_send_leaves_out_other_sends_and_one_offs(scene: Scene) -> None:
    send, _ = await scene.send(1)
    await scene.send(2)
    await scene.one_off()
    assert await scene.storage.read(lambda tx: tx.sends.recount(send.id)) == Counters(
        total=1, pending=1
    )
    assert await scene.storage.read(lambda tx: tx.sends.recount("nobody")) == Counters()


async def test_open_sends_are_listed_by_id_and_page_by_page(scene: Scene) -> None:
    await scene.send(0)
    running, _ = await scene.send(1)
    resolving, _ = await scene.send(0, done=False)
    cancelled, _ = await scene.send(0, done=False)
    await scene.storage.write(lambda tx: tx.sends.cancel_running(cancelled.campaign_id, NOW))
    assert await scene.storage.read(lambda tx: tx.sends.list_open(None, 10)) == [
        running.id,
        resolving.id,
    ]
    assert await scene.storage.read(lambda tx: tx.sends.list_open(None, 1)) == [running.id]
    assert await scene.storage.read(lambda tx: tx.sends.list_open(running.id, 10)) == [resolving.id]


async def test_the_end_of_every_test_here_finds_a_counter_that_drifted(
    on_postgres: Scene, admin: asyncpg.Connection
) -> None:
    send, _ = await on_postgres.send(2)
    await on_postgres.assert_no_drift()
    await admin.execute("UPDATE sends SET pending = 1, sent = 1")
    with pytest.raises(AssertionError, match=f"{send.id} has drifted"):
        await on_postgres.assert_no_drift()
    await admin.execute("UPDATE sends SET pending = 2, sent = 0, completed_at = now()")
    with pytest.raises(AssertionError, match=f"{send.id} is over, or not"):
        await on_postgres.assert_no_drift()
    await admin.execute("UPDATE sends SET completed_at = NULL")

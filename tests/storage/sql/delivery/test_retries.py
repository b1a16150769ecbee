"""Retried sends: which messages of an ended send its child takes."""

from __future__ import annotations

import asyncio

from storage.model.messages import Message, MessageStatus
from storage.model.sends import Counters, Send
from tests.support.storage import made
from tests.support.storage.made import NOW
from tests.support.storage.scene import Scene


async def ended(
    scene: Scene, failed: int = 0, unknown: int = 0, sent: int = 0
) -> tuple[Send, list[Message]]:
    """A completed send and its rows, in the order of their ids."""
    send, _ = await scene.send(failed + unknown + sent)
    started = await scene.start(failed + unknown + sent)
    await scene.finish(started[:failed], MessageStatus.FAILED, reason="refused")
    await scene.finish(started[failed : failed + unknown], MessageStatus.UNKNOWN, reason="in_doubt")
    await scene.finish(started[failed + unknown :])
    return send, sorted(
        [await scene.found(message) for message in started], key=lambda message: message.id
    )


async def take(
    scene: Scene,
    parent: Send,
    *,
    unknown: bool = False,
    after: str | None = None,
    limit: int = 100,
    child: str = "child",
) -> list[Message]:
    return await scene.storage.write(
        lambda tx: tx.sends.mark_retried(parent.id, child, unknown, after, limit, NOW)
    )


async def retryable(scene: Scene, send: Send, *, unknown: bool) -> int:
    return await scene.storage.read(lambda tx: tx.sends.count_retryable(send.id, unknown=unknown))


async def test_failed_messages_are_taken_as_they_were_and_know_their_child(scene: Scene) -> None:
    send, rows = await ended(scene, failed=2, unknown=1, sent=1)
    failed = [row for row in rows if row.status is MessageStatus.FAILED]
    assert await take(scene, send) == failed
    for row in rows:
        found = await scene.found(row)
        assert found.retried_in == ("child" if row in failed else None)
        assert (found.status, found.failure_reason) == (row.status, row.failure_reason)
    assert (await scene.found_send(send)).counters == Counters(total=4, failed=2, unknown=1, sent=1)


async def test_with_unknown_those_of_unknown_outcome_are_taken_too_and_become_failed(
    scene: Scene,
) -> None:
    send, rows = await ended(scene, failed=1, unknown=2, sent=1)
    wanted = [row for row in rows if row.status is not MessageStatus.SENT]
    assert await take(scene, send, unknown=True) == wanted
    for row in wanted:
        found = await scene.found(row)
        reason = "retried" if row.status is MessageStatus.UNKNOWN else "refused"
        assert (found.status, found.failure_reason, found.retried_in) == (
            MessageStatus.FAILED,
            reason,
            "child",
        )
    found_send = await scene.found_send(send)
    assert (found_send.counters, found_send.completed_at) == (
        Counters(total=4, failed=3, sent=1),
        NOW,
    )


async def test_messages_are_taken_by_id_a_batch_at_a_time(scene: Scene) -> None:
    send, rows = await ended(scene, failed=3, unknown=2)
    first = await take(scene, send, unknown=True, limit=2)
    second = await take(scene, send, unknown=True, after=first[-1].id, limit=2)
    third = await take(scene, send, unknown=True, after=second[-1].id, limit=2)
    assert [*first, *second, *third] == rows
    assert await take(scene, send, unknown=True, after=third[-1].id, limit=2) == []


async def test_only_messages_with_ids_after_the_cursor_are_taken(scene: Scene) -> None:
    send, rows = await ended(scene, failed=3)
    assert await take(scene, send, after=rows[0].id) == rows[1:]


async def test_what_one_send_retries_no_other_takes(scene: Scene) -> None:
    send, rows = await ended(scene, failed=3, unknown=1)
    assert len(await take(scene, send, limit=2)) == 2
    assert len(await take(scene, send, unknown=True, child="second")) == 2
    assert await take(scene, send, unknown=True, child="third") == []
    assert (
        sorted([(await scene.found(row)).retried_in or "" for row in rows])
        == ["child"] * 2 + ["second"] * 2
    )


async def test_retries_at_once_take_each_message_once(scene: Scene) -> None:
    send, rows = await ended(scene, failed=20, unknown=20)
    children = [f"child-{number}" for number in range(6)]
    taken = await asyncio.gather(
        *(take(scene, send, unknown=True, child=child, limit=9) for child in children)
    )
    assert sorted(row.id for batch in taken for row in batch) == [row.id for row in rows]


async def test_only_messages_of_the_send_are_taken(scene: Scene) -> None:
    send, _ = await ended(scene, sent=1)
    await ended(scene, failed=2)
    await scene.one_off()
    await scene.finish(await scene.start(), MessageStatus.FAILED)
    assert await take(scene, send, unknown=True) == []


async def test_whether_there_is_anything_to_retry_is_counted_up_to_one(scene: Scene) -> None:
    nothing, _ = await ended(scene, sent=2)
    in_doubt, _ = await ended(scene, unknown=2)
    failed, _ = await ended(scene, failed=2)
    for send, expected in ((nothing, (0, 0)), (in_doubt, (0, 1)), (failed, (1, 1))):
        assert (
            await retryable(scene, send, unknown=False),
            await retryable(scene, send, unknown=True),
        ) == expected
    await take(scene, failed)
    assert await retryable(scene, failed, unknown=True) == 0


async def test_a_message_that_a_retry_has_taken_stays_failed_when_it_was_accepted_after_all(
    scene: Scene,
) -> None:
    send, rows = await ended(scene, unknown=1)
    await take(scene, send, unknown=True)
    await scene.settle(
        made.settlement(rows[0], MessageStatus.SENT, attempt=made.attempt(rows[0], "accepted"))
    )
    assert await scene.status(rows[0]) is MessageStatus.FAILED
    assert (await scene.found_send(send)).counters == Counters(total=1, failed=1)
